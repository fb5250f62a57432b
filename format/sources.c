/*
 * sources.c - the lines of source code in a trace, by file and line
 */
#include "sources.h"

#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "texts.h"
#include "xmalloc.h"

struct sources {
	struct texts texts;
	struct source *at;
	uint32_t n;
	size_t cap;
	struct index index;
};

struct sources *sources_new(void)
{
	return xcalloc(1, sizeof(struct sources));
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	texts_clear(&s->texts);
	index_clear(&s->index);
	free(s->at);
	free(s);
}

/* Names are compared by content: those of a search are not ours. */
static bool holds(const void *at, uint32_t n, const void *key)
{
	const struct source *source = (const struct source *)at + n, *wanted = key;

	return source->line == wanted->line && strcmp(source->file, wanted->file) == 0;
}

static uint64_t hash_of(const char *file, uint32_t line)
{
	return index_hash(index_hash_bytes(file, strlen(file)), line);
}

bool sources_take(struct sources *s, const struct mt_event *ev)
{
	if (ev->kind != MT_SOURCE)
		return false;
	struct source source = { .file = texts_keep(&s->texts, ev->file.p, ev->file.n), .line = ev->line };
	uint32_t n = index_put(&s->index, hash_of(source.file, source.line), holds, s->at, &source, s->n);
	if (n < s->n)
		return false;

	source.text = texts_text(&s->texts, texts_number(&s->texts, ev->name.p, ev->name.n));
	source.before = ev->count < UINT32_MAX ? (uint32_t)ev->count : UINT32_MAX;
	GROW(s->at, (size_t)n, s->cap);
	s->at[s->n++] = source;
	return true;
}

const struct source *sources_find(const struct sources *s, const char *file, uint32_t line)
{
	struct source key = { .file = file, .line = line };
	uint32_t n = s->n ? index_find(&s->index, hash_of(file, line), holds, s->at, &key) : INDEX_NONE;

	return n == INDEX_NONE ? NULL : &s->at[n];
}

const struct source *sources_of_frame(const struct sources *s, const struct stacks *stacks, uint32_t frame)
{
	const struct frame *f = stacks_frame(stacks, frame);

	return sources_find(s, stacks_function(stacks, f->function)->file, f->line);
}

struct mt_str source_line(const struct source *source)
{
	const char *p = source->text.p, *end = p + source->text.n;

	for (uint32_t i = 0; i < source->before; i++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			return text_empty;
		p = newline + 1;
	}
	const char *newline = memchr(p, '\n', (size_t)(end - p));
	end = newline ? newline : end;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct mt_str){ p, (size_t)(end - p) };
}

/* ---------------------------------------------------------------- writing */

static int put(struct mt_out *out, const struct source *source)
{
	struct mt_event ev = {
		.kind = MT_SOURCE, .file = { source->file, strlen(source->file) }, .line = source->line,
		.count = source->before, .name = source->text,
	};
	return mt_put(out, &ev);
}

int sources_put(struct mt_out *out, const struct sources *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (put(out, &s->at[i]) < 0)
			return -1;
	return 0;
}

void sources_put_line(struct mt_out *out, const struct sources *s, const char *file, uint32_t line,
		      struct idset *written)
{
	const struct source *source = sources_find(s, file, line);
	uint32_t number = source ? (uint32_t)(source - s->at) : 0;

	if (!source || idset_has(written, number))
		return;
	idset_add(written, number);
	put(out, source);		/* a failure sticks to `out` */
}
