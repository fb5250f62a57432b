/*
 * source_files.c - reads the lines of source code in the stacks of recorded processes
 */
#include "source_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "idset.h"
#include "procfs.h"
#include "system_call.h"
#include "texts.h"
#include "utf8.h"
#include "xmalloc.h"

#define LARGEST_FILE (4u << 20)
#define LONGEST_LINE 400		/* bytes; the rest is cut off */
#define LINES_PER_MARK 64
#define CHECK_MS 100			/* a process may change its user at any time */
#define CACHED_FILES 64			/* whose contents stay in memory, with at most … */
#define CACHED_BYTES (1u << 20)		/* … or the last one alone */

struct source_file {
	bool known, unusable;
	pid_t failed_for;		/* a process for which it could not be opened */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
	uint32_t n_lines;
	uint32_t *marks;		/* where lines 1, 65, 129, … begin */
	size_t n_marks, cap_marks;
	uint32_t *written;		/* a bit for each line, from 0 */
};

struct contents {
	uint32_t name;			/* of the file; 0: none */
	pid_t pid;			/* the process that it was read for */
	uint64_t used;			/* the one used longest ago makes room for the next */
	char *bytes;
	size_t n;
};

struct source_files {
	struct source_rules rules;
	bool root;			/* we are */
	struct source_view *view;
	uint32_t now_ms;
	struct texts names;
	struct source_file *at;		/* by the number of the name */
	size_t n, cap;
	struct contents cached[CACHED_FILES];
	size_t cached_bytes;
	uint64_t uses;
	dev_t good_dev;			/* the last file system that is not one of the kernel's */
	struct idset *defined;		/* functions whose first line defines them */
	struct sources *kept;		/* NULL: not kept */
	char *text;			/* of the row being made */
	size_t n_text, cap_text;
};

struct source_files *source_files_new(const struct source_rules *rules)
{
	struct source_files *s = xcalloc(1, sizeof *s);

	s->rules = *rules;
	s->root = geteuid() == 0;
	s->defined = idset_new();
	s->kept = rules->keep ? sources_new() : NULL;
	return s;
}

void source_files_free(struct source_files *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->at[i].marks);
		free(s->at[i].written);
	}
	for (size_t i = 0; i < CACHED_FILES; i++)
		free(s->cached[i].bytes);
	free(s->at);
	free(s->text);
	texts_clear(&s->names);
	idset_free(s->defined);
	sources_free(s->kept);
	free(s);
}

const struct sources *source_files_kept(const struct source_files *s)
{
	return s ? s->kept : NULL;
}

/* ---------------------------------------------------------------- the view of a process */

static bool is_same_directory(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static ssize_t read_link(pid_t pid, const char *name, char *link, size_t size)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	ssize_t n = readlink(path, link, size - 1);
	if (n >= 0)
		link[n] = '\0';
	return n;
}

/* Whether names mean the same to the process and to us. */
static bool sees_our_files(pid_t pid)
{
	char root[64], its[128], ours[128];

	snprintf(root, sizeof root, "/proc/%d/root/.", (int)pid);
	return read_link(pid, "ns/mnt", its, sizeof its) > 0 && read_link(getpid(), "ns/mnt", ours, sizeof ours) > 0 &&
	       strcmp(its, ours) == 0 && is_same_directory(root, "/");
}

void source_view_begin(struct source_view *v, pid_t pid)
{
	char folder[4096];

	*v = (struct source_view){ .pid = pid };
	if (read_link(pid, "root", folder, sizeof folder) < 0)
		return;
	v->files = sees_our_files(pid) ? SOURCE_OURS : SOURCE_APART;
	if (read_link(pid, "cwd", folder, sizeof folder) > 0 && folder[0] == '/')
		v->folder = xstrdup(folder);
}

void source_view_clear(struct source_view *v)
{
	free(v->folder);
	*v = (struct source_view){ 0 };
}

/* Checks whether all user ids of the process are those of root. If it no longer exists, the last answer stays. */
static void check_user(struct source_view *v)
{
	char path[64], text[4096];
	unsigned id[4];

	snprintf(path, sizeof path, "/proc/%d/status", (int)v->pid);
	const char *line = procfs_read(path, text, sizeof text) > 0 ? strstr(text, "\nUid:") : NULL;
	if (line && sscanf(line, "\nUid: %u %u %u %u", &id[0], &id[1], &id[2], &id[3]) == 4)
		v->foreign = id[0] || id[1] || id[2] || id[3];
}

void source_files_of(struct source_files *s, struct source_view *v, uint32_t now_ms)
{
	s->view = v;
	s->now_ms = now_ms;
}

/* Returns whether we may open files for the process now; *lowered is to be passed to leave(). */
static bool enter(struct source_files *s, bool *lowered)
{
	struct source_view *v = s->view;

	*lowered = false;
	if (!s->root)
		return true;
	if (s->now_ms >= v->check_ms) {
		check_user(v);
		v->check_ms = s->now_ms + CHECK_MS;
	}
	if (!v->foreign)
		return true;
	*lowered = s->rules.lower && s->rules.lower(v->pid);
	return *lowered;
}

static void leave(const struct source_files *s, bool lowered)
{
	if (lowered)
		s->rules.restore();
}

/* ---------------------------------------------------------------- opening */

static bool is_of_kernel(struct source_files *s, int fd, dev_t dev)
{
	struct statfs fs;

	if (dev == s->good_dev)
		return false;
	if (fstatfs(fd, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC)
		return true;
	s->good_dev = dev;
	return false;
}

/* Opening a device could do something, and a FIFO could wait: a file is looked at before it is opened for reading. */
static int open_regular(struct source_files *s, int fd, struct stat *st)
{
	char path[64];
	bool good = fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_size > 0 &&
		    st->st_size <= LARGEST_FILE && !is_of_kernel(s, fd, st->st_dev);
	int file = -1;

	if (good) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	if (fd >= 0)
		close(fd);
	return file;
}

/* In another root directory, symbolic links must not lead out of it. */
static int find_apart(const struct source_view *v, const char *name)
{
	char path[64];
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	snprintf(path, sizeof path, "/proc/%d/root", (int)v->pid);
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root < 0 ? -1 : (int)system_call(SYS_openat2, root, name, &how, sizeof how);
	if (root >= 0)
		close(root);
	return fd;
}

/* Returns a descriptor with O_PATH, or -1. */
static int find(const struct source_view *v, const char *name)
{
	char *whole = NULL;

	if (name[0] == '\0' || v->files == SOURCE_NOTHING || (name[0] != '/' && !v->folder))
		return -1;
	if (name[0] != '/')
		name = whole = xasprintf("%s/%s", v->folder, name);
	int fd = v->files == SOURCE_OURS ? open(name, O_PATH | O_CLOEXEC) : find_apart(v, name);
	free(whole);
	return fd;
}

static uint64_t ns_of(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---------------------------------------------------------------- contents */

static void forget(struct source_files *s, struct contents *c)
{
	s->cached_bytes -= c->n;
	free(c->bytes);
	*c = (struct contents){ 0 };
}

/* Returns an entry for a file of n bytes, which takes the place of those used longest ago. */
static struct contents *make_room(struct source_files *s, size_t n)
{
	for (;;) {
		struct contents *oldest = s->cached;
		for (size_t i = 1; i < CACHED_FILES; i++)
			if (s->cached[i].used < oldest->used)
				oldest = &s->cached[i];
		if (!oldest->name && (s->cached_bytes == 0 || s->cached_bytes + n <= CACHED_BYTES))
			return oldest;
		if (oldest->name) {
			forget(s, oldest);
			continue;
		}
		/* An empty entry is the oldest, but there are too many bytes. */
		struct contents *largest = s->cached;
		for (size_t i = 1; i < CACHED_FILES; i++)
			if (s->cached[i].n > largest->n)
				largest = &s->cached[i];
		forget(s, largest);
	}
}

/* Returns what was read of the file, if the process may see it. */
static struct contents *find_contents(struct source_files *s, uint32_t name)
{
	for (size_t i = 0; i < CACHED_FILES; i++)
		if (s->cached[i].name == name && (!s->view->foreign || s->cached[i].pid == s->view->pid)) {
			s->cached[i].used = ++s->uses;
			return &s->cached[i];
		}
	return NULL;
}

/* Reads the whole file. Returns NULL if it is shorter than that. */
static struct contents *read_contents(struct source_files *s, uint32_t name, int fd, const struct stat *st)
{
	size_t size = (size_t)st->st_size, n = 0;
	char *bytes = xmalloc(size + 1);

	for (ssize_t got; n < size && (got = read(fd, bytes + n, size - n)) > 0;)
		n += (size_t)got;
	if (n != size) {
		free(bytes);
		return NULL;
	}
	struct contents *c = make_room(s, n);
	*c = (struct contents){ .name = name, .pid = s->view->pid, .used = ++s->uses, .bytes = bytes, .n = n };
	s->cached_bytes += n;
	return c;
}

/* ---------------------------------------------------------------- lines */

static void add_mark(struct source_file *file, uint32_t at)
{
	if (file->n_lines++ % LINES_PER_MARK)
		return;
	GROW(file->marks, file->n_marks, file->cap_marks);
	file->marks[file->n_marks++] = at;
}

/* Returns false if it is not text with lines that end as usual. */
static bool find_lines(struct source_file *file, const struct contents *c)
{
	const char *end = c->bytes + c->n;

	if (memchr(c->bytes, '\0', c->n))
		return false;
	for (const char *p = c->bytes; (p = memchr(p, '\r', (size_t)(end - p))) != NULL && ++p < end;)
		if (*p != '\n')
			return false;
	add_mark(file, 0);
	for (const char *p = c->bytes; (p = memchr(p, '\n', (size_t)(end - p))) != NULL && ++p < end;)
		add_mark(file, (uint32_t)(p - c->bytes));
	file->written = xcalloc(file->n_lines / 32 + 1, sizeof *file->written);
	return true;
}

/* Returns the lines from `first` to `last`, without the last newline. */
static struct mt_str lines_of(const struct source_file *file, const struct contents *c, uint32_t first, uint32_t last)
{
	const char *p = c->bytes + file->marks[(first - 1) / LINES_PER_MARK], *end = c->bytes + c->n, *stop = p;

	for (uint32_t line = (first - 1) / LINES_PER_MARK * LINES_PER_MARK + 1; line < first; line++)
		p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
	stop = p;
	for (uint32_t line = first; line <= last; line++) {
		const char *newline = memchr(stop, '\n', (size_t)(end - stop));
		if (!newline)
			return (struct mt_str){ p, (size_t)(end - p) };
		stop = line < last ? newline + 1 : newline;
	}
	return (struct mt_str){ p, (size_t)(stop - p) };
}

static void add(struct source_files *s, const char *p, size_t n)
{
	GROW(s->text, s->n_text + n, s->cap_text);
	memcpy(s->text + s->n_text, p, n);
	s->n_text += n;
}

/* Returns how many bytes at the beginning are ASCII, in steps of 8. */
static size_t ascii_words(const char *p, size_t n)
{
	size_t i = 0;

	for (uint64_t word; i + sizeof word <= n; i += sizeof word) {
		memcpy(&word, p + i, sizeof word);
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return i;
}

/* Adds a line without blanks at its end, as valid UTF-8, cut if it is too long. */
static void add_line(struct source_files *s, const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r' || p[n - 1] == '\f'))
		n--;
	size_t most = s->n_text + LONGEST_LINE, plain = ascii_words(p, n < LONGEST_LINE ? n : LONGEST_LINE);
	add(s, p, plain);
	for (size_t i = plain, size; i < n; i += size) {
		size = utf8_size(p + i, n - i);
		if (s->n_text + (size ? size : 3) > most) {
			add(s, "…", strlen("…"));
			return;
		}
		add(s, size ? p + i : "\xef\xbf\xbd", size ? size : 3);
		size = size ? size : 1;
	}
}

static void add_lines(struct source_files *s, struct mt_str lines)
{
	const char *p = lines.p, *end = p + lines.n;

	s->n_text = 0;
	for (;;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		add_line(s, p, (size_t)((newline ? newline : end) - p));
		if (!newline)
			return;
		add(s, "\n", 1);
		p = newline + 1;
	}
}

/* ---------------------------------------------------------------- whether the file is the code that was run */

/* Native code was compiled from its source, so it is newer. */
static bool is_compiled_from(const struct source_view *v, const char *module, const struct stat *source)
{
	struct stat st;
	int fd = find(v, module);
	bool good = fd >= 0 && fstat(fd, &st) == 0 && ns_of(source->st_mtim) <= ns_of(st.st_mtim);

	if (fd >= 0)
		close(fd);
	return good;
}

static bool is_unchanged(const struct source_file *file, const struct stat *st)
{
	return file->dev == st->st_dev && file->ino == st->st_ino && file->size == st->st_size &&
	       file->changed.tv_sec == st->st_mtim.tv_sec && file->changed.tv_nsec == st->st_mtim.tv_nsec;
}

static bool contains(struct mt_str line, const char *what)
{
	return memmem(line.p, line.n, what, strlen(what)) != NULL;
}

/*
 * Whether the line where a Python function begins could define it: decorated functions begin with the first decorator.
 * Names in angle brackets are the compiler's.
 */
static bool defines(struct mt_str line, const char *qualified)
{
	const char *dot = strrchr(qualified, '.'), *name = dot ? dot + 1 : qualified;

	while (line.n > 0 && (*line.p == ' ' || *line.p == '\t' || *line.p == '\f'))
		line.p++, line.n--;
	if (strcmp(name, "<lambda>") == 0)
		return contains(line, "lambda");
	if (name[0] == '<' || (line.n > 0 && line.p[0] == '@'))
		return true;
	return contains(line, name) && (contains(line, "def") || contains(line, "class"));
}

static bool is_definition_there(struct source_files *s, const struct source_file *file, const struct contents *c,
				const struct function *f, uint32_t number)
{
	if (f->lang != MT_LANG_PYTHON || f->line == 0 || idset_has(s->defined, number))
		return true;
	if (f->line > file->n_lines || !defines(lines_of(file, c, f->line, f->line), f->name))
		return false;
	idset_add(s->defined, number);
	return true;
}

/* Returns whether a file that is read for the first time can be the code that was run. */
static bool was_run(const struct source_files *s, const struct function *f, const struct stat *st)
{
	if (f->lang == MT_LANG_NATIVE)
		return f->file[0] == '/' && is_compiled_from(s->view, f->module, st);
	return !s->rules.changed_ns || ns_of(st->st_mtim) <= s->rules.changed_ns;
}

/* ---------------------------------------------------------------- rows */

static struct source_file *file_of(struct source_files *s, uint32_t number)
{
	while (s->n <= number) {
		GROW(s->at, s->n, s->cap);
		s->at[s->n++] = (struct source_file){ 0 };
	}
	return &s->at[number];
}

static void meet(struct source_file *file, const struct stat *st)
{
	file->known = true;
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->size = st->st_size;
	file->changed = st->st_mtim;
}

/* Opens the file of a function and reads it. NULL: it is of no use, or not for this process. */
static struct contents *load(struct source_files *s, struct source_file *file, uint32_t name, const struct function *f)
{
	struct contents *c = NULL;
	struct stat st;
	int fd = open_regular(s, find(s->view, f->file), &st);

	if (fd < 0) {
		file->failed_for = s->view->pid;
		return NULL;
	}
	bool first = !file->known;
	if (first)
		meet(file, &st);
	if (is_unchanged(file, &st) && (!first || was_run(s, f, &st)))
		c = read_contents(s, name, fd, &st);
	/* It may have changed while it was read. */
	file->unusable = !c || fstat(fd, &st) < 0 || !is_unchanged(file, &st) || (first && !find_lines(file, c));
	close(fd);
	return file->unusable ? NULL : c;
}

static struct contents *contents_of(struct source_files *s, struct source_file *file, uint32_t name,
				    const struct function *f)
{
	bool lowered;
	struct contents *c = NULL;

	if (enter(s, &lowered)) {
		c = find_contents(s, name);
		c = c ? c : load(s, file, name, f);
	} else {
		file->failed_for = s->view->pid;
	}
	leave(s, lowered);
	return c;
}

static bool is_written(const struct source_file *file, uint32_t line)
{
	return line > file->n_lines || (file->written[line / 32] >> line % 32 & 1);
}

static void put(struct source_files *s, struct mt_out *out, const char *name, uint32_t line, uint32_t before)
{
	struct mt_event ev = {
		.kind = MT_SOURCE, .file = { name, strlen(name) }, .line = line, .count = before,
		.name = { s->text, s->n_text },
	};

	mt_put(out, &ev);		/* a failure sticks to `out` */
	if (s->kept)
		sources_take(s->kept, &ev);
}

static void put_line(struct source_files *s, struct source_file *file, const struct contents *c, struct mt_out *out,
		     const char *name, uint32_t line)
{
	uint32_t around = s->rules.around, first = line > around ? line - around : 1;
	uint32_t last = file->n_lines - line > around ? line + around : file->n_lines;

	file->written[line / 32] |= UINT32_C(1) << line % 32;
	add_lines(s, lines_of(file, c, line, line));
	if (s->n_text == 0)
		return;
	add_lines(s, lines_of(file, c, first, last));
	put(s, out, name, line, line - first);
}

void source_files_put(struct source_files *s, struct mt_out *out, const struct function *f, uint32_t number,
		      uint32_t line)
{
	if (!s->view || line == 0 || f->file[0] == '\0' || f->file[0] == '<')
		return;
	uint32_t name = texts_number(&s->names, f->file, strlen(f->file));
	struct source_file *file = file_of(s, name);
	if (file->unusable || file->failed_for == s->view->pid || (file->written && is_written(file, line)))
		return;
	struct contents *c = contents_of(s, file, name, f);
	if (!c || is_written(file, line))
		return;
	if (is_definition_there(s, file, c, f, number))
		put_line(s, file, c, out, f->file, line);
	else
		file->unusable = true;
}

/* ---------------------------------------------------------------- times */

uint64_t source_process_began(pid_t pid)
{
	char path[64], text[1024];
	unsigned long long ticks = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	const char *end = procfs_read(path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
	/* field 22; the name in parentheses is the second */
	if (!end || sscanf(end + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
			   &ticks) != 1)
		return 0;
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) + (ticks + 1) * tick_ns;
}
