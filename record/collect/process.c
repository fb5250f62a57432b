/*
 * process.c - one recorded process: its ring, samples, begin and end
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "clock.h"
#include "procfs.h"
#include "records.h"
#include "traced.h"
#include "shared.h"
#include "xmalloc.h"
#include "system_call.h"

/* reserved slots beyond the ring: more than all possible threads with the longest messages could reserve */
#define MOST_WAITING (1ull << 40)
#define FOOTPRINT_MS 1000		/* between samples of how its memory is divided, … */
#define FOOTPRINT_WRITTEN_MS 10000	/* … which are written if they changed, and in any case after this time */
#define FOOTPRINT_STEP (1ull << 20)	/* a change of the size by this much and an eighth is sampled at once */
#define HOLE_NS 20000000ull		/* how long a hole must last before it is examined */
#define PREFETCH_SLOTS 32		/* how many slots ahead a slot is prefetched, and … */
#define PREFETCH_ADDRESSES 12		/* … the table's line of an address; both chosen by measurement */

/* ---------------------------------------------------------------- the ring */

static inline bool committed(const struct process *p, uint64_t ticket)
{
	const struct wire_slot *s = &p->slots[ticket & p->mask];
	return __atomic_load_n(&s->seq, __ATOMIC_ACQUIRE) == (uint32_t)(ticket >> p->log2_slots) + 1;
}

static inline uint64_t head_of(const struct process *p)
{
	return __atomic_load_n(&p->ring->head, __ATOMIC_ACQUIRE);
}

/* Returns how many of the ring's thread entries have ever been used, as far as the ring can be believed. */
static uint32_t n_entries(const struct process *p)
{
	uint32_t n = __atomic_load_n(&p->ring->n_threads, __ATOMIC_ACQUIRE);
	return n < WIRE_MAX_THREADS ? n : WIRE_MAX_THREADS;
}

static uint64_t inside_of(const struct wire_thread *t)
{
	return __atomic_load_n(&t->inside, __ATOMIC_ACQUIRE);
}

static void wake_producers(struct process *p)
{
	__atomic_fetch_add(&p->ring->wake, 1, __ATOMIC_SEQ_CST);
	system_call(SYS_futex, &p->ring->wake, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Releases slots. Partner: wait_for_wake() in the agent, which counts itself and then reads tail. */
static inline void publish(struct process *p, uint64_t tail)
{
	__atomic_store_n(&p->ring->tail, tail, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&p->ring->waiters, __ATOMIC_SEQ_CST) && head_of(p) - tail < p->mask / 4 * 3)
		wake_producers(p);
}

bool process_is_gone(const struct process *p)
{
	struct pollfd f = { .fd = p->pidfd, .events = POLLIN };
	return p->executed || (p->pidfd >= 0 ? poll(&f, 1, 0) > 0 : kill(p->pid, 0) < 0);
}

/* Returns whether it is in another pid namespace, so that its threads have other numbers here. */
static bool is_foreign(const struct process *p)
{
	return p->own_pid != p->pid;
}

static bool thread_exists(const struct process *p, uint32_t tid)
{
	char path[64];
	if (is_foreign(p))	/* its numbers mean nothing here, so no thread can be called gone */
		return true;
	snprintf(path, sizeof path, "/proc/%d/task/%u", p->pid, tid);
	return access(path, F_OK) == 0;
}

static void hole_look(struct process *p)
{
	p->hole_ns = now_ns();
	for (uint32_t i = 0; i < n_entries(p); i++)
		p->inside[i] = inside_of(&p->ring->threads[i]);
}

/*
 * Returns whether the slot at `tail` will never be committed: the process is gone, or
 * no thread can be its owner. An owner was inside at the first check, has
 * not moved since, has reserved no later slot, and still exists. (The last ticket
 * matters because a thread that waits for space is inside too: without it,
 * a full ring with one hole would wait for ever.)
 */
static bool hole_abandoned(struct process *p)
{
	if (p->released || process_is_gone(p))
		return true;
	if (__atomic_load_n(&p->ring->no_entry, __ATOMIC_RELAXED) || is_foreign(p))
		return false;
	for (uint32_t i = 0; i < n_entries(p); i++) {
		const struct wire_thread *t = &p->ring->threads[i];
		if ((p->inside[i] & 1) && inside_of(t) == p->inside[i] &&
		    __atomic_load_n(&t->ticket, __ATOMIC_ACQUIRE) <= p->tail && thread_exists(p, t->tid))
			return false;
	}
	return true;
}

/* The slot at `tail` is reserved but not committed. Returns true if it was skipped, or is committed by now. */
static bool pass_hole(struct process *p)
{
	bool gone = p->released || process_is_gone(p);
	if (!p->hole_ns)
		hole_look(p);
	if (!gone && now_ns() - p->hole_ns < HOLE_NS)
		return false;
	bool abandoned = hole_abandoned(p);
	if (committed(p, p->tail))
		return true;
	if (!abandoned) {
		hole_look(p);
		return false;
	}
	p->abandoned++;
	if (!gone)
		p->hole_ns = 0;		/* the next hole gets its own time */
	publish(p, ++p->tail);
	return true;
}

/* Copies a slot before it is checked, as the target may write to it at any time. */
static inline void copy_slot(struct wire_slot *to, const struct wire_slot *slot)
{
	*to = *slot;
	__asm__ volatile("" : "+m"(*to));	/* so that the compiler does not read the slot again */
}

/* Tells the agent to stop. If it does not, its ring stays full. */
static void turn_off(struct process *p)
{
	__atomic_store_n(&p->ring->off, 1, __ATOMIC_SEQ_CST);
	wake_producers(p);
}

/* Reads an address that may not be complete yet: nothing depends on it. */
static inline __attribute__((no_sanitize("thread"))) void prefetch(const struct process *p, uint64_t ticket)
{
	__builtin_prefetch(&p->slots[(ticket + PREFETCH_SLOTS) & p->mask]);
	addresses_prefetch(&p->live, p->slots[(ticket + PREFETCH_ADDRESSES) & p->mask].addr);
	__asm__ volatile("");	/* without it, the compiler sees no effect and drops the calls */
}

uint64_t process_drain(struct process *p, uint64_t max)
{
	uint64_t t = p->tail, first = t, published = t;
	if (p->refused && !p->ring->off)
		turn_off(p);
	if (p->out->sources)
		source_files_of(p->out->sources, &p->files, p->out->now_ms);
	while (t - first < max && !p->refused && committed(p, t)) {
		struct wire_slot s;
		copy_slot(&s, &p->slots[t & p->mask]);
		prefetch(p, t);
		t += record_take(p, &s, t);
		if (t - published >= 2048)
			publish(p, published = t);
	}
	if (t != first) {
		p->tail = t;
		publish(p, t);
		p->hole_ns = 0;
	} else if (!process_is_drained(p)) {
		if (head_of(p) - t > MOST_WAITING)
			process_refuse(p, "more slots are reserved than is possible");
		else if (pass_hole(p))
			return 1;
	}
	return t - first;
}

/* Takes at most one ring's length, whatever `head` says: no more can have been written. */
void process_drain_rest(struct process *p)
{
	uint64_t head = head_of(p), most = p->mask + 1;
	uint64_t end = head - p->tail > most ? p->tail + most : head;
	while (!p->refused && (int64_t)(end - p->tail) > 0)
		process_drain(p, end - p->tail);
}

void process_mark_present(struct process *p)
{
	p->present = p->tail;
	while (p->present - p->tail <= p->mask && committed(p, p->present))
		p->present++;
}

void process_drain_present(struct process *p)
{
	while (!p->refused && (int64_t)(p->present - p->tail) > 0 && process_drain(p, p->present - p->tail) > 0)
		;
}

bool process_is_drained(const struct process *p)
{
	return p->refused || p->tail == head_of(p);
}

void process_mute(struct process *p)
{
	p->tail = head_of(p);
	__atomic_store_n(&p->ring->tail, p->tail, __ATOMIC_SEQ_CST);
	wake_producers(p);
}

/* ---------------------------------------------------------------- sampling */

/* Returns the agent's memory in the process, and the part of the ring that it has written to or mapped. */
static uint64_t own_bytes(const struct process *p)
{
	uint64_t slots = head_of(p) < p->mask + 1 ? head_of(p) : p->mask + 1;
	return __atomic_load_n(&p->ring->own_bytes, __ATOMIC_RELAXED) + slots * sizeof(struct wire_slot) +
	       (p->samples.mean ? WIRE_COUNTS : 0);
}

static void sample_rss(struct process *p)
{
	char text[128];
	ssize_t n = p->statm < 0 ? -1 : pread(p->statm, text, sizeof text - 1, 0);
	if (n <= 0)
		return;
	text[n] = '\0';
	unsigned long long pages = 0;
	if (sscanf(text, "%*u %llu", &pages) != 1 || pages == 0)
		return;
	uint64_t rss = pages * (uint64_t)sysconf(_SC_PAGESIZE), own = own_bytes(p);
	own = own < rss ? own : rss;
	rss -= own;
	if (own > p->most_own)
		p->most_own = own;
	/* The size is a step function, so a sample with no change adds nothing. */
	if (rss == p->rss && p->out->now_ms - p->rss_ms < 1000)
		return;
	p->rss = rss;
	p->rss_ms = p->out->now_ms;
	struct mt_event ev = { .kind = MT_RSS, .pid = (uint32_t)p->pid, .size = rss };
	output_put(p->out, &ev, p->out->now_ms);
}

static void sample_threads(struct process *p)
{
	p->names_ms = p->out->now_ms;
	for (uint32_t i = 0; i < p->n_threads; i++) {
		struct traced_thread *t = p->threads[i];
		if (t->active || t == p->thread) {
			t->active = false;
			thread_name(p, t);
		}
	}
	/* If entries run short, free those of threads that have ended. */
	if (n_entries(p) < WIRE_MAX_THREADS / 4 * 3 || is_foreign(p))
		return;
	for (uint32_t i = 0; i < WIRE_MAX_THREADS; i++) {
		struct wire_thread *t = &p->ring->threads[i];
		uint32_t tid = t->tid;
		if (tid && !(inside_of(t) & 1) && !thread_exists(p, tid))
			__atomic_compare_exchange_n(&t->tid, &tid, 0, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	}
}

static uint64_t less(uint64_t size, uint64_t part)
{
	return size > part ? size - part : 0;
}

/*
 * Takes away the agent's memory, and the ring, which we map, too. What a forked process inherited of the agent it
 * shares with its parent; the agent writes to little of it again.
 */
static void leave_out_own(struct process *p, struct footprint *f)
{
	uint64_t agent = __atomic_load_n(&p->ring->own_bytes, __ATOMIC_RELAXED);
	uint64_t ring = own_bytes(p) - agent;
	if (p->forked && !p->inherited)
		p->inherited = agent;
	uint64_t own = less(agent, p->inherited);
	f->private = less(f->private, own);
	f->shared = less(f->shared, ring + p->inherited);
	f->proportional = less(f->proportional, own + ring / 2 + p->inherited / 2);
}

static void put_footprint(struct process *p, const struct footprint *f)
{
	struct info info;
	info_init(&info);
	info_int(&info, "private", (int64_t)f->private);
	info_int(&info, "shared", (int64_t)f->shared);
	info_int(&info, "proportional", (int64_t)f->proportional);
	info_int(&info, "swap", (int64_t)f->swap);
	struct mt_event ev = { .kind = MT_MEMORY, .pid = (uint32_t)p->pid, .info = info_done(&info) };
	output_put(p->out, &ev, p->out->now_ms);
	info_clear(&info);
}

void process_put_footprint(struct process *p, const struct footprint *read)
{
	struct footprint f = *read;
	uint32_t now_ms = p->out->now_ms;
	if (f.private + f.shared == 0)		/* it has ended */
		return;
	leave_out_own(p, &f);
	if (p->has_footprint && now_ms - p->footprint_ms < FOOTPRINT_WRITTEN_MS &&
	    memcmp(&f, &p->footprint, sizeof f) == 0)
		return;
	p->footprint = f;
	p->has_footprint = true;
	p->footprint_ms = now_ms;
	put_footprint(p, &f);
}

bool process_ask_footprint(struct process *p)
{
	uint64_t change = p->rss > p->footprint_rss ? p->rss - p->footprint_rss : p->footprint_rss - p->rss;
	bool stepped = change > FOOTPRINT_STEP + p->footprint_rss / 8;
	if (p->looked && !stepped && p->out->now_ms - p->looked_ms < FOOTPRINT_MS)
		return false;
	if (!footprint_ask(p->pid))
		return false;
	p->looked = true;
	p->looked_ms = p->out->now_ms;
	p->footprint_rss = p->rss;
	return true;
}

void process_sample(struct process *p)
{
	sample_rss(p);
	if (p->out->now_ms - p->names_ms >= 1000)
		sample_threads(p);
}

/* ---------------------------------------------------------------- begin and end */

static void put_start(struct process *p, const struct beginning *how)
{
	char path[64], link[4096], command[8192];
	struct info info;
	info_init(&info);
	info_int(&info, "ppid", how->ppid);
	if (how->running)
		info_int(&info, "attached", 1);
	snprintf(path, sizeof path, "/proc/%d/cmdline", p->pid);
	ssize_t n = procfs_read(path, command, sizeof command);
	if (n > 0)
		info_argv(&info, "command", command, (size_t)n);
	snprintf(path, sizeof path, "/proc/%d/exe", p->pid);
	if ((n = readlink(path, link, sizeof link)) > 0) {
		info_text(&info, "executable", link, (size_t)n);
		p->exe = xasprintf("%.*s", (int)n, link);
	}
	output_process(p->out, p->pid, &info);
}

static struct wire_ring *make_ring(const struct wire_hello *hello, const struct sampling *sampling, int *memfd)
{
	struct wire_ring *r = shared_new("memrec", WIRE_SHARED_BYTES, SHARED_BOTH, memfd);
	if (!r)
		return NULL;
	r->magic = hello->magic;
	r->log2_slots = hello->log2_slots;
	r->pid = hello->pid;
	r->ppid = hello->ppid;
	r->sample_bytes = sampling->mean;
	r->seed = sampling->seed;
	return r;
}

struct process *process_new(struct output *out, struct symbols *symbols, pid_t pid, const struct wire_hello *hello,
			    const struct sampling *sampling, int *memfd)
{
	struct wire_ring *r = make_ring(hello, sampling, memfd);
	if (!r) {
		warn("process %d: not recorded: cannot create shared memory for it: %s", pid, shared_why());
		return NULL;
	}
	struct process *p = xcalloc(1, sizeof *p);
	p->out = out;
	p->symbols = symbols;
	p->pid = pid;
	p->pidfd = (int)system_call(SYS_pidfd_open, pid, 0);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/statm", pid);
	p->statm = open(path, O_RDONLY | O_CLOEXEC);
	p->own_pid = hello->pid;
	p->ppid = hello->ppid;
	struct stat st;
	p->ring_inode = fstat(*memfd, &st) == 0 ? st.st_ino : 0;
	p->ring = r;
	p->slots = (void *)((char *)r + WIRE_RING_BYTES);
	p->log2_slots = r->log2_slots;
	p->mask = (1u << r->log2_slots) - 1;
	p->inside = xcalloc(WIRE_MAX_THREADS, sizeof *p->inside);
	samples_init(&p->samples, sampling, wire_counts(r));
	records_init(p);
	return p;
}

void process_begin(struct process *p, const struct beginning *how)
{
	p->forked = how->forked;
	put_start(p, how);
	if (p->out->sources)
		source_view_begin(&p->files, p->pid);
	if (p->symbols)
		p->hybrid = hybrid_new(p->out, p->symbols, p->pid, p->exe ? p->exe : "");
}

static void let_go_of_ring(struct process *p)
{
	p->out->n_children += p->ring->children;
	p->out->n_elsewhere += p->ring->elsewhere;
	p->out->n_unfit += p->ring->unfit;
	munmap(p->ring, WIRE_SHARED_BYTES);
	p->ring = NULL;
	if (p->pidfd >= 0)
		close(p->pidfd);
	if (p->statm >= 0)
		close(p->statm);
}

static void put_exit(struct process *p, int status)
{
	struct info info;
	info_init(&info);
	if (p->executed)
		info_text(&info, "reason", "exec", 4);
	else if (p->released)
		info_text(&info, "reason", "detached", 8);
	else if (status < 0)
		info_text(&info, "reason", "ended", 5);
	else if (WIFSIGNALED(status))
		info_int(&info, "signal", WTERMSIG(status));
	else
		info_int(&info, "code", WEXITSTATUS(status));
	if (p->unknown_frees)
		info_int(&info, "unknown_frees", (int64_t)p->unknown_frees);
	if (p->most_own)
		info_int(&info, "recorder_bytes", (int64_t)p->most_own);
	struct mt_event ev = { .kind = MT_EXIT, .pid = (uint32_t)p->pid, .info = info_done(&info) };
	output_put(p->out, &ev, p->out->now_ms);
	info_clear(&info);
}

void process_end(struct process *p, int status)
{
	process_live(p, 0, p->live_bytes);
	if (!p->out->failed) {
		if (p->abandoned && !p->released && !WIFSIGNALED(status))
			warn("process %d: threads that ended left %llu events unfinished",
			     p->pid, (unsigned long long)p->abandoned);
		put_exit(p, status);
	}
	let_go_of_ring(p);
}

void process_free(struct process *p)
{
	records_clear(p);
	if (p->out->sources)
		source_files_of(p->out->sources, NULL, 0);
	source_view_clear(&p->files);
	free(p->exe);
	free(p->python);
	free(p->inside);
	free(p);
}
