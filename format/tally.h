/*
 * tally.h - the totals of a trace: bytes and allocations per stack
 *
 * The first step of memfold and of every report: read a trace to its end and
 * add up what each stack held at the high-water mark, leaked, or ever allocated.
 * An allocation counts as often as its weight says, in bytes too.
 *
 * Memory: the live blocks (live.h), except for TALLY_TOTAL, and the stacks.
 */
#ifndef TALLY_H
#define TALLY_H

#include "peak.h"
#include "stacks.h"
#include "threads.h"

enum tally_what {
	TALLY_PEAK,	/* live at the high-water mark; a process that ends takes its blocks along */
	TALLY_LEAKS,	/* never freed: open when its process, or its trace, ended */
	TALLY_TOTAL,	/* every allocation ever made */
};

struct tally {
	struct stacks *stacks;
	struct threads *threads;	/* those with names, and those numbered by a key */
	struct amount *at;	/* per stack number of `stacks`, or per key; n of them */
	struct amount *all;	/* per key, if requested: all allocations, whatever `at` counts */
	uint32_t n;
	struct amount total;
	uint64_t sample_bytes;	/* of the first header: the blocks were sampled (sampled.h); 0: they were not */
	struct amount error;	/* then the standard errors of `total` */
	char *title;		/* of the numbers: "alive at the high-water mark", "temporary allocations, …" */
	char *command;		/* of the first header */
	uint64_t start_ns;	/* of the first header */
	uint64_t end_ms;	/* the last time seen */
};

/*
 * Reports intermediate results: at each multiple of every_ms, and at the end of the trace if anything is live then
 * (with `all`, in any case).
 */
struct tally_watch {
	uint64_t every_ms;
	/* t: the amounts live at t->end_ms, or with TALLY_TOTAL allocated until then; the title contains that time */
	void (*see)(void *arg, const struct tally *t);
	void *arg;
};

/* Reads `in` to its end, or to where it is damaged (see mt_in_error()). Exits if out of memory. */
struct tally *tally_read(struct mt_in *in, enum tally_what what);
/*
 * The same, grouped not by stack but by the number that key(arg, t, ev) returns for an MT_ALLOC event; numbers should
 * be dense from 0 (they index an array). The event's stack is stacks_number(t->stacks, ev->stack); only t's stacks and
 * threads are set.
 */
typedef uint32_t tally_key(void *arg, const struct tally *t, const struct mt_event *ev);
struct tally *tally_read_by(struct mt_in *in, enum tally_what what, tally_key *key, void *arg);
/* The same, with more options. */
struct tally_by {
	tally_key *key;
	void (*take)(void *arg, const struct mt_event *ev);	/* gets all events except allocations and frees */
	void *arg;		/* for both */
	bool all;		/* fill in `all` too */
};
struct tally *tally_read_more(struct mt_in *in, enum tally_what what, const struct tally_by *by);
/* The same with intermediate results. by->key may be NULL. */
void tally_watch(struct mt_in *in, enum tally_what what, const struct tally_by *by, const struct tally_watch *watch);
/* By stack, with each stack below a frame "[process PID]"; the result is like tally_read()'s. */
struct tally *tally_read_by_process(struct mt_in *in, enum tally_what what);
void tally_free(struct tally *t);

/* Returns a title for the numbers of a trace with this header (provenance.h); the caller frees it. */
char *tally_title(const struct mt_header *h, enum tally_what what);
/* A usage error if --leaks or --total was given for a report of what a census found alive. */
void tally_choose_census(enum tally_what what);
/* For the options --leaks and --total: sets *what to `chosen`. A usage error if the other one was chosen before. */
void tally_choose(enum tally_what *what, enum tally_what chosen);

#endif
