/*
 * segments.c - a recording in several files, or only a part of it
 */
#include "segments.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "define.h"
#include "error.h"
#include "open_blocks.h"
#include "xmalloc.h"

#define LOOK_BYTES (64u << 10)	/* of a segment, between two looks at the space on the disk */

/* A row that later segments need too. */
struct remembered {
	struct mt_event ev;		/* its text is `text` */
	char *text;
	size_t n;
	uint64_t order;			/* they are numbered as they come */
	uint32_t last_id;		/* the last allocation before it */
};

struct inhabitant {			/* a process */
	uint32_t pid;
	uint64_t rss;
	struct remembered *rows;	/* of itself, its objects and threads, and its open spans */
	size_t n, cap;
};

struct segment {
	char *name;
	uint64_t bytes, end_ms;
};

struct segments {
	const struct segment_rules *rules;
	struct mt_out *out;		/* of the present segment; if there is none, of nothing */
	int fd;				/* ours; -1: the caller's */
	bool recording;			/* `out` is a segment's */
	bool begun, over, failed, marked;
	char *name;			/* of the present segment */
	char *failure;
	int error;
	uint32_t number;
	uint64_t begin_ms, last_ms, heading_bytes;	/* of the present one; what its beginning took */
	uint64_t look_bytes;		/* when to look at the disk again */
	struct segment *done;		/* that are kept, the oldest first */
	size_t n_done, cap_done;
	uint64_t done_bytes;
	const struct sources *sources;	/* NULL: none */
	struct open_blocks *blocks;	/* NULL: no segment begins with any */
	struct inhabitant *processes;
	size_t n_processes, cap_processes;
	uint64_t rss;			/* of all */
	uint64_t n_remembered;		/* rows, forgotten ones included */
	uint32_t last_id;		/* of the last allocation */
};

bool segment_rules_any(const struct segment_rules *r)
{
	return r->part_ms || r->part_bytes || r->begin.what || r->until.what;
}

/* ---------------------------------------------------------------- names */

/* "svc.lz4" is "svc" and ".lz4"; the extension of a name without any is empty. */
static size_t stem_size(const char *output)
{
	const char *base = strrchr(output, '/'), *dot = strrchr(base ? base : output, '.');

	return dot && dot > (base ? base + 1 : output) ? (size_t)(dot - output) : strlen(output);
}

static char *name_of(const char *output, uint32_t number)
{
	size_t n = stem_size(output);

	return xasprintf("%.*s.%06" PRIu32 "%s", (int)n, output, number, output + n);
}

char *segments_pattern(const char *output)
{
	size_t n = stem_size(output);

	return xasprintf("%.*s.*%s", (int)n, output, output + n);
}

/* Letters that glob(3) would not take as themselves. */
static char *quoted(const char *text, size_t n)
{
	char *out = xmalloc(2 * n + 1), *q = out;

	for (size_t i = 0; i < n; i++) {
		if (strchr("*?[\\", text[i]))
			*q++ = '\\';
		*q++ = text[i];
	}
	*q = '\0';
	return out;
}

/* Segments of an earlier recording would be taken for ours. */
static void clear_way(const struct segment_rules *r)
{
	size_t n = stem_size(r->output);
	char *stem = quoted(r->output, n), *rest = quoted(r->output + n, strlen(r->output + n));
	char *pattern = xasprintf("%s.[0-9][0-9][0-9][0-9][0-9][0-9]%s", stem, rest);
	glob_t found = { 0 };

	if (glob(pattern, 0, NULL, &found) == 0) {
		if (!r->force)
			die("%s: file exists: choose another name, or overwrite it with -f", found.gl_pathv[0]);
		for (size_t i = 0; i < found.gl_pathc; i++)
			if (unlink(found.gl_pathv[i]) < 0)
				die("%s: %s", found.gl_pathv[i], strerror(errno));
	}
	globfree(&found);
	free(pattern);
	free(stem);
	free(rest);
}

/* ---------------------------------------------------------------- files */

static struct mt_out *open_out(struct segments *s, int fd, const char *name)
{
	struct mt_out *out = mt_create(fd, name, MT_AUTO);

	if (!out)
		die("out of memory");
	mt_out_stage(out, s->rules->stage);
	return out;
}

/* What is written goes nowhere. */
static void open_nothing(struct segments *s)
{
	s->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	s->out = open_out(s, s->fd, "/dev/null");
}

static void close_nothing(struct segments *s)
{
	int ignored = mt_close(s->out, NULL);	/* nothing is lost */
	(void)ignored;
	s->out = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void delete(struct segments *s, size_t i)
{
	struct segment *old = &s->done[i];

	if (unlink(old->name) < 0 && errno != ENOENT)
		warn("%s: cannot be deleted: %s", old->name, strerror(errno));
	s->done_bytes -= old->bytes;
	free(old->name);
	memmove(old, old + 1, (--s->n_done - i) * sizeof *old);
}

static void delete_oldest(struct segments *s)
{
	delete(s, 0);
}

static uint64_t present_bytes(const struct segments *s)
{
	return s->recording ? mt_out_bytes(s->out) : 0;
}

static void delete_old(struct segments *s, uint64_t now_ms)
{
	const struct segment_rules *r = s->rules;

	while (s->n_done && r->keep_ms && s->done[0].end_ms + r->keep_ms <= now_ms)
		delete_oldest(s);
	while (s->n_done && r->keep_bytes && s->done_bytes + present_bytes(s) + r->part_bytes > r->keep_bytes)
		delete_oldest(s);
}

/* The present segment is over. Its file stays, whole or, if writing failed, cut off. */
static void close_segment(struct segments *s)
{
	struct mt_event end = { .kind = MT_END, .time_ms = s->last_ms };
	char *why = NULL;

	(void)mt_put(s->out, &end);
	(void)mt_flush(s->out);
	uint64_t bytes = mt_out_bytes(s->out);
	s->error = mt_out_errno(s->out);
	if (mt_close(s->out, &why) < 0 && !s->error)
		s->error = errno ? errno : EIO;
	s->out = NULL;
	s->recording = false;
	free(s->failure);
	s->failure = why;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->done_bytes += bytes;
	if (!s->name)
		return;
	GROW(s->done, s->n_done, s->cap_done);
	s->done[s->n_done++] = (struct segment){ s->name, bytes, s->last_ms };
	s->name = NULL;
}

static bool open_file(struct segments *s)
{
	const struct segment_rules *r = s->rules;

	if (!r->output) {
		s->out = open_out(s, r->fd, r->name);
		return true;
	}
	s->name = name_of(r->output, ++s->number);
	s->fd = open(s->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s->fd < 0) {
		s->error = errno;
		free(s->failure);
		s->failure = xasprintf("%s: %s", s->name, strerror(errno));
		free(s->name);
		s->name = NULL;
		return false;
	}
	s->out = open_out(s, s->fd, s->name);
	return true;
}

/* ---------------------------------------------------------------- what a segment begins with */

/* Whether the row divides what came before it from what comes after: a span begins, an interpreter shuts down. */
static bool divides(const struct mt_event *ev)
{
	return ev->kind == MT_SPAN || (ev->kind == MT_PROCESS && mt_info_int(ev->info, "finalizing", 0));
}

static int put_rows(const struct segments *s)
{
	for (size_t i = 0; i < s->n_processes; i++)
		for (size_t k = 0; k < s->processes[i].n; k++) {
			const struct mt_event *ev = &s->processes[i].rows[k].ev;
			if (!divides(ev) && mt_put(s->out, ev) < 0)
				return -1;
		}
	return 0;
}

static int by_order(const void *a, const void *b)
{
	const struct remembered *p = *(struct remembered *const *)a, *q = *(struct remembered *const *)b;

	return (p->order > q->order) - (p->order < q->order);
}

/* Returns the rows that divide, in the order they came; the caller frees the array. */
static const struct remembered **dividing_rows(const struct segments *s, size_t *n)
{
	const struct remembered **rows = NULL;
	size_t cap = 0;

	*n = 0;
	for (size_t i = 0; i < s->n_processes; i++)
		for (size_t k = 0; k < s->processes[i].n; k++)
			if (divides(&s->processes[i].rows[k].ev)) {
				GROW(rows, *n, cap);
				rows[(*n)++] = &s->processes[i].rows[k];
			}
	if (*n)
		qsort(rows, *n, sizeof *rows, by_order);
	return rows;
}

/* In one millisecond, which may be long while we wait for a processor, ids decide; they may have begun again at 1. */
static bool comes_before(const struct remembered *row, const struct mt_event *block)
{
	if (row->ev.time_ms != block->time_ms)
		return row->ev.time_ms < block->time_ms;
	return (int32_t)(block->id - row->last_id) > 0;
}

/* The live blocks, in the order they were made, and among them the rows that divide them. */
static int put_blocks(const struct segments *s)
{
	struct mt_event ev = { .kind = MT_ALLOC };
	size_t n, next = 0;
	const struct remembered **rows = dividing_rows(s, &n);
	int r = 0;

	for (size_t cursor = 0; r == 0 && s->blocks && open_blocks_each(s->blocks, &cursor, &ev);) {
		while (r == 0 && next < n && comes_before(rows[next], &ev))
			r = mt_put(s->out, &rows[next++]->ev);
		if (r == 0)
			r = mt_put(s->out, &ev);
	}
	while (r == 0 && next < n)
		r = mt_put(s->out, &rows[next++]->ev);
	free(rows);
	return r;
}

static int put_heading(struct segments *s, const struct stacks *stacks)
{
	struct mt_header_options how = s->rules->header;

	how.begin_ms = s->begin_ms;
	struct mt_header *h = mt_header_new(&how);
	if (!h)
		die("out of memory");
	int r = mt_put_header(s->out, h);
	mt_header_free(h);
	if (r < 0 || put_rows(s) < 0 || define_all(s->out, stacks) < 0 ||
	    (s->sources && sources_put(s->out, s->sources) < 0) || put_blocks(s) < 0 || mt_flush(s->out) < 0)
		return -1;
	s->heading_bytes = mt_out_bytes(s->out);
	s->look_bytes = s->heading_bytes + LOOK_BYTES;
	return 0;
}

/* Returns -1 if it cannot be: failure and error say why. */
static int begin_segment(struct segments *s, uint64_t time_ms, const struct stacks *stacks)
{
	s->begin_ms = s->last_ms = time_ms;
	if (!open_file(s))
		return -1;
	s->recording = true;
	if (put_heading(s, stacks) == 0)
		return 0;
	close_segment(s);
	if (s->n_done && s->rules->output)
		delete(s, s->n_done - 1);
	return -1;
}

static bool disk_is_full(const struct segments *s)
{
	return s->error == ENOSPC || s->error == EDQUOT;
}

/* As long as the disk is full, the oldest segment makes room for another try. */
static int begin_making_room(struct segments *s, uint64_t time_ms, const struct stacks *stacks)
{
	while (begin_segment(s, time_ms, stacks) < 0) {
		if (!disk_is_full(s) || s->n_done == 0)
			return -1;
		delete_oldest(s);
	}
	delete_old(s, time_ms);
	return 0;
}

/* ---------------------------------------------------------------- what is remembered */

static struct inhabitant *process_of(struct segments *s, uint32_t pid)
{
	size_t i = 0;

	while (i < s->n_processes && s->processes[i].pid != pid)
		i++;
	if (i == s->n_processes) {
		GROW(s->processes, s->n_processes, s->cap_processes);
		s->processes[s->n_processes++] = (struct inhabitant){ .pid = pid };
	}
	return &s->processes[i];
}

static void forget_row(struct inhabitant *p, size_t i)
{
	free(p->rows[i].text);
	memmove(&p->rows[i], &p->rows[i + 1], (--p->n - i) * sizeof *p->rows);
}

static struct mt_str text_of(const struct mt_event *ev)
{
	return ev->kind == MT_PROCESS ? ev->info : ev->name;
}

static bool same_text(const struct remembered *r, struct mt_str text)
{
	return r->n == text.n && memcmp(r->text, text.p, text.n) == 0;
}

/* Whether a row makes an earlier one needless: the same fact again, another name of a thread, another object there. */
static bool replaces(const struct mt_event *ev, const struct remembered *r)
{
	if (ev->kind != r->ev.kind)
		return false;
	if (ev->kind == MT_THREAD)
		return ev->tid == r->ev.tid;
	if (ev->kind == MT_SPAN || ev->kind == MT_COLLECTION)
		return false;
	int64_t address = mt_info_int(ev->info, "address", -1);
	return same_text(r, ev->info) || (address >= 0 && mt_info_int(r->ev.info, "address", -1) == address);
}

static void remember(struct segments *s, const struct mt_event *ev)
{
	struct inhabitant *p = process_of(s, ev->pid);
	struct mt_str text = text_of(ev);

	for (size_t i = p->n; i-- > 0;)
		if (replaces(ev, &p->rows[i]))
			forget_row(p, i);
	struct remembered r = { .ev = *ev, .text = xmalloc(text.n + 1), .n = text.n,
				.order = s->n_remembered++, .last_id = s->last_id };
	memcpy(r.text, text.p, text.n);
	*(ev->kind == MT_PROCESS ? &r.ev.info : &r.ev.name) = (struct mt_str){ r.text, text.n };
	GROW(p->rows, p->n, p->cap);
	p->rows[p->n++] = r;
}

/* A span, or a collection of garbage. */
static void forget_span(struct segments *s, const struct mt_event *end)
{
	struct inhabitant *p = process_of(s, end->pid);

	for (size_t i = p->n; i-- > 0;) {
		const struct remembered *r = &p->rows[i];
		if (r->ev.kind == end->kind && r->ev.tid == end->tid && same_text(r, end->name)) {
			forget_row(p, i);
			return;
		}
	}
}

static void forget_process(struct segments *s, uint32_t pid)
{
	struct inhabitant *p = process_of(s, pid);

	while (p->n)
		forget_row(p, p->n - 1);
	free(p->rows);
	s->rss -= p->rss;
	*p = s->processes[--s->n_processes];
}

static void take_rss(struct segments *s, const struct mt_event *ev)
{
	struct inhabitant *p = process_of(s, ev->pid);

	s->rss += ev->size - p->rss;
	p->rss = ev->size;
}

/* What later segments begin with. */
static void note(struct segments *s, const struct mt_event *ev)
{
	size_t cursor = 0;

	switch (ev->kind) {
	case MT_ALLOC:
		s->last_id = ev->id;
		/* fall through */
	case MT_FREE:
	case MT_RESIZE:
		while (s->blocks && open_blocks_take(s->blocks, ev, &cursor, NULL))
			;
		break;
	case MT_EXIT:
		while (s->blocks && open_blocks_take(s->blocks, ev, &cursor, NULL))
			;
		forget_process(s, ev->pid);
		break;
	case MT_PROCESS:
	case MT_THREAD:
		remember(s, ev);
		break;
	case MT_SPAN:
	case MT_COLLECTION:
		if (ev->count)
			remember(s, ev);
		else
			forget_span(s, ev);
		break;
	case MT_RSS:
		take_rss(s, ev);
		break;
	default:
		break;
	}
}

/* ---------------------------------------------------------------- the recording */

struct segments *segments_new(const struct segment_rules *rules)
{
	struct segments *s = xcalloc(1, sizeof *s);

	s->rules = rules;
	if (rules->output)
		clear_way(rules);
	if (rules->output || rules->begin.what)
		s->blocks = open_blocks_new();
	open_nothing(s);
	return s;
}

void segments_free(struct segments *s)
{
	if (!s)
		return;
	while (s->n_processes)
		forget_process(s, s->processes[0].pid);
	for (size_t i = 0; i < s->n_done; i++)
		free(s->done[i].name);
	open_blocks_free(s->blocks);
	free(s->processes);
	free(s->done);
	free(s->failure);
	free(s);
}

void segments_sources(struct segments *s, const struct sources *sources)
{
	s->sources = sources;
}

struct mt_out *segments_out(const struct segments *s)
{
	return s->out;
}

static bool reached(const struct segments *s, const struct moment *m, uint64_t time_ms, uint64_t heap_bytes)
{
	switch (m->what) {
	case MOMENT_TIME: return time_ms >= m->at;
	case MOMENT_TRACE: return s->done_bytes + present_bytes(s) >= m->at;
	case MOMENT_RSS: return s->rss >= m->at;
	case MOMENT_HEAP: return heap_bytes >= m->at;
	default: return false;
	}
}

/*
 * Returns whether the present segment has a quarter of all the space that segments have, so that there are others to
 * make room for it when the disk is full.
 */
static bool is_large_for_disk(struct segments *s)
{
	uint64_t bytes = mt_out_bytes(s->out);
	struct statvfs disk;

	if (bytes < s->look_bytes)
		return false;
	s->look_bytes = bytes + LOOK_BYTES;
	return fstatvfs(s->fd, &disk) == 0 &&
	       bytes - s->heading_bytes >= (s->done_bytes + bytes + (uint64_t)disk.f_bavail * disk.f_frsize) / 4;
}

static bool is_full(struct segments *s, uint64_t time_ms)
{
	const struct segment_rules *r = s->rules;

	if (!r->output)
		return false;
	return s->marked || (r->part_ms && time_ms >= s->begin_ms + r->part_ms) ||
	       (r->part_bytes && mt_out_bytes(s->out) >= s->heading_bytes + r->part_bytes) || is_large_for_disk(s);
}

/* Before the event another segment begins, if it is time. */
static int step(struct segments *s, const struct mt_event *ev, const struct stacks *stacks, uint64_t heap_bytes)
{
	const struct segment_rules *r = s->rules;

	if (!s->begun) {
		if (r->begin.what && !reached(s, &r->begin, ev->time_ms, heap_bytes))
			return 0;
		close_nothing(s);
		s->begun = true;
	} else if (is_full(s, ev->time_ms)) {
		close_segment(s);
	} else {
		return 0;
	}
	s->marked = false;
	return begin_making_room(s, ev->time_ms, stacks);
}

/* Writing failed. If the disk is full, an older segment makes room for one that begins with what this one lacks. */
static int recover(struct segments *s, uint64_t time_ms, const struct stacks *stacks)
{
	if (!disk_is_full(s) || s->n_done < 2)
		return -1;
	delete_oldest(s);
	if (begin_making_room(s, time_ms, stacks) < 0)
		return -1;
	warn("no space left: the oldest part made room for %s, and the part before it is cut off", s->name);
	return 0;
}

int segments_put(struct segments *s, const struct mt_event *ev, const struct stacks *stacks, uint64_t heap_bytes)
{
	if (s->failed)
		return -1;
	s->failed = step(s, ev, stacks, heap_bytes) < 0;
	note(s, ev);
	if (!s->failed && mt_put(s->out, ev) < 0) {
		close_segment(s);
		s->failed = recover(s, ev->time_ms, stacks) < 0;
	}
	if (s->failed) {
		open_nothing(s);
		return -1;
	}
	s->last_ms = ev->time_ms;
	s->over = s->begun && reached(s, &s->rules->until, ev->time_ms, heap_bytes);
	return 0;
}

bool segments_over(const struct segments *s)
{
	return s->over;
}

void segments_mark(struct segments *s)
{
	s->marked = true;
}

int segments_end(struct segments *s, uint64_t time_ms, const struct stacks *stacks, char **why)
{
	if (!s->recording) {
		close_nothing(s);
	} else {
		s->last_ms = time_ms > s->last_ms ? time_ms : s->last_ms;
		close_segment(s);
		while (s->error && recover(s, s->last_ms, stacks) == 0)
			close_segment(s);
		delete_old(s, s->last_ms);
	}
	*why = s->failure ? xstrdup(s->failure) : NULL;
	return s->error;
}

bool segments_begun(const struct segments *s)
{
	return s->begun;
}

uint64_t segments_bytes(const struct segments *s)
{
	return s->done_bytes + present_bytes(s);
}

uint32_t segments_count(const struct segments *s)
{
	return (uint32_t)s->n_done + s->recording;
}

const char **segments_names(const struct segments *s, size_t *n)
{
	const char **names = xcalloc(s->n_done + 1, sizeof *names);

	for (size_t i = 0; i < s->n_done; i++)
		names[i] = s->done[i].name;
	*n = s->n_done;
	if (s->recording)
		names[(*n)++] = s->name;
	return names;
}
