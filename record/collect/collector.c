/*
 * collector.c - from rings to a trace: the loop, and what all processes share
 */
#include "collector.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "define.h"
#include "error.h"
#include "process.h"
#include "shared.h"
#include "xmalloc.h"
#include "system_call.h"

#define BATCH_SLOTS 16384	/* taken from one ring before the next has its turn */
#define SAMPLE_MS 10		/* between samples of resident memory */
#define SAMPLES_A_TURN 64	/* processes looked at in one turn of sampling */
#define DETACH_MS 3000	/* for an agent to take its hooks out */
#define IMAGE_MS 500	/* between looks whether an attached process executed another program */
#define FLUSH_MS 100		/* a live reader waits no longer than this */

/* For the handlers of signals: the control page of the collector there is. */
static struct wire_desk *the_desk;
static volatile sig_atomic_t interrupted, stopped, root_ended;

bool collector_root_ended(void)
{
	return root_ended;
}

void collector_interrupt(void)
{
	interrupted = 1;
	if (the_desk)
		the_desk->asleep = 0;	/* a sleep about to begin will not */
}

void collector_stop(void)
{
	stopped = 1;
	collector_interrupt();
}

/* The mutex is held while we live: the kernel marks it when we die, and the agents read that. */
static void make_control_page(struct collector *c)
{
	c->desk = shared_new("memrec control", WIRE_DESK_BYTES, SHARED_OURS_ALONE, &c->desk_memfd);
	if (!c->desk)
		die("cannot make shared memory: %s", strerror(errno));
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&c->desk->life, &a);
	pthread_mutex_lock(&c->desk->life);
	pthread_mutexattr_destroy(&a);
	the_desk = c->desk;
}

/* The ids of all that is alive. */
static void hold(void *arg)
{
	struct collector *c = arg;
	for (size_t i = 0; i < c->n_processes; i++) {
		const struct process *p = c->processes[i];
		for (size_t k = 0; k <= p->live.mask; k++)
			if (p->live.slots[k].addr)
				ids_hold(&c->ids, p->live.slots[k].id);
		for (size_t k = 0; k < p->regions.n; k++)
			ids_hold(&c->ids, p->regions.at[k].id);
	}
}

void collector_init(struct collector *c, struct mt_out *out, const struct mt_header *header, uint64_t start_ns)
{
	*c = (struct collector){ .out = out, .header = header, .start_ns = start_ns, .stacks = stacks_new() };
	c->ids = (struct ids){ .holder = hold, .arg = c };
	c->allocated = (struct mt_event){ .kind = MT_ALLOC, .weight = 1 };
	c->freed = (struct mt_event){ .kind = MT_FREE };
	admission_open(&c->admission);
	make_control_page(c);
}

/* ---------------------------------------------------------------- the trace */

/* The output failed: the target goes on unrecorded. */
static void go_deaf(struct collector *c)
{
	c->deaf = true;
	c->desk->off = 1;
	for (size_t i = 0; i < c->n_processes; i++)
		process_mute(c->processes[i]);
}

static void begin(struct collector *c)
{
	c->begun = true;
	if (c->old_file && ftruncate(c->old_file, 0) < 0 && errno != EINVAL)
		warn("the old trace cannot be overwritten: %s", strerror(errno));
	if (mt_put_header(c->out, c->header) < 0)
		go_deaf(c);
}

void collector_put(struct collector *c, struct mt_event *ev, uint64_t time_ms)
{
	if (c->deaf)
		return;
	if (time_ms > c->last_ms)
		c->last_ms = time_ms;
	ev->time_ms = c->last_ms;
	if (mt_put(c->out, ev) < 0)
		go_deaf(c);
	c->n_events += ev->kind == MT_ALLOC || ev->kind == MT_FREE;
}

uint32_t collector_function(struct collector *c, struct mt_event *ev)
{
	return define_function(c->out, c->stacks, ev);
}

uint32_t collector_frame(struct collector *c, uint32_t function, uint32_t line)
{
	return define_frame(c->out, c->stacks, function, line);
}

uint32_t collector_stack(struct collector *c, uint32_t parent, uint32_t frame)
{
	return define_stack(c->out, c->stacks, parent, frame);
}

void collector_end(struct collector *c)
{
	if (!c->begun)
		begin(c);
	struct mt_event ev = { .kind = MT_END };
	collector_put(c, &ev, c->now_ms);
}

/* ---------------------------------------------------------------- processes */

/* It ended: take what is left in its ring, and let go of it. */
static void finish(struct collector *c, size_t i, int status)
{
	struct process *p = c->processes[i];
	if (!c->deaf)
		process_drain_rest(p);
	process_end(p, status);
	process_free(p);
	c->processes[i] = c->processes[--c->n_processes];
}

/* A program that executes another keeps its pid: its old ring is dead. */
static void end_executed(struct collector *c, pid_t pid)
{
	for (size_t i = c->n_processes; i-- > 0;)
		if (c->processes[i]->pid == pid) {
			c->processes[i]->executed = true;
			finish(c, i, -1);
		}
}

/* An agent asks for a ring: from the answer on its process is recorded. */
static void admit(void *arg, const struct caller *caller)
{
	struct collector *c = arg;
	pid_t pid = caller->who.pid;
	end_executed(c, pid);
	if (!c->begun)
		begin(c);
	int memfd;
	struct process *p = process_new(c, pid, &caller->hello, &memfd);
	if (!p)
		return;
	process_begin(p, caller->hello.ppid);	/* while it waits: once it runs it may end before we have looked at it */
	if (admission_answer(&c->admission, caller->sock, memfd, c->desk_memfd)) {
		GROW(c->processes, c->n_processes, c->cap_processes);
		c->processes[c->n_processes++] = p;
		c->n_recorded++;
	} else {
		warn("process %d: it did not wait for an answer; it is not recorded", pid);
		process_end(p, -1);
		process_free(p);
	}
	close(memfd);
}

/* ---------------------------------------------------------------- the loop */

static uint64_t drain_all(struct collector *c)
{
	uint64_t taken = 0;
	for (size_t i = 0; i < c->n_processes; i++) {
		struct process *p = c->processes[i];
		if (c->deaf)
			process_mute(p);
		else
			taken += process_drain(p, BATCH_SLOTS);
	}
	return taken;
}

/* The listener, and every process; wait for `timeout` (NULL: as long as it takes). */
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

/* Take leave of processes that are gone. The root's status must be known first. */
static void end_gone(struct collector *c, int status)
{
	static const struct timespec now = { 0 };
	poll_all(c, &now);
	for (size_t i = c->n_processes; i-- > 0;) {
		struct process *p = c->processes[i];
		bool gone = p->pidfd < 0 ? process_is_gone(p) : c->polled[i].revents != 0;
		bool root = p->pid == c->root;
		if (gone && (!root || root_ended || c->attached))
			finish(c, i, root && !c->attached ? status : -1);
	}
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
 * Nothing to do: sleep until the bell (a quarter of a ring was filled), a new
 * agent or a child's end (signals, which interrupt), or until the next sample is due.
 */
static void nap(struct collector *c)
{
	struct timespec until_sample = { .tv_nsec = SAMPLE_MS * 1000000L };
	__atomic_store_n(&c->desk->asleep, 1, __ATOMIC_SEQ_CST);
	if (may_sleep(c))
		system_call(SYS_futex, &c->desk->asleep, FUTEX_WAIT, 1, &until_sample, NULL, 0);
	c->desk->asleep = 0;
	interrupted = 0;
}

static void sample_some(struct collector *c)
{
	size_t n = c->n_processes < SAMPLES_A_TURN ? c->n_processes : SAMPLES_A_TURN;
	while (n-- && !c->deaf)
		process_sample(c->processes[c->next_sample++ % c->n_processes]);
}

/* What is still there is not recorded any longer. */
static void let_go(struct collector *c)
{
	c->desk->off = 1;
	while (c->n_processes) {
		struct process *p = c->processes[0];
		p->released = true;
		if (!c->deaf)
			process_drain_rest(p);
		process_end(p, -1);
		process_free(p);
		c->processes[0] = c->processes[--c->n_processes];
	}
}

/* What the kernel told the program that runs in the root: another one was told of other addresses. */
static void read_image(const struct collector *c, uint64_t *image)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/auxv", (int)c->root);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	memset(image, 0, sizeof c->image);
	if (fd >= 0 && read(fd, image, sizeof c->image) < 0)
		memset(image, 0, sizeof c->image);
	if (fd >= 0)
		close(fd);
}

/* Whether the attached process has executed another program: the agent is gone with the old one. */
static void look_at_image(struct collector *c)
{
	uint64_t image[sizeof c->image / sizeof *c->image];
	if (c->image[0] == 0 || c->now_ms - c->looked_ms < IMAGE_MS)
		return;
	c->looked_ms = c->now_ms;
	read_image(c, image);
	if (image[0] == 0 || memcmp(image, c->image, sizeof image) == 0)
		return;
	c->attended = false;
	c->image[0] = 0;
	if (!c->follow_fork)	/* else the new program has an agent, which took its place */
		end_executed(c, c->root);
}

static struct process *root_process(const struct collector *c)
{
	for (size_t i = 0; i < c->n_processes; i++)
		if (c->processes[i]->pid == c->root)
			return c->processes[i];
	return NULL;
}

static bool has_detached(const struct process *p)
{
	return p && p->ring->detached;
}

/* Tell the attached agent to take its hooks out; what it put until then is taken. */
static void detach(struct collector *c)
{
	uint64_t deadline = now_ns() + DETACH_MS * 1000000ull;
	struct timespec a_while = { .tv_nsec = 1000000 };
	struct process *root = root_process(c);
	c->desk->off = 1;
	system_call(SYS_futex, &c->desk->off, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	while (c->attended && root && !has_detached(root) && !process_is_gone(root) && now_ns() < deadline)
		if (drain_all(c) == 0)
			system_call(SYS_futex, &root->ring->detached, FUTEX_WAIT, 0, &a_while, NULL, 0);
	/* Its threads that waited for space gave up: theirs are holes. */
	if (has_detached(root)) {
		root->released = true;
		if (!c->deaf)
			process_drain_rest(root);
	}
	let_go(c);
}

/* Whether the recording of an awaited process is over. A signal does not end it before its root. */
static bool awaited_ended(struct collector *c)
{
	if (c->n_recorded == 0) {
		struct pollfd other_end = { .fd = STDERR_FILENO };
		return poll(&other_end, 1, 0) > 0 || (kill(c->root, 0) < 0 && errno == ESRCH);
	}
	if (c->image[0] == 0)
		read_image(c, c->image);
	look_at_image(c);
	const struct process *root = root_process(c);
	if (has_detached(root) || c->deaf || (stopped && !root))
		let_go(c);
	return c->n_processes == 0;
}

/* Whether the recording of an attached process is over. */
static bool attached_ended(struct collector *c, int *status)
{
	if (c->awaited)
		return awaited_ended(c);
	if (c->injector && waitpid(c->injector, status, WNOHANG) == c->injector) {
		c->injector = 0;
		c->begun_ms = c->now_ms;
		if (*status != 0)
			return true;
		c->attended = true;
		read_image(c, c->image);
		if (c->tell)
			warn("process %d is being recorded%s", (int)c->root, c->duration_ms ? "" : "; Ctrl-C ends that");
	}
	if (c->injector)
		return false;
	look_at_image(c);
	bool over = stopped || c->deaf || (c->duration_ms && c->now_ms - c->begun_ms >= c->duration_ms);
	if (over)
		detach(c);
	return c->n_processes == 0;
}

static void flush(struct collector *c)
{
	if (c->begun && !c->deaf && mt_flush(c->out) < 0)
		go_deaf(c);
}

void collector_run(struct collector *c, pid_t root, int *status)
{
	uint32_t sampled = 0, flushed = 0;
	c->root = root;
	admission_expect(&c->admission, root, c->attached ? admission_owner(root) : geteuid(), c->follow_fork);
	for (;;) {
		c->now_ms = (uint32_t)((now_ns() - c->start_ns) / 1000000);
		c->desk->ms = c->now_ms;
		uint64_t taken = drain_all(c);
		bool more_call = admission_turn(&c->admission, admit, c);
		if (c->now_ms - sampled >= SAMPLE_MS) {
			sampled = c->now_ms;
			sample_some(c);
		}
		if (c->now_ms - flushed >= FLUSH_MS) {
			flushed = c->now_ms;
			flush(c);
		}
		if (taken >= BATCH_SLOTS / 16)
			continue;
		if (!c->attached && !root_ended && waitpid(root, status, WNOHANG) == root)
			root_ended = 1;
		end_gone(c, *status);
		if (c->attached && attached_ended(c, status))
			return;
		if (root_ended && stopped)
			let_go(c);
		if (root_ended && c->n_processes == 0)
			return;
		if (!more_call)
			nap(c);
	}
}
