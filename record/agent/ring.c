/*
 * ring.c - the agent's side of the ring: connecting, waiting, messages
 *
 * The collector creates the ring (RLIMIT_FSIZE may prevent the target from doing
 * so) and passes it over an abstract socket, together with its control page. All
 * descriptors are closed again, so none stays open in the target, which may close
 * any number it likes. The agent trusts the listener only after it has proved to be
 * the collector: once memrec is dead, anybody may take the socket's name.
 *
 * Fork: the state word is on a page that fork wipes (MADV_WIPEONFORK), so a
 * child of fork, _Fork or raw clone finds RING_NEW and decides at its first event
 * whether to connect; a vfork child shares our memory and correctly uses our ring. The
 * parent's ring stays mapped in a child: a fork in a signal handler may have
 * interrupted a hook that is still using it.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "orders.h"
#include "sampler.h"
#include "system_call.h"

static volatile uint32_t off_word = RING_OFF;
volatile uint32_t *ring_state = &off_word;
struct wire_ring *ring;
struct wire_control *ring_control;
struct wire_slot *ring_slots;
uint64_t ring_mask;
void (*ring_begun)(enum ring_beginning how);
void (*ring_rung)(void);
volatile uint32_t ring_generation;
__thread struct ring_local ring_local STATIC_TLS;
static __thread struct wire_thread no_entry STATIC_TLS;
static pid_t collector_pid, ring_owner;		/* ring_owner: the process that the ring belongs to */

void ring_init(void)
{
	void *page = pages_new(4096);
	if (!page || system_call(SYS_madvise, page, 4096, MADV_WIPEONFORK) < 0)
		return;
	ring_state = page;	/* RING_NEW */
}

/* Called where something new is put, which is when tables grow. The guard keeps this ring mapped. */
static void tell_own_bytes(void)
{
	if (*ring_state == RING_ON && ring_local.generation == ring_generation)
		__atomic_store_n(&ring->own_bytes, pages_in_use(), __ATOMIC_RELAXED);
}

void ring_put(uint8_t kind, uint64_t addr, uint64_t size, uint32_t stack)
{
	ring_put_inline(kind, addr, size, stack);
	tell_own_bytes();
}

pid_t ring_collector(void)
{
	return collector_pid;
}

pid_t ring_process(void)
{
	return ring->pid;
}

/* Copies at most n of the next bytes of the pieces. Returns how many. */
static size_t take_bytes(const struct piece **piece, size_t *n_pieces, size_t *offset, uint8_t *to, size_t n)
{
	size_t done = 0;
	while (done < n && *n_pieces) {
		size_t part = (*piece)->n - *offset;
		if (part > n - done)
			part = n - done;
		memcpy(to + done, (const uint8_t *)(*piece)->p + *offset, part);
		done += part;
		*offset += part;
		if (*offset == (*piece)->n) {
			++*piece;
			--*n_pieces;
			*offset = 0;
		}
	}
	return done;
}

void ring_message(uint8_t kind, uint64_t id, const struct piece *pieces, size_t n_pieces)
{
	size_t size = 0;
	for (size_t i = 0; i < n_pieces; i++)
		size += pieces[i].n;
	if (size > WIRE_MESSAGE_MAX)
		size = WIRE_MESSAGE_MAX;
	size_t n_slots = (size + WIRE_PAYLOAD_BYTES - 1) / WIRE_PAYLOAD_BYTES, offset = 0, left = size;
	struct reservation r;
	if (!ring_enter(&r, 1 + n_slots))
		return;
	for (size_t i = 1; i <= n_slots; i++) {
		struct wire_slot *s = &ring_slots[(r.first + i) & ring_mask];
		size_t n = left < WIRE_PAYLOAD_BYTES ? left : WIRE_PAYLOAD_BYTES;
		n = take_bytes(&pieces, &n_pieces, &offset, (uint8_t *)s + sizeof *s - WIRE_PAYLOAD_BYTES, n);
		left -= n;
		/* Stores only seq, kind and n, as the bytes begin directly after them. */
		s->kind = WIRE_PAYLOAD;
		s->n = (uint8_t)n;
		__atomic_store_n(&s->seq, (uint32_t)((r.first + i) >> WIRE_LOG2_SLOTS) + 1, __ATOMIC_RELEASE);
	}
	/* The head is committed last, so a reader that sees it can read the whole message. */
	struct wire_slot *head = &ring_slots[r.first & ring_mask];
	head->addr = id;
	head->size = size;
	head->stack = 0;
	head->tid = ring_local.tid;
	ring_commit(r.first, kind, 0);
	ring_leave(&r);
	tell_own_bytes();
}

void ring_new_thread(void)
{
	int e = errno;
	uint32_t tid = (uint32_t)system_call(SYS_gettid), i = __atomic_load_n(&ring->n_threads, __ATOMIC_RELAXED);
	struct wire_thread *entry = NULL;
	while (!entry && i < WIRE_MAX_THREADS) {
		uint32_t none = 0;
		if (__atomic_compare_exchange_n(&ring->n_threads, &i, i + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED) &&
		    __atomic_compare_exchange_n(&ring->threads[i].tid, &none, tid, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			entry = &ring->threads[i];
	}
	/* All entries have been used: look for one that the collector freed because its thread ended. */
	for (i = 0; !entry && i < WIRE_MAX_THREADS; i++) {
		uint32_t none = 0;
		if (__atomic_compare_exchange_n(&ring->threads[i].tid, &none, tid, 0, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			entry = &ring->threads[i];
	}
	if (!entry) {
		__atomic_fetch_add(&ring->no_entry, 1, __ATOMIC_RELAXED);
		entry = &no_entry;
	}
	__atomic_store_n(&entry->inside, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->ticket, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->local, (uintptr_t)&ring_local, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->tid, tid, __ATOMIC_RELEASE);
	ring_local.entry = entry;
	ring_local.tid = tid;
	ring_local.tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	ring_local.generation = ring_generation;
	if (sampler_mean)
		sampler_thread(entry == &no_entry ? WIRE_MAX_THREADS : (uint32_t)(entry - ring->threads));
	errno = e;
}

/* Whether the collector takes nothing more, of any process or of this one. */
static bool is_over(void)
{
	return __atomic_load_n(&ring_control->off, __ATOMIC_RELAXED) || __atomic_load_n(&ring->off, __ATOMIC_RELAXED);
}

void ring_bell(void)
{
	int e = errno;
	/*
	 * Wakes all waiters, as others may wait there too. A wake just before the collector sleeps is lost,
	 * and delays it by one sleep of a few milliseconds.
	 */
	system_call(SYS_futex, &ring_control->asleep, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	if (is_over())
		*ring_state = RING_OFF;
	else
		ring_rung();
	errno = e;
}

/*
 * The collector holds the robust mutex `life`; when it dies, the kernel marks the
 * mutex, which can be read without a system call. In addition, about once a
 * second, check whether its pid still exists.
 */
static bool collector_died(unsigned tries)
{
	if (__atomic_load_n((volatile uint32_t *)&ring_control->life.__data.__lock, __ATOMIC_RELAXED) &
	    FUTEX_OWNER_DIED)
		return true;
	return tries % 50 == 49 && system_call(SYS_kill, collector_pid, 0) < 0 && errno == ESRCH;
}

static void wait_for_wake(uint64_t last)
{
	uint32_t wake = __atomic_load_n(&ring->wake, __ATOMIC_ACQUIRE);
	__atomic_fetch_add(&ring->waiters, 1, __ATOMIC_SEQ_CST);
	/* Partner: publish() in the collector, which stores tail and then reads waiters. */
	if (last - __atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST) > ring_mask) {
		struct timespec twenty_ms = { .tv_nsec = 20000000 };
		system_call(SYS_futex, &ring->wake, FUTEX_WAIT, wake, &twenty_ms, NULL, 0);
	}
	__atomic_fetch_sub(&ring->waiters, 1, __ATOMIC_SEQ_CST);
}

bool ring_wait(uint64_t last)
{
	int e = errno;
	bool room = false;
	for (unsigned tries = 0;; tries++) {
		ring_local.tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
		if ((room = last - ring_local.tail <= ring_mask) || *ring_state != RING_ON)
			break;
		if ((int64_t)(ring_local.tail - last) > 0)
			break;	/* the collector took this thread for dead and skipped its slots, which are reused */
		if (is_over() || collector_died(tries)) {
			*ring_state = RING_OFF;
			break;
		}
		if (__atomic_load_n(&ring_control->asleep, __ATOMIC_RELAXED))
			ring_bell();
		if (tries < 20)
			for (int i = 0; i < 50; i++)
				__asm__ volatile("" ::: "memory");
		else
			wait_for_wake(last);
	}
	errno = e;
	return room;
}

/* Returns false unless both were received (the process may have room for only one), and closes any that was. */
static bool take_descriptors(const struct msghdr *m, int memfds[2])
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return false;
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (n == 2) {
		memcpy(memfds, CMSG_DATA(c), 2 * sizeof(int));
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
		close(fd);
	}
	return false;
}

/* Receives the answer to our hello: the collector's half of the key, and descriptors of the ring and control page. */
static bool receive_answer(int sock, int memfds[2])
{
	struct wire_answer_key answer;
	struct iovec bytes = { &answer, sizeof answer };
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr m = {
		.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	ssize_t n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	if (n < 0 || !take_descriptors(&m, memfds))
		return false;
	if (n == sizeof answer && memcmp(answer.key, orders.key.collector, sizeof answer.key) == 0)
		return true;
	close(memfds[0]);
	close(memfds[1]);
	return false;
}

static uint64_t network;	/* the namespace in which the collector's socket has its name; 0: not known */

static uint64_t network_here(void)
{
	struct stat st;
	return system_call(SYS_newfstatat, AT_FDCWD, "/proc/thread-self/ns/net", &st, 0) < 0 ? 0 : st.st_ino;
}

/* Not pages_free(), which subtracts from the agent's own memory: these pages are not counted there. */
static void unmap(void *p, size_t size)
{
	int e = errno;
	if (p)
		system_call(SYS_munmap, p, size);
	errno = e;
}

/* Maps only memory that cannot be truncated: accessing truncated memory would kill the program. */
static void *map_shared(int memfd, size_t size, int protection)
{
	struct stat st;		/* by system calls: fstat() came with glibc 2.33 */
	int seals = fcntl(memfd, F_GET_SEALS);
	void *p = MAP_FAILED;
	if (seals >= 0 && seals & F_SEAL_SHRINK && system_call(SYS_fstat, memfd, &st) == 0 &&
	    (size_t)st.st_size >= size)
		p = (void *)system_call(SYS_mmap, NULL, size, protection, MAP_SHARED, memfd, 0);
	close(memfd);
	return p == MAP_FAILED ? NULL : p;
}

/*
 * Returns whether the listener runs as the collector's user. In another user namespace that user has another
 * number or none, so there only the key decides.
 */
static bool is_collectors_user(uid_t user)
{
	struct stat st;
	if (user == orders.user)
		return true;
	return system_call(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/user", &st, 0) < 0 || st.st_ino != orders.namespace;
}

static int connect_collector(void)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(orders.socket);
	memcpy(a.sun_path + 1, orders.socket, n);
	struct ucred who;
	socklen_t size = sizeof who;
	if (sock < 0)
		return -1;
	if (connect(sock, (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0 ||
	    getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0 || !is_collectors_user(who.uid)) {
		close(sock);
		return -1;
	}
	collector_pid = who.pid;
	return sock;
}

/*
 * Gets a ring for this process from the collector; NULL: failed. The caller blocks signals, as
 * each call could be interrupted. If the collector dies, the socket closes; if it is slow
 * or stopped, this waits, as with a full ring.
 */
static struct wire_ring *make_ring(void)
{
	struct wire_hello hello = { WIRE_MAGIC, WIRE_LOG2_SLOTS, getpid(), getppid(), { 0 } };
	memcpy(hello.key, orders.key.agent, sizeof hello.key);
	int sock = connect_collector(), memfds[2];
	bool admitted =
	    sock >= 0 && send(sock, &hello, sizeof hello, MSG_NOSIGNAL) == sizeof hello && receive_answer(sock, memfds);
	if (sock >= 0)
		close(sock);
	if (!admitted)
		return NULL;
	struct wire_ring *r = map_shared(memfds[0], WIRE_SHARED_BYTES, PROT_READ | PROT_WRITE);
	struct wire_control *control_page = map_shared(memfds[1], WIRE_CONTROL_BYTES, PROT_READ);
	if (r && control_page) {
		r->joined = 1;
		ring_control = control_page;
		network = network_here();
		return r;
	}
	unmap(r, WIRE_SHARED_BYTES);
	unmap(control_page, WIRE_CONTROL_BYTES);
	return NULL;
}

void ring_note_child(bool other)
{
	/* In a forked child a copy; a vfork child, which has but a moment, shares it. */
	static pid_t last;
	pid_t pid = getpid();
	if (!ring || (!other && (pid == ring_owner || pid == last)))
		return;
	if (!other)
		last = pid;
	__atomic_fetch_add(&ring->children, 1, __ATOMIC_RELAXED);
}

void ring_note_program(bool other)
{
	static pid_t last;
	pid_t pid = getpid();
	uint64_t here = ring && network ? network_here() : 0;
	if (!here || here == network || (!other && pid == last))
		return;
	if (!other)
		last = pid;
	__atomic_fetch_add(&ring->elsewhere, 1, __ATOMIC_RELAXED);
}

void ring_note_unfit(void)
{
	if (ring)
		__atomic_fetch_add(&ring->unfit, 1, __ATOMIC_RELAXED);
}

bool ring_connect(void)
{
	uint32_t seen = RING_NEW;
	if (!__atomic_compare_exchange_n(ring_state, &seen, RING_BUSY, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return seen == RING_ON;
	int e = errno;
	uint8_t guard = ring_local.guard;
	ring_local.guard = GUARD_DROP;
	bool forked = ring != NULL && ring_owner != getpid(), again = ring != NULL && !forked;
	struct wire_ring *r = NULL;
	if (getpid() == orders.pid || orders.flags & WIRE_FLAG_FOLLOW_FORK) {
		uint64_t all = ~0ull, mask;	/* the kernel's signal set */
		system_call(SYS_rt_sigprocmask, SIG_BLOCK, &all, &mask, sizeof mask);
		r = make_ring();
		system_call(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
	} else {
		ring_note_child(false);
	}
	if (r) {
		ring = r;
		ring_slots = (void *)((char *)r + WIRE_RING_BYTES);
		ring_mask = (1u << WIRE_LOG2_SLOTS) - 1;
		ring_owner = getpid();
		sampler_begin(r->sample_bytes, r->seed, wire_counts(r));
		ring_generation++;
		ring_begun(forked ? RING_FORKED : again ? RING_AGAIN : RING_FIRST);
	}
	__atomic_store_n(ring_state, r ? RING_ON : RING_OFF, __ATOMIC_RELEASE);
	if (r)
		sampler_open();	/* now, as a thread that exceeds the limit before recording is on may rest */
	ring_local.guard = guard;
	errno = e;
	return r != NULL;
}

/* ---------------------------------------------------------------- sessions */

/* Afterwards either this thread sees another's earlier stores, or the other sees this one's. */
static void barrier_for_all(void)
{
	struct timespec a_while = { .tv_nsec = 20000000 };
	if (system_call(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
	    system_call(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0)
		return;
	if (system_call(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		system_call(SYS_nanosleep, &a_while, NULL);
}

/* Reads a thread's guard. If the thread has ended, its memory may be unmapped. */
static uint8_t guard_of(const struct wire_thread *t)
{
	struct ring_local local;
	struct iovec to = { &local, sizeof local }, from = { (void *)(uintptr_t)t->local, sizeof local };
	if (system_call(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0) != (long)sizeof local)
		return GUARD_NONE;
	return local.guard;
}

static bool is_quiet(void)
{
	pid_t pid = getpid();
	for (uint32_t i = 0; i < ring->n_threads && i < WIRE_MAX_THREADS; i++) {
		const struct wire_thread *t = &ring->threads[i];
		if (t->tid == 0 || (!(t->inside & 1) && guard_of(t) != GUARD_CAPTURE))
			continue;
		if (system_call(SYS_tgkill, pid, t->tid, 0) == 0)
			return false;
	}
	return true;
}

/* Returns whether no thread is inside the last session. Waits 20 ms for threads without an entry. */
static bool wait_quiet(void)
{
	struct timespec a_while = { .tv_nsec = 1000000 };
	if (!ring || ring_owner != getpid())
		return true;
	barrier_for_all();
	for (int i = ring->no_entry ? -20 : 0; i < 2000; i++) {
		if (i >= 0 && is_quiet())
			return true;
		system_call(SYS_nanosleep, &a_while, NULL);
	}
	return false;
}

bool ring_stop(void)
{
	uint32_t on = RING_ON;
	__atomic_compare_exchange_n(ring_state, &on, RING_OFF, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return wait_quiet();
}

/*
 * Releases the memory, but the addresses only at the next call: a thread may
 * be about to check there whether recording continues.
 */
static void give_back(void *p, size_t size, void **last)
{
	unmap(*last, size);
	*last = (void *)system_call(SYS_mmap, p, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

void ring_retire(void)
{
	static void *last_ring, *last_control;
	static uint32_t retired;
	if (!ring || retired == ring_generation)
		return;
	retired = ring_generation;
	give_back(ring, WIRE_SHARED_BYTES, &last_ring);
	give_back(ring_control, WIRE_CONTROL_BYTES, &last_control);
}

bool ring_start(void)
{
	if (!wait_quiet())
		return false;
	ring_retire();
	if (*ring_state == RING_ON)
		return false;
	if (ring_state == &off_word)
		ring_init();
	else
		*ring_state = RING_NEW;
	return ring_state != &off_word && ring_connect();
}
