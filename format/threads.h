/*
 * threads.h - the threads of a trace, numbered
 *
 * A thread is a pid and a tid. Feed it MT_THREAD events; ask for the number of an
 * event's thread, which stays: a thread of the same two numbers, in another
 * trace too, is the same one here.
 */
#ifndef THREADS_H
#define THREADS_H

#include "memtrace.h"

struct thread {
	uint32_t pid, tid;
	const char *name;	/* the last one it was given; "" = none; owned by the table */
};

struct threads;

/* Dies without memory, as the others do. */
struct threads *threads_new(void);
void threads_free(struct threads *t);
/* Take MT_THREAD (a name); other kinds are none of its business. */
void threads_take(struct threads *t, const struct mt_event *ev);
/* The number of that thread; new ones count up from 0. */
uint32_t threads_number(struct threads *t, uint32_t pid, uint32_t tid);
/* Valid until the next threads_take() or threads_number(). */
const struct thread *threads_thread(const struct threads *t, uint32_t n);

#endif
