/*
 * sides.c - the two things memdiff compares, in one tree
 */
#include "sides.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "tool.h"
#include "xmalloc.h"

/* The first bytes of what is to be read, without taking them: from a file, or from a pipe by tee(2). */
static size_t peek(int fd, unsigned char *bytes, size_t n)
{
	int copy[2];
	ssize_t got = pread(fd, bytes, n, lseek(fd, 0, SEEK_CUR));

	if (got >= 0)
		return (size_t)got;
	if (pipe(copy) < 0)
		return 0;
	got = tee(fd, copy[1], n, 0);
	if (got > 0)
		got = read(copy[0], bytes, (size_t)got);
	close(copy[0]);
	close(copy[1]);
	return got > 0 ? (size_t)got : 0;
}

/* An LZ4 frame, one to be skipped, or a header map; no text begins like that. */
static bool is_trace(int fd)
{
	unsigned char b[4] = { 0 };
	size_t n = peek(fd, b, sizeof b);
	bool lz4 = b[0] == 0x04 && b[1] == 0x22 && b[2] == 0x4d && b[3] == 0x18;
	bool skipped = (b[0] & 0xf0) == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18;

	return n > 0 && (lz4 || skipped || (b[0] & 0xf0) == 0x80);
}

/* ---------------------------------------------------------------- a trace */

static int read_trace(struct side *side, const char *path, struct calltree *t, int which,
		      const struct side_options *o)
{
	char *why = NULL;
	struct mt_in *in = mt_open(&path, 1, &why);

	if (!in)
		die("%s", why ? why : "out of memory");
	struct tally *tally = tally_read(in, o->what);
	uint32_t *nodes = calltree_add_stacks(t, tally->stacks, o->detail);
	for (uint32_t i = 0; i < tally->n; i++)
		calltree_call(t, nodes[i])->own[which] += o->count ? tally->at[i].count : tally->at[i].bytes;
	side->total = o->count ? tally->total.count : tally->total.bytes;
	side->title = xstrdup(tally->title);
	free(nodes);
	tally_free(tally);
	return tool_finish(in, NULL);
}

/* ---------------------------------------------------------------- folded lines */

/* "stack N" of n bytes: the stack's length, and N. False: it is none. */
static bool parse_line(const char *line, size_t n, size_t *stack, uint64_t *value)
{
	const char *blank = memrchr(line, ' ', n);
	char *end;

	if (!blank || blank == line || blank[1] < '0' || blank[1] > '9')
		return false;
	errno = 0;
	*value = strtoull(blank + 1, &end, 10);
	*stack = (size_t)(blank - line);
	return errno == 0 && end == line + n;
}

static int read_folded(struct side *side, FILE *f, struct calltree *t, int which)
{
	char *line = NULL;
	size_t cap = 0, number = 0, stack;
	ssize_t n;
	uint64_t value;
	int status = 0;

	while (status == 0 && (n = getline(&line, &cap, f)) >= 0) {
		number++;
		if (n > 0 && line[n - 1] == '\n')
			line[--n] = '\0';
		if (n > 0 && line[n - 1] == '\r')
			line[--n] = '\0';
		if (n == 0)
			continue;
		if (parse_line(line, (size_t)n, &stack, &value)) {
			calltree_call(t, calltree_add_folded(t, line, stack))->own[which] += value;
			side->total += value;
			continue;
		}
		warn("%s: line %zu is neither a folded stack ('a;b;c 123') nor a trace; what came before it is used",
		     side->name, number);
		status = 1;
	}
	if (ferror(f)) {
		warn("%s: %s", side->name, strerror(errno));
		status = 1;
	}
	free(line);
	return status;
}

int side_read(struct side *side, const char *path, struct calltree *t, int which, const struct side_options *o)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	*side = (struct side){ .name = is_stdin ? "standard input" : path };
	if (fd < 0)
		die("%s: cannot be opened: %s", side->name, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		die("%s: it is a folder", side->name);
	FILE *f = fdopen(fd, "r");
	if (!f)
		die("%s: %s", side->name, strerror(errno));
	/* A pipe's writer is to find a reader until all is read, so this one stays open. */
	int status = is_trace(fd) ? read_trace(side, path, t, which, o) : read_folded(side, f, t, which);
	fclose(f);
	return status;
}
