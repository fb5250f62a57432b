/*
 * collector.c - from rings to a trace: the loop, and what all processes share
 */
#include "collector.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "process.h"
#include "xmalloc.h"

#define BATCH_SLOTS 16384	/* taken from one ring before the next has its turn */
#define SAMPLE_MS 10		/* between samples of resident memory */
#define FLUSH_MS 100		/* a live reader waits no longer than this */

void collector_init(struct collector *c, struct mt_out *out, const struct mt_header *header, uint64_t start_ns)
{
	*c = (struct collector){ .out = out, .header = header, .start_ns = start_ns, .stacks = stacks_new() };
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	snprintf(c->socket, sizeof c->socket, "memrec-%d-%lx%lx", (int)getpid(), (long)t.tv_sec, (long)t.tv_nsec);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(c->socket);
	memcpy(a.sun_path + 1, c->socket, n);
	c->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listener < 0 ||
	    bind(c->listener, (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0 ||
	    listen(c->listener, 128) < 0)
		die("cannot make a socket for the traced program to connect to: %s", strerror(errno));
	/* A connection interrupts our sleep (SIGIO), so that a starting program does not wait out a nap. */
	if (fcntl(c->listener, F_SETOWN, getpid()) < 0 || fcntl(c->listener, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
		die("cannot be told of connections: %s", strerror(errno));
}

/* ---------------------------------------------------------------- the trace */

/* The output failed: the target goes on unrecorded. */
static void go_deaf(struct collector *c)
{
	c->deaf = true;
	for (size_t i = 0; i < c->n_processes; i++)
		if (!c->processes[i]->done)
			process_mute(c->processes[i]);
}

static void begin(struct collector *c)
{
	c->begun = true;
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

uint32_t collector_new_id(struct collector *c)
{
	return c->n_free_ids ? c->free_ids[--c->n_free_ids] : c->next_id++;
}

void collector_free_id(struct collector *c, uint32_t id)
{
	GROW(c->free_ids, c->n_free_ids, c->cap_free_ids);
	c->free_ids[c->n_free_ids++] = id;
}

uint32_t collector_function(struct collector *c, struct mt_event *ev)
{
	uint32_t known = stacks_function_count(c->stacks);
	ev->kind = MT_FUNCTION;
	ev->function = stacks_add_function(c->stacks, ev);
	if (ev->function == known)
		collector_put(c, ev, 0);
	return ev->function;
}

uint32_t collector_stack(struct collector *c, uint32_t parent, uint32_t function, uint32_t line)
{
	uint32_t known = stacks_frame_count(c->stacks), frame = stacks_add_frame(c->stacks, function, line);
	if (frame == known) {
		struct mt_event ev = { .kind = MT_FRAME, .frame = frame, .function = function, .line = line };
		collector_put(c, &ev, 0);
	}
	known = stacks_count(c->stacks);
	uint32_t n = stacks_add_stack(c->stacks, parent, frame);
	if (n == known) {
		struct mt_event ev = { .kind = MT_STACK, .stack = n, .parent = parent, .frame = frame };
		collector_put(c, &ev, 0);
	}
	return n;
}

void collector_end(struct collector *c)
{
	if (!c->begun)
		begin(c);
	struct mt_event ev = { .kind = MT_END };
	collector_put(c, &ev, c->now_ms);
}

/* ---------------------------------------------------------------- processes */

static int receive_memfd(int sock)
{
	char byte;
	struct iovec bytes = { &byte, 1 };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr m = { .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	struct timeval patience = { .tv_sec = 1 };
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -1;
	int memfd;
	memcpy(&memfd, CMSG_DATA(c), sizeof memfd);
	return memfd;
}

static void finish(struct collector *c, struct process *p, int status)
{
	while (!c->deaf && !process_is_drained(p))
		process_drain(p, BATCH_SLOTS);
	process_end(p, status);
}

/* A program that executes another keeps its pid: its old ring is dead. */
static void end_executed(struct collector *c, pid_t pid)
{
	for (size_t i = 0; i < c->n_processes; i++) {
		struct process *p = c->processes[i];
		if (p->pid != pid || p->done)
			continue;
		p->executed = true;
		finish(c, p, -1);
	}
}

static void admit(struct collector *c, int sock)
{
	struct ucred who;
	socklen_t size = sizeof who;
	int memfd = receive_memfd(sock);
	if (memfd < 0 || getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		goto out;
	if (who.uid != geteuid() && who.uid != 0 && geteuid() != 0)
		goto out;
	if (!c->follow_fork && who.pid != c->root)
		goto out;
	end_executed(c, who.pid);
	if (!c->begun)
		begin(c);
	struct process *p = process_new(c, who.pid, memfd);
	if (!p)
		goto out;
	GROW(c->processes, c->n_processes, c->cap_processes);
	c->processes[c->n_processes++] = p;
	if (c->deaf)
		process_mute(p);
	if (send(sock, "k", 1, MSG_NOSIGNAL) < 0)
		warn("process %d: it did not wait for an answer", who.pid);
out:
	if (memfd >= 0)
		close(memfd);
}

static void accept_agents(struct collector *c)
{
	int sock;
	while ((sock = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		admit(c, sock);
		close(sock);
	}
}

/* ---------------------------------------------------------------- the loop */

static size_t count_live(const struct collector *c)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n_processes; i++)
		n += !c->processes[i]->done;
	return n;
}

static uint64_t drain_all(struct collector *c)
{
	uint64_t taken = 0;
	for (size_t i = 0; i < c->n_processes; i++) {
		struct process *p = c->processes[i];
		if (p->done)
			continue;
		p->ring->ms = c->now_ms;
		if (c->deaf)
			process_mute(p);
		else
			taken += process_drain(p, BATCH_SLOTS);
	}
	return taken;
}

/* Take leave of processes that are gone and drained. The root's status must be known first. */
static void end_gone(struct collector *c, bool root_ended, int status)
{
	for (size_t i = 0; i < c->n_processes; i++) {
		struct process *p = c->processes[i];
		bool root = p->pid == c->root;
		if (!p->done && (!root || root_ended) && process_is_gone(p))
			finish(c, p, root ? status : -1);
	}
}

static struct process *only_live(struct collector *c)
{
	for (size_t i = 0; i < c->n_processes; i++)
		if (!c->processes[i]->done)
			return c->processes[i];
	return NULL;
}

/*
 * Nothing to do: sleep until the bell (a quarter of the ring was filled), a new
 * agent, a signal (SIGCHLD interrupts), or the next sample is due.
 */
static void nap(struct collector *c, size_t n_live)
{
	struct timespec until_sample = { .tv_nsec = SAMPLE_MS * 1000000L }, turn = { .tv_nsec = 1000000L };
	struct pollfd f = { .fd = c->listener, .events = POLLIN };
	if (n_live == 0) {
		ppoll(&f, 1, &until_sample, NULL);
	} else if (n_live == 1 && !c->follow_fork) {
		struct process *p = only_live(c);
		__atomic_store_n(&p->ring->asleep, 1, __ATOMIC_SEQ_CST);
		if (p->ring->head - p->tail < p->mask / 4)
			syscall(SYS_futex, &p->ring->asleep, FUTEX_WAIT, 1, &until_sample, NULL, 0);
		p->ring->asleep = 0;
	} else {
		ppoll(&f, 1, &turn, NULL);
	}
}

static void sample_all(struct collector *c)
{
	for (size_t i = 0; i < c->n_processes; i++)
		if (!c->processes[i]->done && !c->deaf)
			process_sample(c->processes[i]);
}

void collector_run(struct collector *c, pid_t root, int *status)
{
	bool root_ended = false;
	uint32_t sampled = 0, flushed = 0;
	c->root = root;
	for (;;) {
		c->now_ms = (uint32_t)((now_ns() - c->start_ns) / 1000000);
		uint64_t taken = drain_all(c);
		accept_agents(c);
		if (c->now_ms - sampled >= SAMPLE_MS) {
			sampled = c->now_ms;
			sample_all(c);
		}
		if (c->now_ms - flushed >= FLUSH_MS && c->begun && !c->deaf) {
			flushed = c->now_ms;
			if (mt_flush(c->out) < 0)
				go_deaf(c);
		}
		if (taken >= BATCH_SLOTS / 16)
			continue;
		if (!root_ended && waitpid(root, status, WNOHANG) == root)
			root_ended = true;
		end_gone(c, root_ended, *status);
		size_t n_live = count_live(c);
		if (root_ended && n_live == 0)
			return;
		nap(c, n_live);
	}
}
