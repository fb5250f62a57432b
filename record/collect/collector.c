/*
 * collector.c - turns rings into a trace: the loop over all processes
 */
#include "collector.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "process.h"
#include "shared.h"
#include "symbols/symbols.h"
#include "xmalloc.h"
#include "system_call.h"

#define BATCH_SLOTS 16384	/* taken from one ring before the next one's turn */
#define SAMPLE_MS 10		/* between samples of resident memory */
#define SAMPLES_A_TURN 64	/* processes sampled in one turn */
#define FOOTPRINT_SHARE 200	/* at most so small a part of a processor reads footprints */
#define DETACH_MS 3000	/* for an agent to remove its hooks */
#define CENSUS_MS 20000	/* for all of them to take a census */
#define LONG_STOP_MS 30000	/* less than the 65 s that a slot's time is good for */
#define FLUSH_MS 100		/* a reader of a live trace waits at most this long */

/* For signal handlers: the control page of the only collector. */
static struct wire_control *the_control;
static volatile sig_atomic_t interrupted, stopped, marked;

void collector_interrupt(void)
{
	interrupted = 1;
	if (the_control)
		the_control->asleep = 0;	/* a sleep that is about to begin will not */
}

void collector_stop(int sig)
{
	stopped = sig;
	collector_interrupt();
}

void collector_mark(void)
{
	marked = 1;
	collector_interrupt();
}

int collector_stopped(void)
{
	return stopped;
}

/* The mutex is held while we live. When we die, the kernel marks it, and the agents see that. */
static void make_control_page(struct collector *c)
{
	c->control = shared_new("memrec control", WIRE_CONTROL_BYTES, SHARED_OURS_ALONE, &c->control_memfd);
	if (!c->control)
		die("cannot create shared memory: %s", shared_why());
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&c->control->life, &a);
	pthread_mutex_lock(&c->control->life);
	pthread_mutexattr_destroy(&a);
	the_control = c->control;
}

/* Reports the ids of all live blocks and mappings. */
static void hold(void *arg)
{
	struct collector *c = arg;
	for (size_t i = 0; i < c->n_processes; i++) {
		const struct process *p = c->processes[i];
		for (size_t k = 0; k <= p->live.mask; k++)
			if (p->live.slots[k].addr)
				ids_hold(&c->output.ids, p->live.slots[k].id);
		for (size_t k = 0; k < p->regions.n; k++)
			ids_hold(&c->output.ids, p->regions.at[k].id);
	}
}

void collector_init(struct collector *c, const struct recording_options *how)
{
	*c = (struct collector){
		.follow_fork = how->follow_fork, .start_ns = how->start_ns, .sampling = how->sampling,
		.census = how->census
	};
	output_init(&c->output, how->out, how->header, hold, c);
	if (!how->source.none)
		c->output.sources = source_files_new(&how->source);
	if (how->native)
		c->symbols = symbols_new();
	admission_open(&c->admission, how->follow_fork);
	make_control_page(c);
}

/* ---------------------------------------------------------------- processes */

static struct departed *departed_of(struct collector *c, pid_t pid, pid_t parent)
{
	for (size_t i = 0; i < COLLECTOR_DEPARTED; i++)
		if (c->departed[i].pid == pid && pid > 0 && c->departed[i].ppid == parent)
			return &c->departed[i];
	return NULL;
}

/*
 * The process says that a child of its own was killed. It is believed once, of a recorded child that has ended. Pids
 * are compared where those of its namespace are ours.
 */
static void take_killed(struct collector *c, struct process *p)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->n_killed; i++) {
		pid_t child = p->killed[i];
		struct departed *d = p->own_pid == p->pid ? departed_of(c, child, p->pid) : NULL;
		if (d) {
			*d = (struct departed){ 0 };
			output_flush(&c->output);
			if (c->killed && !c->output.failed)
				c->killed(c->killed_arg, child);
		} else if (collector_process(c, child)) {
			p->killed[kept++] = child;	/* it will be found to have ended */
		}
	}
	p->n_killed = kept;
}

static void take_all_killed(struct collector *c)
{
	for (size_t i = 0; i < c->n_processes; i++)
		if (c->processes[i]->n_killed)
			take_killed(c, c->processes[i]);
}

/* Ends a process: takes the rest of its ring, and releases it. */
static void finish(struct collector *c, size_t i, int status)
{
	struct process *p = c->processes[i];
	if (!p->ring->joined && !p->executed)
		warn("process %d: not recorded: it had fewer than 3 free file descriptors, or was killed too early",
		     p->pid);
	if (!c->output.failed)
		process_drain_rest(p);
	process_end(p, status);
	take_killed(c, p);
	if (!p->executed)
		c->departed[c->next_departed++ % COLLECTOR_DEPARTED] = (struct departed){ p->own_pid, p->ppid };
	process_free(p);
	c->processes[i] = c->processes[--c->n_processes];
}

void collector_end_executed(struct collector *c, pid_t pid)
{
	for (size_t i = c->n_processes; i-- > 0;)
		if (c->processes[i]->pid == pid) {
			c->processes[i]->executed = true;
			finish(c, i, -1);
		}
}

/* An agent asks for a ring: once it is answered, its process is recorded. */
static void admit(void *arg, const struct caller *caller)
{
	struct collector *c = arg;
	pid_t pid = caller->who.pid;
	struct beginning how = { caller->hello.ppid, admission_was_running(&c->admission, pid),
				 .forked = !collector_process(c, pid) && collector_process(c, caller->hello.ppid) };
	collector_end_executed(c, pid);
	output_begin(&c->output);
	int memfd;
	sampling_next(&c->sampling);
	struct process *p = process_new(&c->output, c->symbols, pid, &caller->hello, &c->sampling, &memfd);
	if (!p) {
		c->failed = true;
		return;
	}
	/* before the answer: once the process continues, it may end before we have read its data */
	process_begin(p, &how);
	if (admission_answer(&c->admission, caller->sock, memfd, c->control_memfd)) {
		GROW(c->processes, c->n_processes, c->cap_processes);
		c->processes[c->n_processes++] = p;
		p->number = ++c->n_recorded;
	} else {
		bool left = errno == EPIPE || errno == ECONNRESET;
		warn("process %d: not recorded: %s%s", pid,
		     left ? "it did not wait for an answer" : "cannot answer it: ", left ? "" : strerror(errno));
		process_end(p, -1);
		process_free(p);
	}
	close(memfd);
}

bool collector_has_said_why(const struct collector *c)
{
	return c->failed || c->admission.told || c->admission.told_failure;
}

/* ---------------------------------------------------------------- the loop */

static uint64_t drain_all(struct collector *c)
{
	uint64_t taken = 0;
	if (c->output.failed)		/* the programs continue unrecorded */
		c->control->off = 1;
	for (size_t i = 0; i < c->n_processes; i++) {
		struct process *p = c->processes[i];
		if (c->output.failed)
			process_mute(p);
		else
			taken += process_drain(p, BATCH_SLOTS);
	}
	return taken;
}

/* Polls the listener and every process; waits for `timeout` (NULL: for ever). */
static void poll_all(struct collector *c, const struct timespec *timeout)
{
	GROW(c->polled, c->n_processes, c->cap_polled);
	for (size_t i = 0; i < c->n_processes; i++)
		c->polled[i] = (struct pollfd){ .fd = c->processes[i]->pidfd, .events = POLLIN };
	c->polled[c->n_processes] = (struct pollfd){ .fd = c->admission.listener, .events = POLLIN };
	if (ppoll(c->polled, c->n_processes + 1, timeout, NULL) < 0)
		for (size_t i = 0; i < c->n_processes; i++)
			c->polled[i].revents = 0;
}

void collector_end_gone(struct collector *c, pid_t child)
{
	static const struct timespec now = { 0 };
	poll_all(c, &now);
	for (size_t i = c->n_processes; i-- > 0;) {
		struct process *p = c->processes[i];
		bool gone = p->pidfd < 0 ? process_is_gone(p) : c->polled[i].revents != 0;
		int status;
		if (gone && p->pid != child)	/* it may be a child of ours that has ended just now */
			finish(c, i, waitpid(p->pid, &status, WNOHANG) == p->pid ? status : -1);
	}
}

void collector_end_child(struct collector *c, pid_t pid, int status)
{
	for (size_t i = c->n_processes; i-- > 0;)
		if (c->processes[i]->pid == pid)
			finish(c, i, status);
}

static bool may_sleep(const struct collector *c)
{
	for (size_t i = 0; i < c->n_processes; i++) {
		const struct process *p = c->processes[i];
		if (!p->refused && p->ring->head - p->tail >= p->mask / 4)
			return false;
	}
	return !interrupted;
}

/*
 * Sleeps until a ring has been filled by a quarter (futex), a new
 * agent connects or a child ends (signals), or the next sample is due.
 */
static void sleep_until_news(struct collector *c)
{
	struct timespec until_sample = { .tv_nsec = SAMPLE_MS * 1000000L };
	__atomic_store_n(&c->control->asleep, 1, __ATOMIC_SEQ_CST);
	if (may_sleep(c))
		system_call(SYS_futex, &c->control->asleep, FUTEX_WAIT, 1, &until_sample, NULL, 0);
	c->control->asleep = 0;
	interrupted = 0;
}

static void sample_some(struct collector *c)
{
	size_t n = c->n_processes < SAMPLES_A_TURN ? c->n_processes : SAMPLES_A_TURN;
	while (n-- && !c->output.failed)
		process_sample(c->processes[c->next_sample++ % c->n_processes]);
}

/* Takes the one that was asked for, then asks for the next one. */
static void sample_footprints(struct collector *c)
{
	size_t n = c->n_processes < SAMPLES_A_TURN ? c->n_processes : SAMPLES_A_TURN;
	struct footprint_answer a;
	if (footprint_take(&a)) {
		struct process *p = collector_process(c, a.pid);
		if (p && a.known)
			process_put_footprint(p, &a.f);
		c->footprint_after_ns = now_ns() + a.cost_ns * FOOTPRINT_SHARE;
	}
	if (now_ns() < c->footprint_after_ns)
		return;
	while (n-- && !c->output.failed)
		if (process_ask_footprint(c->processes[c->next_footprint++ % c->n_processes]))
			return;
}

void collector_abandon(struct collector *c)
{
	c->control->off = 1;
	system_call(SYS_futex, &c->control->off, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	admission_close(&c->admission);
}

/* Its program does not wait for us any more. */
static void put_last_footprint(struct process *p)
{
	struct footprint f;
	if (footprint_read(p->pid, &f))
		process_put_footprint(p, &f);
}

void collector_let_go(struct collector *c)
{
	c->control->off = 1;
	while (c->n_processes) {
		struct process *p = c->processes[0];
		p->released = true;
		if (!c->output.failed) {
			process_drain_rest(p);
			put_last_footprint(p);
		}
		process_end(p, -1);
		process_free(p);
		c->processes[0] = c->processes[--c->n_processes];
	}
}

struct process *collector_process(const struct collector *c, pid_t pid)
{
	for (size_t i = 0; i < c->n_processes; i++)
		if (c->processes[i]->pid == pid)
			return c->processes[i];
	return NULL;
}

bool collector_detached(const struct collector *c, pid_t pid)
{
	const struct process *p = collector_process(c, pid);
	return p && p->ring->detached;
}

/* Waits until the process has no hooks any more, has ended, or it is too late. */
static void await_detached(struct collector *c, struct process *p, uint64_t deadline)
{
	struct timespec a_while = { .tv_nsec = 1000000 };
	while (!p->ring->detached && !process_is_gone(p) && now_ns() < deadline)
		if (drain_all(c) == 0)
			system_call(SYS_futex, &p->ring->detached, FUTEX_WAIT, 0, &a_while, NULL, 0);
	/* Threads that waited for space have given up: their slots are holes. */
	if (p->ring->detached) {
		p->released = true;
		if (!c->output.failed)
			process_drain_rest(p);
	}
}

static void ask_census(struct collector *c, enum wire_moment moment)
{
	__atomic_store_n(&c->control->census_moment, moment, __ATOMIC_RELAXED);
	__atomic_fetch_add(&c->control->census, 1, __ATOMIC_SEQ_CST);
	system_call(SYS_futex, &c->control->off, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void collector_census(struct collector *c, const pid_t *attended, size_t n)
{
	struct timespec a_while = { .tv_nsec = 1000000 };
	uint64_t deadline = now_ns() + CENSUS_MS * 1000000ull;
	uint32_t *before = xcalloc(n, sizeof *before);
	if (!c->census || c->output.failed)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct process *p = collector_process(c, attended[i]);
		before[i] = p ? p->n_censuses : 0;
	}
	if (n)
		ask_census(c, WIRE_MOMENT_DETACH);
	for (size_t i = 0; i < n && now_ns() < deadline;) {
		const struct process *p = collector_process(c, attended[i]);
		if (!p || p->n_censuses != before[i] || process_is_gone(p) || p->refused)
			i++;
		else if (drain_all(c) == 0)
			nanosleep(&a_while, NULL);
	}
	free(before);
}

void collector_detach(struct collector *c, const pid_t *attended, size_t n)
{
	uint64_t deadline = now_ns() + DETACH_MS * 1000000ull;
	c->control->off = 1;
	system_call(SYS_futex, &c->control->off, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		struct process *p = collector_process(c, attended[i]);
		if (p)
			await_detached(c, p, deadline);
	}
	collector_let_go(c);
}

/* A span without length in each process; and what begins with a mark is a segment of its own. */
static void put_marks(struct collector *c)
{
	marked = 0;
	for (size_t i = 0; i < c->n_processes; i++)
		for (int begins = 1; begins >= 0; begins--) {
			uint32_t pid = (uint32_t)c->processes[i]->pid;
			struct mt_event ev = { .kind = MT_SPAN, .count = (uint64_t)begins, .pid = pid,
					       .name = { "mark", 4 } };
			output_put(&c->output, &ev, c->output.now_ms);
		}
	for (size_t i = 0; i < c->n_processes; i++)
		c->processes[i]->census_due = c->census;
	if (c->census)
		ask_census(c, WIRE_MOMENT_REQUEST);
	if (c->output.segments)
		segments_mark(c->output.segments);
}

/* A process without a thread for it sees that it is asked for a census when it wakes us, even if we do not sleep. */
static void await_censuses(struct collector *c)
{
	for (size_t i = 0; i < c->n_processes; i++)
		if (c->processes[i]->census_due)
			c->control->asleep = 1;
}

/*
 * A slot holds the low 16 bits of the clock: its time is known only while it is less than 65 s old. If we were stopped
 * for longer, or our output accepted nothing, the slots in the rings have the time before that, and are taken as of
 * then. Slots that are filled meanwhile have the new time.
 */
static void advance_clock(struct collector *c, uint32_t now_ms)
{
	bool long_stop = now_ms - c->output.now_ms > LONG_STOP_MS && !c->output.failed;
	for (size_t i = 0; i < c->n_processes && long_stop; i++)
		process_mark_present(c->processes[i]);
	c->control->ms = now_ms;
	for (size_t i = 0; i < c->n_processes && long_stop; i++)
		process_drain_present(c->processes[i]);
	c->output.now_ms = now_ms;
}

void collector_run(struct collector *c, struct recording *r)
{
	uint32_t sampled = 0, flushed = 0;
	struct output *o = &c->output;
	for (;;) {
		advance_clock(c, (uint32_t)((now_ns() - c->start_ns) / 1000000));
		uint64_t taken = drain_all(c);
		await_censuses(c);
		bool more_call = admission_turn(&c->admission, admit, c);
		if (o->now_ms - sampled >= SAMPLE_MS) {
			sampled = o->now_ms;
			sample_some(c);
			sample_footprints(c);
		}
		if (marked)
			put_marks(c);
		take_all_killed(c);
		if (o->now_ms - flushed >= FLUSH_MS) {
			flushed = o->now_ms;
			output_flush(o);
		}
		if (taken >= BATCH_SLOTS / 16)
			continue;
		if (r->over(r, c))
			return;
		if (!more_call)
			sleep_until_news(c);
	}
}
