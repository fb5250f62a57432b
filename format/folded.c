/*
 * folded.c - folded lines: one stack a line, "outermost;…;innermost NUMBER"
 *
 * Lines of one program share long beginnings, most of all in the order of a
 * tree. So each line is compared with the previous one as bytes, and callers
 * look up only the frames after the common ones.
 */
#include "folded.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "header.h"
#include "tool.h"
#include "utf8.h"
#include "xmalloc.h"

#define FIRST_BYTES sizeof MEMRAY_MAGIC	/* enough to distinguish a trace from text */
#define LOOK_AHEAD (1u << 20)

struct folded {
	const char *path;
	int fd;
	char *buffer;		/* [at, end) has been read and not yet consumed */
	size_t at, end, cap;
	uint64_t read;		/* bytes */
	bool over;		/* no more bytes will be read */
	int error;		/* errno of a failed read */
	uint64_t line;		/* number of the last line consumed */
	bool difference;
	uint64_t lines;		/* good lines so far */
	char *why;		/* the message about a bad line; NULL: none so far */
	uint64_t total[2];
	struct folded_side side[2];
	const char *raw;	/* the last line consumed, for messages */
	size_t raw_size;
	char *previous;		/* its stack */
	size_t previous_size, previous_cap;
	size_t *ends;		/* of its frames */
	size_t frames, ends_cap;
};

/* ---------------------------------------------------------------- bytes */

/* Appends the bytes of one read(2) to the buffer, which must have room. */
static void read_more(struct folded *f)
{
	ssize_t n;

	do {
		n = read(f->fd, f->buffer + f->end, f->cap - f->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		f->error = errno;
	f->over = n <= 0;
	f->end += n > 0 ? (size_t)n : 0;
	f->read += n > 0 ? (uint64_t)n : 0;
}

/* Reads until `want` bytes are in the buffer, or to the end of the input. */
static void see(struct folded *f, size_t want)
{
	if (f->over || f->end - f->at >= want)
		return;
	if (f->at) {
		memmove(f->buffer, f->buffer + f->at, f->end - f->at);
		f->end -= f->at;
		f->at = 0;
	}
	GROW(f->buffer, want - 1, f->cap);
	while (f->end < want && !f->over)
		read_more(f);
}

/* Finds the size of the line at `from` (f->at or later), and the start of the next. False: more input is needed. */
static bool find_line(const struct folded *f, size_t from, size_t *n, size_t *next)
{
	const char *p = f->buffer + from, *newline = memchr(p, '\n', f->end - from);

	if (!newline && (!f->over || f->end == from))
		return false;
	*n = newline ? (size_t)(newline - p) : f->end - from;
	*next = from + *n + (newline != NULL);
	while (*n > 0 && p[*n - 1] == '\r')
		--*n;
	return true;
}

/* An LZ4 frame, a skippable one, or a header map. In UTF-8 no byte below 0x80 follows the first byte of a large map. */
static bool begins_trace(const uint8_t *p, size_t n)
{
	static const uint8_t frame[4] = { 0x04, 0x22, 0x4d, 0x18 };

	if (n == 0)
		return false;
	if (n >= sizeof MEMRAY_MAGIC && memcmp(p, MEMRAY_MAGIC, sizeof MEMRAY_MAGIC) == 0)
		return true;	/* the reader then rejects it, by name */
	if (memcmp(p, frame, n < 4 ? n : 4) == 0 || (p[0] & 0xf0) == 0x80)
		return true;
	if (n >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)
		return true;
	return (p[0] == 0xde || p[0] == 0xdf) && n >= 2 && p[1] < 0x80;
}

static const char *name_of(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}

struct folded *folded_open(const char *path)
{
	struct stat st;

	tool_will_read(path);
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s: cannot open: %s", name_of(path), strerror(errno));
	if (S_ISDIR(st.st_mode))
		die("%s: is a directory", name_of(path));

	struct folded *f = xcalloc(1, sizeof *f);
	f->path = path;
	f->fd = fd;
	f->cap = 64u << 10;
	f->buffer = xmalloc(f->cap);
	see(f, FIRST_BYTES);
	return f;
}

const char *folded_name(const struct folded *f)
{
	return name_of(f->path);
}

bool folded_is_trace(const struct folded *f)
{
	return begins_trace((const uint8_t *)f->buffer + f->at, f->end - f->at);
}

static void free_all(struct folded *f)
{
	for (int i = 0; i < 2; i++) {
		free(f->side[i].name);
		free(f->side[i].title);
	}
	free(f->buffer);
	free(f->why);
	free(f->previous);
	free(f->ends);
	free(f);
}

struct mt_in *folded_trace(struct folded *f)
{
	char *why = NULL;
	struct mt_in *in = mt_open_begun(f->fd, f->path, f->buffer, f->end, &why);

	if (!in)
		die("%s", why ? why : "out of memory");
	free_all(f);
	return in;
}

/* ---------------------------------------------------------------- numbers */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Parses "12", or "12.5", which is 13. Returns false if it is not such a number, or beyond 2^64-1. */
static bool parse_number(const char *p, const char *end, uint64_t *value)
{
	uint64_t v = 0;

	if (p == end || *p < '0' || *p > '9')
		return false;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	if (p < end && *p++ != '.')
		return false;
	if (p < end && *p >= '5' && __builtin_add_overflow(v, UINT64_C(1), &v))
		return false;
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	*value = v;
	return p == end;
}

/* Parses the number at the end of *n bytes, and removes it and the blanks before it from *n. */
static bool take_number(const char *line, size_t *n, uint64_t *value)
{
	size_t start = *n;

	while (start > 0 && !is_blank(line[start - 1]))
		start--;
	if (!parse_number(line + start, line + *n, value))
		return false;
	while (start > 0 && is_blank(line[start - 1]))
		start--;
	*n = start;
	return true;
}

/* ---------------------------------------------------------------- lines */

/* Empty, or a comment like austin's "# mode: wall". A frame may begin with '#', but not with "# ". */
static bool is_no_stack(const char *p, size_t n)
{
	return n == 0 || (n >= 2 && p[0] == '#' && p[1] == ' ');
}

static void skip_mark(struct folded *f)
{
	see(f, 3);
	if (f->line == 0 && f->end - f->at >= 3 && memcmp(f->buffer + f->at, "\xef\xbb\xbf", 3) == 0)
		f->at += 3;
}

/* Consumes the line at f->at, however long. Returns false at the end. */
static bool next_line(struct folded *f, const char **p, size_t *n)
{
	size_t next;

	if (f->line == 0)
		skip_mark(f);
	while (!find_line(f, f->at, n, &next)) {
		if (f->over)
			return false;
		see(f, f->end - f->at + f->cap / 2);
	}
	*p = f->buffer + f->at;
	f->at = next;
	f->line++;
	return true;
}

static void bad_line(struct folded *f, const char *what)
{
	char shown[61];
	size_t k = 0;

	for (; k < f->raw_size && k < sizeof shown - 1; k++)
		shown[k] = f->raw[k] < ' ' || f->raw[k] > '~' ? '?' : f->raw[k];
	shown[k] = '\0';
	free(f->why);
	f->why = xasprintf("%s: line %" PRIu64 ": %s: '%s%s'", folded_name(f), f->line, what, shown,
			   k < f->raw_size ? "..." : "");
}

void folded_reject(struct folded *f, const char *why)
{
	bad_line(f, why);
	if (f->lines == 1)
		die("%s", f->why);
}

/* ---------------------------------------------------------------- the two inputs of a difference */

static const char *const side_marks[] = { "# before: \"", "# after: \"" };

void folded_write_side(FILE *out, int which, const char *name, const char *title)
{
	char *shown_name = tool_printable(name), *shown_title = tool_printable(title ? title : "");

	fputs(side_marks[which], out);
	for (const char *p = shown_name; *p; p++)	/* a quotation mark ends the name */
		fputs(*p == '"' ? "\\x22" : (char[]){ *p, '\0' }, out);
	fprintf(out, "\"%s%s\n", *shown_title ? " " : "", shown_title);
	free(shown_name);
	free(shown_title);
}

static void take_side(struct folded *f, const char *line, size_t n)
{
	for (int i = 0; i < 2; i++) {
		size_t mark = strlen(side_marks[i]);
		if (n <= mark || memcmp(line, side_marks[i], mark) != 0 || f->side[i].name)
			continue;
		const char *name = line + mark, *end = memchr(name, '"', n - mark);
		if (!end)
			continue;
		const char *title = end + 1 < line + n ? end + 2 : line + n;
		f->side[i].name = xasprintf("%.*s", (int)(end - name), name);
		f->side[i].title = xasprintf("%.*s", (int)(line + n - title), title);
	}
}

const struct folded_side *folded_side(const struct folded *f, int which)
{
	return &f->side[which];
}

bool folded_is_difference(struct folded *f)
{
	size_t lines = 0, next, n;

	skip_mark(f);
	see(f, LOOK_AHEAD);
	while (!memchr(f->buffer + f->at, '\n', f->end - f->at) && !f->over)
		see(f, 2 * (f->end - f->at));
	for (size_t at = f->at; find_line(f, at, &n, &next); at = next) {
		const char *line = f->buffer + at;
		uint64_t value;
		/* A line without a number is bad in either case. */
		if (is_no_stack(line, n)) {
			take_side(f, line, n);
			continue;
		}
		if (!take_number(line, &n, &value))
			continue;
		if (!take_number(line, &n, &value))
			return false;
		lines++;
	}
	return f->difference = lines > 0;
}

/* Returns the number of outermost frames that this stack shares with the previous line. */
static size_t common_frames(const struct folded *f, const char *stack, size_t n)
{
	size_t same = 0, most = n < f->previous_size ? n : f->previous_size, k = 0;

	while (same + 16 <= most && memcmp(stack + same, f->previous + same, 16) == 0)
		same += 16;
	while (same < most && stack[same] == f->previous[same])
		same++;
	/* A frame is shared only if it also ends there: a ';' or the end of the stack must follow it in both. */
	while (k < f->frames && f->ends[k] <= same && (f->ends[k] == n || (f->ends[k] < n && stack[f->ends[k]] == ';')))
		k++;
	return k;
}

/* Splits the stack after the frames it shares with the previous line, and becomes the previous line itself. */
static void split(struct folded *f, struct folded_line *line)
{
	size_t k = line->same = common_frames(f, line->stack, line->n);

	for (size_t start = k ? f->ends[k - 1] + 1 : 0; start <= line->n; ) {
		const char *semicolon = memchr(line->stack + start, ';', line->n - start);
		GROW(f->ends, k, f->ends_cap);
		f->ends[k] = semicolon ? (size_t)(semicolon - line->stack) : line->n;
		start = f->ends[k++] + 1;
	}
	GROW(f->previous, line->n, f->previous_cap);
	memcpy(f->previous, line->stack, line->n);
	f->previous_size = line->n;
	line->end = f->ends;
	line->frames = f->frames = k;
}

/* Returns NULL, or why the line is bad. */
static const char *parse(struct folded *f, struct folded_line *line)
{
	size_t n = f->raw_size;
	uint64_t *last = &line->number[f->difference];

	if (!take_number(f->raw, &n, last))
		return "no number from 0 to 2^64-1 at its end";
	if (f->difference && !take_number(f->raw, &n, &line->number[0]))
		return "one number only, where the lines before have two (before and after)";
	for (int i = 0; i < 2; i++)
		if (__builtin_add_overflow(f->total[i], line->number[i], &f->total[i]))
			return "the sum of the numbers goes beyond 2^64-1 here";
	line->stack = n ? f->raw : "[no stack]";
	line->n = n ? n : strlen(line->stack);
	return NULL;
}

bool folded_next(struct folded *f, struct folded_line *line)
{
	const char *why;

	*line = (struct folded_line){ 0 };
	if (f->why)
		return false;
	do {
		if (!next_line(f, &f->raw, &f->raw_size))
			return false;
	} while (is_no_stack(f->raw, f->raw_size));
	why = parse(f, line);
	if (why) {
		bad_line(f, why);
		if (f->lines == 0)
			die("%s; folded lines are 'main;load;parse 4096'", f->why);
		return false;
	}
	f->lines++;
	split(f, line);
	return true;
}

const char *folded_frame(const struct folded_line *line, size_t i, size_t *n)
{
	size_t start = i ? line->end[i - 1] + 1 : 0;

	*n = line->end[i] - start;
	return line->stack + start;
}

int folded_finish(struct folded *f)
{
	int status = f->why || f->error;

	if (f->why)
		warn("%s; everything before that is used", f->why);
	else if (f->error)
		warn("%s: cannot be read after %" PRIu64 " bytes: %s", folded_name(f), f->read, strerror(f->error));
	if (f->fd > STDERR_FILENO)
		close(f->fd);
	free_all(f);
	return status;
}

/* ---------------------------------------------------------------- trees */

/* The line may come from another program: escapes whatever a terminal would obey, except tabs. */
static uint32_t add_label(struct calltree *t, const char *label, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t size = label[i] == '\t' ? 1 : utf8_shown(label + i, n - i);
		if (size == 0)
			break;
		i += size;
	}
	if (i == n)
		return calltree_label(t, label, n);
	char *raw = xasprintf("%.*s", (int)n, label), *shown = tool_printable(raw);
	uint32_t added = calltree_label(t, shown, strlen(shown));
	free(raw);
	free(shown);
	return added;
}

uint32_t folded_node(struct calltree *t, const struct folded_line *line, struct folded_nodes *nodes)
{
	uint32_t node = line->same ? nodes->at[line->same - 1] : 0;

	for (size_t i = line->same; i < line->frames; i++) {
		size_t n;
		const char *label = folded_frame(line, i, &n);
		GROW(nodes->at, i, nodes->cap);
		nodes->at[i] = node = calltree_child(t, node, add_label(t, label, n));
	}
	return node;
}

struct path {
	char *text;
	size_t n, cap;
};

/* Sets the path to its first n bytes (the path of `parent`) and this label. Returns its new length. */
static size_t path_set(struct path *p, size_t n, uint32_t parent, const char *label)
{
	size_t length = strlen(label);

	GROW(p->text, n + length + 1, p->cap);
	if (parent)
		p->text[n++] = ';';
	memcpy(p->text + n, label, length);
	return p->n = n + length;
}

static void print_line(FILE *out, const struct path *p, const struct call *call, bool difference)
{
	char numbers[48];
	int n = difference ? snprintf(numbers, sizeof numbers, " %" PRIu64 " %" PRIu64 "\n", call->own[0], call->own[1])
			   : snprintf(numbers, sizeof numbers, " %" PRIu64 "\n", call->own[0]);

	fwrite(p->text, 1, p->n, out);
	fwrite(numbers, 1, (size_t)n, out);
}

/* A node's path begins with its parent's; `ends` has the length of each node's path. */
void folded_write(FILE *out, struct calltree *t, bool difference)
{
	uint32_t n = calltree_count(t);
	struct children c = calltree_children_by_text(t);
	uint32_t *walk = calltree_walk(t, &c);
	size_t *ends = xcalloc(n, sizeof *ends);
	struct path path = { 0 };

	for (uint32_t i = 0; i + 1 < n && !ferror(out); i++) {
		const struct call *call = calltree_call(t, walk[i]);
		ends[walk[i]] = path_set(&path, ends[call->parent], call->parent, calltree_text(t, call->label));
		if (call->own[0] || (difference && call->own[1]))
			print_line(out, &path, call, difference);
	}
	free(path.text);
	free(ends);
	free(walk);
	free(c.first);
	free(c.order);
}
