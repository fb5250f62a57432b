/*
 * threads.h - the threads of a trace, numbered
 *
 * A thread is a pid and a tid. Give it MT_THREAD events, and ask for the number of an
 * event's thread, which does not change: the same pid and tid, even in another
 * trace, have the same number.
 */
#ifndef THREADS_H
#define THREADS_H

#include "memtrace.h"

struct thread {
	uint32_t pid, tid;
	const char *name;	/* the latest one; "" = none; owned by the table */
};

struct threads;

/* Exits if out of memory, as all functions here do. */
struct threads *threads_new(void);
void threads_free(struct threads *t);
/* Takes MT_THREAD (a name); ignores other kinds. */
void threads_take(struct threads *t, const struct mt_event *ev);
/* Returns the number of that thread; new ones are numbered from 0. */
uint32_t threads_number(struct threads *t, uint32_t pid, uint32_t tid);
/* Returns thread n, valid until the next threads_take() or threads_number(). */
const struct thread *threads_thread(const struct threads *t, uint32_t n);

#endif
