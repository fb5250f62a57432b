/*
 * ring.c - arbitrary contents of a program's ring; the resulting trace must be complete
 *
 * The input is slots, all committed. FUZZ_NATIVE: C stacks are recorded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collect/process.h"
#include "fuzz.h"
#include "memtrace.h"

#define MOST_SLOTS 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static void *ring;	/* unmapped even if the recorder exits early */
static size_t ring_bytes;

static void no_ids(void *arg)
{
	(void)arg;
}

static void record(const struct input *in, int fd)
{
	struct mt_header *header = mt_header_new(&(struct mt_header_options){ 0 });
	struct mt_out *out = mt_create(fd, "trace", MT_STORED);
	struct output o;
	output_init(&o, out, header, no_ids, NULL);
	output_begin(&o);
	int memfd;
	struct wire_hello hello = { .magic = WIRE_MAGIC, .log2_slots = WIRE_LOG2_SLOTS, .pid = getpid(), .ppid = 1 };
	struct symbols *symbols = getenv("FUZZ_NATIVE") ? symbols_new() : NULL;
	struct sampling sampling = { .mean = getenv("FUZZ_SAMPLE") ? 512 : 0 };
	struct process *p = process_new(&o, symbols, getpid(), &hello, &sampling, &memfd);
	ring = p->ring;
	ring_bytes = WIRE_SHARED_BYTES;
	p->exe = strdup("/bin/true");
	if (symbols)
		p->hybrid = hybrid_new(&o, symbols, p->pid, p->exe);
	size_t n = in->size / sizeof *p->slots < MOST_SLOTS ? in->size / sizeof *p->slots : MOST_SLOTS;
	memcpy(p->slots, in->data, n * sizeof *p->slots);
	for (size_t i = 0; i < n; i++)
		p->slots[i].seq = 1;
	p->ring->head = n;
	p->released = true;	/* do not wait for missing slots */
	process_drain_rest(p);
	process_end(p, 0);
	ring = NULL;
	process_free(p);
	output_end(&o);
	char *why = NULL;
	if (mt_close(out, &why) < 0)
		abort();
}

static void read_back(int fd)
{
	char path[32], *why = NULL;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	const char *paths[] = { path };
	struct mt_in *in = mt_open(paths, 1, &why);
	if (!in) {
		fprintf(stderr, "the trace cannot be read: %s\n", why);
		abort();
	}
	struct mt_event ev;
	while (mt_next(in, &ev) > 0)
		;
	if (mt_in_error(in)) {
		fprintf(stderr, "the trace is not whole: %s\n", mt_in_error(in));
		abort();
	}
	mt_close_in(in);
}

static void run(void *arg)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	record(arg, fd);
	lseek(fd, 0, SEEK_SET);
	read_back(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_run(run, &(struct input){ data, size });
	if (ring)
		munmap(ring, ring_bytes);
	ring = NULL;
	return 0;
}
