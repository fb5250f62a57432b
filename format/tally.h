/*
 * tally.h - one answer from a trace: bytes and allocations per stack
 *
 * The common beginning of memfold and of every report: read to the end, keep
 * what each stack held at the high-water mark, or at the end, or ever.
 * An allocation counts as often as its weight says, in bytes too.
 *
 * Memory: the live set (live.h) unless everything ever made is asked for, and
 * the stacks.
 */
#ifndef TALLY_H
#define TALLY_H

#include "peak.h"
#include "stacks.h"
#include "threads.h"

enum tally_what {
	TALLY_PEAK,	/* alive at the high-water mark; what a process held left with it */
	TALLY_LEAKS,	/* never freed: open when its process, or its trace, ended */
	TALLY_TOTAL,	/* every allocation ever made */
};

struct tally {
	struct stacks *stacks;
	struct threads *threads;	/* those that have names, and those a key asked for */
	struct amount *at;	/* per stack number of `stacks`, or per key; n of them */
	uint32_t n;
	struct amount total;
	char *title;		/* what the numbers are: "alive at the high-water mark", "temporary allocations, …" */
	char *command;		/* of the first header */
	uint64_t start_ns;	/* of the first header */
	uint64_t end_ms;	/* the last time seen */
};

/* Reads `in` to its end (damage: mt_in_error(), what came before it counts). Dies without memory. */
struct tally *tally_read(struct mt_in *in, enum tally_what what);
/*
 * The same, kept not by stack but by what key(arg, t, ev) makes of an MT_ALLOC event: a number, dense from 0 (an
 * array is kept). Its stack is stacks_number(t->stacks, ev->stack); of t only stacks and threads are there.
 */
typedef uint32_t tally_key(void *arg, const struct tally *t, const struct mt_event *ev);
struct tally *tally_read_by(struct mt_in *in, enum tally_what what, tally_key *key, void *arg);
/* By stack again, but each stack hangs under a frame "[process PID]": to be used as tally_read()'s. */
struct tally *tally_read_by_process(struct mt_in *in, enum tally_what what);
void tally_free(struct tally *t);

/* What the numbers of a trace with this header are, in words (provenance.h). The caller frees it. */
char *tally_title(const struct mt_header *h, enum tally_what what);
/* For the options --leaks and --total: *what becomes `chosen`. Misuse dies: the other one was chosen before. */
void tally_choose(enum tally_what *what, enum tally_what chosen);

#endif
