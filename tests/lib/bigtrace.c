/*
 * bigtrace.c - make a large trace quickly: bigtrace EVENTS LIVE [STACKS] > t.lz4
 *
 * EVENTS allocations and frees, of which at most LIVE blocks are alive at
 * once, on STACKS stacks up to 40 frames deep. Equal arguments give equal events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "error.h"
#include "memtrace.h"
#include "tool.h"
#include "xmalloc.h"

static uint64_t seed = 1;

static uint64_t any(uint64_t below)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static void put(struct mt_out *out, struct mt_event ev)
{
	ev.pid = ev.tid = 100;
	if (mt_put(out, &ev) < 0)
		die("%s", mt_out_error(out));
}

static struct mt_str str(const char *p)
{
	size_t n = 0;

	while (p[n])
		n++;
	return (struct mt_str){ p, n };
}

#define FUNCTIONS 500
#define FRAMES 2000

static void define(struct mt_out *out, uint32_t n_stacks)
{
	char name[32], file[64];
	uint8_t *depth = xcalloc(n_stacks + 1, 1);

	for (uint32_t i = 1; i <= FUNCTIONS; i++) {
		snprintf(name, sizeof name, "function_%u", i);
		snprintf(file, sizeof file, "/srv/app/package/module_%u.py", i / 10);
		put(out, (struct mt_event){ .kind = MT_FUNCTION, .function = i, .lang = MT_LANG_PYTHON,
					    .name = str(name), .file = str(file), .line = i, .module = str("") });
	}
	for (uint32_t i = 1; i <= FRAMES; i++)
		put(out, (struct mt_event){ .kind = MT_FRAME, .frame = i, .function = 1 + i % FUNCTIONS, .line = i });
	for (uint32_t i = 1; i <= n_stacks; i++) {
		uint32_t parent = i == 1 ? 0 : (uint32_t)(i > 50 && any(2) ? i - 1 - any(50) : i - 1);
		if (depth[parent] >= 40)
			parent = 1;
		depth[i] = (uint8_t)(depth[parent] + 1);
		put(out, (struct mt_event){
			     .kind = MT_STACK, .stack = i, .parent = parent, .frame = 1 + (uint32_t)any(FRAMES) });
	}
	free(depth);
}

static void run(struct mt_out *out, uint64_t n_events, uint32_t n_live, uint32_t n_stacks)
{
	static const uint8_t allocators[] = {
		MT_MALLOC, MT_MALLOC, MT_CALLOC, MT_REALLOC, MT_PYMALLOC_MALLOC, MT_MMAP
	};
	uint32_t *open = xcalloc(n_live, sizeof *open);
	uint32_t n_open = 0, next = 1, stack = 1, run_at = 0, run_left = 0;

	for (uint64_t i = 0; i < n_events; i++) {
		/* Memory grows in the first half and shrinks in the second. */
		bool alloc = n_open == 0 || (n_open < n_live && any(100) < (i < n_events / 2 ? 72 : 40));
		struct mt_event ev = { .kind = alloc ? MT_ALLOC : MT_FREE, .weight = 1, .time_ms = i / 1000 };
		if (alloc) {
			ev.id = next++;
			ev.size = 16 + any(64) * any(64);
			ev.allocator = allocators[any(sizeof allocators)];
			if (any(4) == 0)
				stack = (uint32_t)any(n_stacks + 1);
			ev.stack = stack;
			open[n_open++] = ev.id;
		} else {
			/* Frees mostly recent blocks, sometimes a few hundred neighbours, like a list's items. */
			if (run_left == 0 && any(400) == 0) {
				run_left = 300;
				run_at = (uint32_t)any(n_open);
			}
			uint32_t at = n_open - 1;
			if (run_left) {
				run_left--;
				at = run_at++ % n_open;
			}
			ev.id = open[at];
			open[at] = open[--n_open];
		}
		put(out, ev);
	}
	free(open);
}

int main(int argc, char **argv)
{
	program_name = "bigtrace";
	if (argc < 3)
		usage_die("usage: bigtrace EVENTS LIVE [STACKS] > t.lz4");
	uint64_t n_events = strtoull(argv[1], NULL, 10);
	uint32_t n_live = (uint32_t)strtoul(argv[2], NULL, 10);
	uint32_t n_stacks = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 5000;
	const char *const command[] = { "python3", "big.py", NULL };
	struct mt_header *h =
	    mt_header_new(&(struct mt_header_options){ .command = command, .start_ns = UINT64_C(1767225600000000000) });
	struct mt_out *out = mt_create(STDOUT_FILENO, "standard output", MT_AUTO);
	char *why = NULL;

	if (!h || !out || mt_put_header(out, h) < 0)
		die("out of memory");
	put(out, (struct mt_event){ .kind = MT_PROCESS, .pid = 100, .info = { "\x80", 1 } });
	define(out, n_stacks);
	run(out, n_events, n_live, n_stacks);
	put(out, (struct mt_event){ .kind = MT_END });
	if (mt_close(out, &why) < 0)
		die("%s", why ? why : "out of memory");
	mt_header_free(h);
	return 0;
}
