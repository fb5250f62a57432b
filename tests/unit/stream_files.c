/*
 * stream_files.c - traces joined, files, headers, and the writer alone
 */
#include "stream.h"

static struct bytes joined(struct bytes a, const char *between, size_t n, struct bytes b)
{
	struct bytes c = { malloc(a.n + n + b.n), a.n + n + b.n };

	memcpy(c.p, a.p, a.n);
	memcpy(c.p + a.n, between, n);
	memcpy(c.p + a.n + n, b.p, b.n);
	return c;
}

/* Returns a, then a header, then b. */
static bool is_both(const struct events *got, const struct events *a, const struct events *b)
{
	struct events tail = { .v = got->v + a->n + 1, .n = b->n };

	return got->n == a->n + 1 + b->n && begins_alike(got, a, a->n) && got->v[a->n].kind == MT_HEADER &&
	       equal(&tail, b);
}

static void test_joining(const struct events *small, const struct events *middle)
{
	struct bytes a = trace_of(middle->v, middle->n, MT_COMPRESSED), b = trace_of(small->v, small->n, MT_STORED);
	struct bytes ab = joined(a, "", 0, b), skip = joined(a, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11, b);
	struct events l = read_bytes(ab.p, ab.n);
	CHECK("traces joined end to end are read one after the other", l.end == 0 && is_both(&l, middle, small));
	events_free(&l);
	l = read_bytes(skip.p, skip.n);
	CHECK("skippable frames are skipped", l.end == 0 && is_both(&l, middle, small));
	events_free(&l);

	struct bytes unended = trace_of(middle->v, middle->n - 1, MT_STORED), cut = joined(unended, "", 0, b);
	struct events first = { .v = middle->v, .n = middle->n - 1 };
	l = read_bytes(cut.p, cut.n);
	CHECK("a trace without an end before another one is cut off; both are used",
	      l.end < 0 && is_both(&l, &first, small) && strstr(l.error, "another trace begins") != NULL);
	events_free(&l);
	free(a.p);
	free(b.p);
	free(ab.p);
	free(skip.p);
	free(unended.p);
	free(cut.p);
}

static void save(const char *path, struct bytes b, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, b.p, n) != (ssize_t)n)
		abort();
	close(fd);
}

static void test_files(const struct events *small, const struct events *middle)
{
	char dir[] = "/tmp/stream.XXXXXX";
	struct bytes a = trace_of(middle->v, middle->n, MT_COMPRESSED), b = trace_of(small->v, small->n, MT_STORED);
	const char *const paths[] = { "a", "cut", "missing", "empty", "b" };
	char *why = NULL;

	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		abort();
	save("a", a, a.n);
	save("b", b, b.n);
	save("cut", b, b.n - 9);
	save("empty", b, 0);
	struct mt_in *in = mt_open(paths, 5, &why);
	struct events l = drain(in, NULL);
	CHECK("damaged and missing files do not stop those after them",
	      l.end < 0 && l.n > middle->n + small->n && same(&l.v[l.n - 1], &small->v[small->n - 1]) &&
	      strstr(l.error, "cut: cut off after") != NULL && strstr(l.error, "missing: cannot open") != NULL &&
	      strstr(l.error, "empty: empty: no trace") != NULL && strstr(l.error, "a: ") == NULL);
	events_free(&l);
	l = read_path("missing");
	CHECK("mt_open() reports a missing file", !l.opened && strstr(l.error, "No such file") != NULL);
	events_free(&l);
	l = read_path("empty");
	CHECK("mt_open() reports an empty file", !l.opened && strcmp(l.error, "empty: empty: no trace") == 0);
	events_free(&l);
	l = read_path(".");
	CHECK("mt_open() reports a directory", !l.opened && strstr(l.error, "read error") != NULL);
	events_free(&l);
	save("text", (struct bytes){ (uint8_t *)"hello world, this is text", 25 }, 25);
	l = read_path("text");
	CHECK("mt_open() reports a file that is not a trace",
	      !l.opened && strstr(l.error, "text: not a memory trace (memtrace)") == l.error);
	events_free(&l);
	for (size_t i = 0; i < 5; i++)
		unlink(paths[i]);
	unlink("text");
	if (chdir("/") < 0 || rmdir(dir) < 0)
		abort();
	free(a.p);
	free(b.p);
}

/* ---------------------------------------------------------------- headers */

static struct mt_header *parse(const char *raw, size_t n)
{
	const char *why = NULL;

	return mt_header_parse((const uint8_t *)raw, n, &why);
}

static void test_header(void)
{
	const char *const argv[] = { "-t", "two words", NULL };
	struct mt_stage_options stage = {
		.program = "memtemp", .version = "0.1.0", .argv = argv, .title = "brief", .answer = true
	};
	struct mt_header *h = some_header(), *more = mt_header_add_stage(h, &stage);

	CHECK("a header has the values it was made with", strcmp(h->command, "python3 'it'\\''s.py' '' -x") == 0 &&
	      h->start_ns == 1700 && h->python_allocators && !h->native && h->major == 1 && h->n_stages == 0);
	CHECK("a stage is appended", more->n_stages == 1 && h->n_stages == 0 &&
	      strcmp(more->stages[0].program, "memtemp") == 0 && strcmp(more->stages[0].args, "-t 'two words'") == 0 &&
	      strcmp(more->command, h->command) == 0);
	CHECK("a stage can describe its numbers",
	      more->stages[0].answer && strcmp(more->stages[0].title, "brief") == 0);
	mt_header_free(h);
	mt_header_free(more);

	static const char strange[] = "\x83\xa6" "format\xa8memtrace\xa3new\x92\xcb\x3f\xf8\0\0\0\0\0\0\xc4\x01\xff"
				      "\xa7version\x92\x01\x09";
	h = parse(strange, sizeof strange - 1);
	more = mt_header_add_stage(h, &(struct mt_stage_options){ .program = "x", .version = "1" });
	CHECK("or not", more != NULL && !more->stages[0].title && !more->stages[0].answer);
	CHECK("unknown keys are kept", h != NULL && h->minor == 9 && more->n_stages == 1 &&
	      memcmp(more->raw + 1, h->raw + 1, h->raw_size - 1) == 0);
	mt_header_free(h);
	mt_header_free(more);

	static const char newer[] = "\x82\xa6" "format\xa8memtrace\xa7version\x92\x02\x00";
	struct events l = read_bytes(newer, sizeof newer - 1);
	CHECK("a newer major version is refused in one line", !l.opened && strcmp(l.error,
	      "memory: memtrace version 2.0 is newer than this program supports (1.x): use a newer memrec") == 0);
	events_free(&l);

	struct mt_header_options options = { .command = (const char *const[]){ "a\xff" "b", NULL } };
	h = mt_header_new(&options);
	CHECK("arguments that are not UTF-8 become valid UTF-8", strcmp(h->command, "'a\xef\xbf\xbd" "b'") == 0);
	mt_header_free(h);
}

static void test_info(void)
{
	struct mt_str info = TEXT("\x84\x01\xa1n\xa6python\xa4" "3.11\xa4ppid\xcd\x01\x00\xa3neg\xd0\x80");

	CHECK("info maps are read by key", same_text(mt_info_text(info, "python"), (struct mt_str)TEXT("3.11")) &&
	      mt_info_int(info, "ppid", -1) == 256 && mt_info_int(info, "neg", 0) == -128);
	CHECK("missing keys of an info map are absent", mt_info_text(info, "none").n == 0 &&
	      mt_info_int(info, "python", 5) == 5 && mt_info_text((struct mt_str){ "\xdf\xff", 2 }, "k").n == 0 &&
	      mt_info_text((struct mt_str){ NULL, 0 }, "k").n == 0);
	CHECK("allocators have names, which can be looked up",
	      strcmp(mt_allocator_name(MT_PYMALLOC_REALLOC), "pymalloc_realloc") == 0 &&
	      strcmp(mt_allocator_name(MT_POOL), "pool") == 0 &&
	      strcmp(mt_allocator_name(MT_N_ALLOCATORS), "?") == 0 && strcmp(mt_allocator_name(0), "?") == 0 &&
	      mt_allocator_of("mmap", 4) == MT_MMAP && mt_allocator_of("mma", 3) == 0);
}

/* ---------------------------------------------------------------- the writer alone */

static void test_writer_failure(const struct events *big)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct mt_out *out = mt_create(fd, "t.lz4", MT_STORED);
	struct mt_header *h = some_header();
	char *why = NULL;
	size_t i = 0;

	CHECK("putting only a header writes nothing yet", mt_put_header(out, h) == 0 && mt_out_bytes(out) == 0);
	while (i < big->n && mt_put(out, &big->v[i]) == 0)
		i++;
	CHECK("a full disk is noticed at the first block, and sticks",
	      i < 60000 && mt_put(out, &big->v[0]) < 0 && mt_flush(out) < 0 && mt_out_errno(out) == ENOSPC &&
	      strcmp(mt_out_error(out), "t.lz4: cannot write: No space left on device") == 0);
	CHECK("mt_close() reports a full disk", mt_close(out, &why) < 0 && strstr(why, "No space") != NULL);
	free(why);
	mt_header_free(h);
	close(fd);
}

static void test_flush(const struct events *small)
{
	int fds[2];

	if (pipe(fds) < 0)
		abort();
	struct mt_out *out = mt_create(fds[1], "pipe", MT_AUTO);
	struct mt_header *h = some_header();
	char path[32], *why = NULL;
	struct mt_event ev;
	int r = mt_put_header(out, h) | mt_flush(out);
	snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
	const char *p = path;
	struct mt_in *in = mt_open(&p, 1, &why);
	bool each = r == 0 && in != NULL;
	for (size_t i = 0, got = 0; i < small->n && each; i++) {
		each = mt_put(out, &small->v[i]) == 0 && mt_flush(out) == 0;
		/* Stacks are written with the event after them. */
		for (; each && got <= i && small->v[i].kind != MT_STACK; got++)
			each = mt_next(in, &ev) > 0 && same(&ev, &small->v[got]);
	}
	CHECK("flushed events can be read at once", each);
	uint64_t bytes = mt_out_bytes(out);
	CHECK("a flush without new events writes nothing", mt_flush(out) == 0 && mt_out_bytes(out) == bytes);
	CHECK("closing ends the trace", mt_close(out, NULL) == 0 && close(fds[1]) == 0 && mt_next(in, &ev) == 0);
	mt_close_in(in);
	mt_header_free(h);
	close(fds[0]);
}

/* The same events give the same bytes, however often the writer is flushed. */
static void test_flushed_often(const struct events *middle)
{
	int fd = memfd_create("flushed", MFD_CLOEXEC);
	struct mt_out *out = mt_create(fd, "flushed", MT_STORED);
	struct mt_header *h = some_header();
	int r = mt_put_header(out, h);

	for (size_t i = 0; i < middle->n && r == 0; i++)
		r = mt_put(out, &middle->v[i]) | (below(3) == 0 ? mt_flush(out) : 0);
	r |= mt_close(out, NULL);
	struct bytes b = file_bytes(fd), rows = unpacked(b);
	struct bytes once = trace_of(middle->v, middle->n, MT_STORED), want = unpacked(once);
	CHECK("flushing does not affect the rows", r == 0 && rows.n == want.n && memcmp(rows.p, want.p, rows.n) == 0);
	mt_header_free(h);
	free(b.p);
	free(rows.p);
	free(once.p);
	free(want.p);
	close(fd);
}

static void count_call(void *arg)
{
	++*(int *)arg;
}

static void test_idle(const struct events *small)
{
	struct bytes b = trace_of(small->v, small->n, MT_STORED);
	int fds[2], calls = 0;
	char path[32], *why = NULL;
	struct mt_event ev;

	if (pipe(fds) < 0 || write(fds[1], b.p, b.n - 20) < 0)
		abort();
	pid_t child = fork();
	if (child == 0) {
		usleep(400000);
		_exit(write(fds[1], b.p + b.n - 20, 20) != 20);
	}
	close(fds[1]);
	snprintf(path, sizeof path, "/dev/fd/%d", fds[0]);
	const char *p = path;
	struct mt_in *in = mt_open(&p, 1, &why);
	mt_in_on_idle(in, count_call, &calls);
	size_t n = 0;
	while (mt_next(in, &ev) > 0)
		n++;
	CHECK("a pause of the input is reported once", calls == 1 && n == small->n);
	waitpid(child, NULL, 0);
	mt_close_in(in);
	close(fds[0]);
	free(b.p);
}

static void test_empty_output(void)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);
	struct mt_out *out = mt_create(fd, "empty", MT_AUTO);

	CHECK("a writer without events writes nothing", mt_close(out, NULL) == 0 &&
	      lseek(fd, 0, SEEK_END) == 0);
	close(fd);
}

static void test_stage_of_every_header(const struct events *small)
{
	int fd = memfd_create("staged", MFD_CLOEXEC);
	struct mt_out *out = mt_create(fd, "staged", MT_AUTO);
	struct mt_header *h = some_header();
	struct mt_event header = { .kind = MT_HEADER, .info = { (const char *)h->raw, h->raw_size } }, ev;
	char *why = NULL;

	mt_out_stage(out, &(struct mt_stage_options){
		.program = "memx", .version = "1", .argv = (const char *const[]){ "-a", NULL } });
	int r = mt_put_header(out, h) | mt_put(out, &small->v[small->n - 1]) | mt_put(out, &header) |
		mt_put(out, &small->v[small->n - 1]);
	r |= mt_close(out, NULL);
	struct bytes b = file_bytes(fd);
	struct mt_in *in = mt_open_memory(b.p, b.n, &why);
	bool first = mt_in_header(in)->n_stages == 1;
	r |= mt_next(in, &ev) != 1 || mt_next(in, &ev) != 1 || ev.kind != MT_HEADER;
	CHECK("every header gets the stage", r == 0 && first && mt_in_header(in)->n_stages == 1 &&
	      strcmp(mt_in_header(in)->stages[0].program, "memx") == 0);
	mt_close_in(in);
	mt_header_free(h);
	free(b.p);
	close(fd);
}

int main(void)
{
	struct events small = as_list(all_kinds, N(all_kinds)), middle = random_events(20000);
	struct events big = random_events(300000);

	test_joining(&small, &middle);
	test_files(&small, &middle);
	test_header();
	test_info();
	test_writer_failure(&big);
	test_flush(&small);
	test_flushed_often(&middle);
	test_idle(&small);
	test_empty_output();
	test_stage_of_every_header(&small);
	events_free(&small);
	events_free(&middle);
	events_free(&big);
	return check_done();
}
