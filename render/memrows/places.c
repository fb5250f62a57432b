/*
 * places.c - the columns that many blocks have in common: stack, allocator, process, thread, span
 */
#include "places.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "index.h"
#include "json.h"
#include "modules.h"
#include "origins.h"
#include "report.h"
#include "stacks.h"
#include "texts.h"
#include "threads.h"
#include "xmalloc.h"

struct place {
	uint64_t start_ms;
	uint32_t stack, thread, pid, process, span, host;
	uint8_t allocator;
};

struct places {
	enum places_format format;
	bool by_stack;
	struct stacks *stacks;
	struct threads *threads;
	struct origins *processes, *spans, *packages;
	struct texts texts;	/* hosts, and what the places are printed as */
	struct place *at;
	uint32_t n;
	size_t cap;
	struct index index;
	struct mt_str *text;	/* of each place; p NULL: not made yet */
	size_t n_text, cap_text;
};

struct places *places_new(enum places_format format, bool by_stack)
{
	struct places *p = xcalloc(1, sizeof *p);

	p->format = format;
	p->by_stack = by_stack;
	p->stacks = stacks_new();
	p->threads = threads_new();
	p->processes = origins_new(ORIGINS_PROCESS, p->stacks);
	p->spans = origins_new(ORIGINS_SPAN, p->stacks);
	p->packages = origins_new(ORIGINS_PACKAGE, p->stacks);
	return p;
}

void places_close(struct places *p)
{
	origins_free(p->processes);
	origins_free(p->spans);
	origins_free(p->packages);
	stacks_free(p->stacks);
	threads_free(p->threads);
	texts_clear(&p->texts);
	index_clear(&p->index);
	for (size_t i = 0; i < p->n_text; i++)
		free((char *)p->text[i].p);
	free(p->text);
	free(p->at);
	free(p);
}

void places_take(struct places *p, const struct mt_event *ev)
{
	stacks_take(p->stacks, ev);
	threads_take(p->threads, ev);
	origins_take(p->processes, ev);
	origins_take(p->spans, ev);
	origins_take(p->packages, ev);
}

/* ---------------------------------------------------------------- numbers */

static bool holds(const void *places, uint32_t n, const void *key)
{
	const struct place *a = (const struct place *)places + n, *b = key;

	return a->stack == b->stack && a->thread == b->thread && a->span == b->span && a->process == b->process &&
	       a->pid == b->pid && a->host == b->host && a->allocator == b->allocator && a->start_ms == b->start_ms;
}

static uint64_t hash_of(const struct place *k)
{
	uint64_t h = index_hash((uint64_t)k->stack << 32 | k->thread, (uint64_t)k->span << 8 | k->allocator);

	return index_hash(h, (uint64_t)k->process << 32 | k->host) ^ k->start_ms;
}

uint32_t places_number(struct places *p, const struct mt_event *ev, const struct mt_header *h)
{
	struct place key = {
		.start_ms = h->start_ns / 1000000,
		.stack = stacks_number(p->stacks, ev->stack),
		.thread = p->by_stack ? 0 : threads_number(p->threads, ev->pid, ev->tid),
		.pid = ev->pid,
		.process = origins_number(p->processes, ev),
		.span = p->by_stack ? 0 : origins_number(p->spans, ev),
		.host = texts_number(&p->texts, h->host, strlen(h->host)),
		.allocator = ev->allocator,
	};
	uint32_t n = index_put(&p->index, hash_of(&key), holds, p->at, &key, p->n);

	if (n == p->n) {
		if (n > INT32_MAX)
			die("more than %d combinations of stack, thread, process and span", INT32_MAX);
		GROW(p->at, (size_t)n, p->cap);
		p->at[p->n++] = key;
	}
	return n;
}

uint32_t places_count(const struct places *p)
{
	return p->n;
}

uint64_t places_start_ms(const struct places *p, uint32_t n)
{
	return p->at[n].start_ms;
}

/* ---------------------------------------------------------------- text */

static void put_text(const struct places *p, FILE *out, const char *name, const char *text)
{
	if (p->format == PLACES_JSON) {
		fprintf(out, ",\"%s\":", name);
		if (*text)
			json_text(out, text, strlen(text));
		else
			fputs("null", out);
	} else {
		putc(',', out);
		report_csv_field(out, text);
	}
}

/* 0: not known. */
static void put_number(const struct places *p, FILE *out, const char *name, uint64_t value)
{
	if (p->format == PLACES_JSON)
		fprintf(out, ",\"%s\":", name);
	else
		putc(',', out);
	if (value)
		fprintf(out, "%" PRIu64, value);
	else if (p->format == PLACES_JSON)
		fputs("null", out);
}

/* Prints the frames of a stack as folded lines do, the outermost first. */
static char *folded(const struct places *p, uint32_t stack)
{
	char *text = NULL;
	size_t n = 0;
	uint32_t depth = stacks_stack(p->stacks, stack)->depth, top = 0;
	uint32_t *frames = xcalloc((size_t)depth + 1, sizeof *frames);
	FILE *out = xmemstream(&text, &n);

	for (uint32_t at = stack; at; at = stacks_stack(p->stacks, at)->parent)
		frames[top++] = stacks_stack(p->stacks, at)->frame;
	while (top-- > 0)
		fprintf(out, "%s%s", stacks_label_by(p->stacks, frames[top], STACKS_LINE), top ? ";" : "");
	free(frames);
	xmemstream_close(out, &text);
	return text;
}

static void put_place(struct places *p, const struct place *k, FILE *out)
{
	const struct thread *thread = p->by_stack ? NULL : threads_thread(p->threads, k->thread);
	const struct frame *frame = stacks_frame(p->stacks, stacks_stack(p->stacks, k->stack)->frame);
	const struct function *function = stacks_function(p->stacks, frame->function);
	const char *span = p->by_stack ? "" : origins_origin(p->spans, k->span)->name;
	char *stack = folded(p, k->stack);

	put_text(p, out, "allocator", mt_allocator_name(k->allocator));
	put_text(p, out, "host", texts_text(&p->texts, k->host).p);
	put_number(p, out, "pid", k->pid);
	put_text(p, out, "process", origins_origin(p->processes, k->process)->name);
	if (thread) {
		put_number(p, out, "tid", thread->tid);
		put_text(p, out, "thread", thread->name);
		put_text(p, out, "span", strcmp(span, ORIGINS_NO_SPAN) != 0 ? span : "");
	}
	put_text(p, out, "package", origins_origin(p->packages, origins_of_stack(p->packages, k->stack))->name);
	put_text(p, out, "function", function->name);
	put_text(p, out, "file", function_place(function));
	put_number(p, out, "line", frame->line);
	fprintf(out, p->format == PLACES_JSON ? ",\"stack_id\":%" PRIu32 : ",%" PRIu32, k->stack);
	put_text(p, out, "stack", stack);
	free(stack);
}

void places_print_names(const struct places *p, FILE *out)
{
	fputs(",allocator,host,pid,process", out);
	if (!p->by_stack)
		fputs(",tid,thread,span", out);
	fputs(",package,function,file,line,stack_id,stack", out);
}

static struct mt_str make_text(struct places *p, uint32_t n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = xmemstream(&text, &size);

	put_place(p, &p->at[n], out);
	xmemstream_close(out, &text);
	return (struct mt_str){ text, size };
}

struct mt_str places_text(struct places *p, uint32_t n)
{
	while (p->n_text <= n) {
		GROW(p->text, p->n_text, p->cap_text);
		p->text[p->n_text++] = (struct mt_str){ NULL, 0 };
	}
	if (!p->text[n].p)
		p->text[n] = make_text(p, n);
	return p->text[n];
}
