/*
 * inject.c - loads the agent into a running process
 *
 * One thread is stopped, preferably an idle one, checked to be in a safe place, and
 * made to call pthread_create. The new thread does everything else while the
 * process continues. The agent is loaded from a memfd created in the process, so it needs no
 * file that is visible there.
 */
#include "inject.h"

#include "error.h"

#if defined(__x86_64__)

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "image.h"
#include "refuse.h"
#include "safety.h"
#include "stub.h"
#include "system_call.h"
#include "target.h"
#include "thread.h"
#include "xmalloc.h"

#define AGENT_SONAME "libmemrec.so"
#define ENTRY "memrec_agent_serve"
#define TURN_NS 20000000000ull		/* for another memrec that is attaching to the same process */
#define FIND_NS 10000000000ull		/* to find a thread that may be used */
#define SERVE_NS 15000000000ull		/* for the new thread to answer */
#define EXEC_NS 10000000000ull		/* for an exec to end, on a busy machine */
#define BREAKPOINT_US 20000		/* for a thread to leave an unsafe place */
#define MAX_CANDIDATES 256
#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_us(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };
	nanosleep(&t, NULL);
}

/* Where inject() begins again, and the program that it began with. */
static jmp_buf again;
static struct image image;

/* Reads its program's image, which is not there in the middle of exec: then waits for it. */
static void await_image(struct image *now, pid_t pid)
{
	uint64_t deadline = now_ns() + EXEC_NS;
	char state[32];
	for (;;) {
		image_read(now, pid);
		if (now->words[0] || now->hidden || now_ns() > deadline ||
		    !status_line(pid, "State", state, sizeof state) || state[0] == 'Z' || state[0] == 'X')
			break;
		sleep_us(1000);
	}
}

/* Before the process is given up: if it has executed another program meanwhile, attaches to that. */
static void begin_again_if_executed(pid_t pid)
{
	struct image now;
	await_image(&now, pid);
	image.looked_ms = 0;
	if (image_changed(&image, pid, UINT32_MAX))
		longjmp(again, 1);
}

/* Its memory could not be accessed (errno). */
static _Noreturn void lost(const struct target *t)
{
	int error = errno;
	begin_again_if_executed(t->pid);
	if (error == EPERM || error == EACCES || error == ENOSYS)
		refuse_memory(t->pid, error);
	die("process %d ended while memrec was attaching", (int)t->pid);
}

/* ---------------------------------------------------------------- choosing a thread */

struct candidate {
	pid_t tid;
	int rank;		/* lower is better */
};

static int by_rank(const void *a, const void *b)
{
	return ((const struct candidate *)a)->rank - ((const struct candidate *)b)->rank;
}

/* Ranks a thread: idle in a system call, waiting for a lock, in another call, running; the main thread first. */
static int rank_of(pid_t pid, pid_t tid)
{
	char path[96], text[64] = "";
	snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC), rank = 3;
	if (fd >= 0 && read(fd, text, sizeof text - 1) > 0 && strncmp(text, "running", 7) != 0) {
		long number = atol(text);
		rank = is_idle_call(number) ? 0 : number == SYS_futex ? 1 : 2;
	}
	if (fd >= 0)
		close(fd);
	return rank * 2 + (tid != pid);
}

static int find_candidates(pid_t pid, struct candidate *c)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *d = opendir(path);
	int n = 0;
	for (const struct dirent *e; d && n < MAX_CANDIDATES && (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.') {
			pid_t tid = atoi(e->d_name);
			c[n++] = (struct candidate){ tid, rank_of(pid, tid) };
		}
	if (d)
		closedir(d);
	qsort(c, (size_t)n, sizeof *c, by_rank);
	return n;
}

/* Stops this thread. Returns whether it is in a safe place; if not, releases it. */
static bool try_thread(struct borrowed *b, const struct target *t, struct safety *s, pid_t tid, struct verdict *v)
{
	int error = thread_stop(b, t->pid, tid);
	if ((error == EPERM || error == EACCES) && !is_being_attached(tid))
		refuse_access(t->pid, error);
	if (error) {
		snprintf(v->why, sizeof v->why, "%s", error == ETIMEDOUT ? "it does not stop" : strerror(error));
		return false;
	}
	safety_judge(s, &b->regs, v);
	if (!v->safe && v->way_out) {
		if (!thread_run_to(b, v->way_out, BREAKPOINT_US))
			return false;
		safety_judge(s, &b->regs, v);
	}
	if (!v->safe)
		thread_release(b);
	return v->safe;
}

static void find_thread(struct borrowed *b, struct target *t, struct safety **s)
{
	struct candidate c[MAX_CANDIDATES];
	struct verdict v = { 0 };
	uint64_t deadline = now_ns() + FIND_NS;
	for (unsigned round = 1;; round++) {
		int n = find_candidates(t->pid, c);
		if (n == 0)
			die("process %d has ended", (int)t->pid);
		for (int i = 0; i < n; i++)
			if (try_thread(b, t, *s, c[i].tid, &v))
				return;
		if (now_ns() > deadline)
			die("process %d: no thread reached a place where it is safe to interrupt (the last one: %s): "
			    "try again",
			    (int)t->pid, v.why);
		sleep_us(50 + (long)(now_ns() % 997) * (round < 10 ? 1 : 3));
		if (round % 8 == 0 && target_load(t)) {
			safety_free(*s);
			*s = safety_new(t);
		}
	}
}

/* ---------------------------------------------------------------- the new thread */

/*
 * Finds unused space after an object's code, in its last page, which nothing executes.
 * The stub remains there: a thread that a killed memrec left behind may be running it.
 */
static uint64_t find_space(const struct target *t)
{
	size_t n = (size_t)(stub_end - stub_start);
	uint8_t bytes[1024], none[1024] = { 0 };
	uint64_t best = 0;
	for (size_t i = 0; i < t->n_modules; i++) {
		const struct target_module *m = &t->modules[i];
		uint64_t at = (m->text_end + 63) & ~63ull, end = (m->text_end + 4095) & ~4095ull;
		if (!m->text_end || n > sizeof bytes || end < at + n || strncmp(m->path, "[v", 2) == 0 ||
		    !target_read(t, at, bytes, n))
			continue;
		if (memcmp(bytes, none, n) != 0 && memcmp(bytes, stub_start, n) != 0)
			continue;
		for (size_t k = 0; k < t->n_mappings; k++)
			if (t->mappings[k].executable && t->mappings[k].start <= at && at + n <= t->mappings[k].end)
				best = at;
		if (best == at && m == t->libc)
			break;
	}
	return best;
}

/* Makes a thread of the process create a new one. Returns the scratch block's address, which the new thread polls. */
static uint64_t make_thread(struct target *t)
{
	static struct borrowed b;
	struct safety *s = safety_new(t);
	uint64_t create = 0, space = find_space(t);
	for (size_t i = 0; i < t->n_modules && !create; i++)
		if (&t->modules[i] == t->libc || strncmp(t->modules[i].soname, "libpthread", 10) == 0)
			create = module_symbol(t, &t->modules[i], "pthread_create", NULL);
	if (!create || !space) {
		begin_again_if_executed(t->pid);
		die("process %d: %s", (int)t->pid,
		    create ? "no room for 300 bytes of code after its own" : "it has no pthread_create");
	}
	find_thread(&b, t, &s);
	struct user_regs_struct r = b.regs;
	r.rip = space + (uint64_t)(stub_begin - stub_start);
	r.r12 = create;
	r.r13 = space + (uint64_t)(stub_serve - stub_start);
	bool written = target_write_any(t, space, stub_start, (size_t)(stub_end - stub_start));
	int sig = written ? thread_call(&b, &r) : 0;
	if (sig >= 0)
		thread_release(&b);
	safety_free(s);
	if (!written || sig < 0)
		begin_again_if_executed(t->pid);
	if (!written)
		die("process %d: cannot write its memory: %s", (int)t->pid, strerror(errno));
	if (sig < 0)
		die("process %d ended while memrec was attaching", (int)t->pid);
	if (sig > 0)
		die("process %d: received signal %d while memrec was attaching", (int)t->pid, sig);
	if ((long)r.rbx < 0 && (long)r.rbx > -4096)
		die("process %d: it cannot map memory: %s", (int)t->pid, strerror(-(int)(long)r.rbx));
	if ((int)r.rax)
		die("process %d: it cannot create a thread: %s", (int)t->pid, strerror((int)r.rax));
	return r.rbx;
}

#define AT(scratch, member) ((scratch) + offsetof(struct stub_scratch, member))

/* Has the new thread make a system call. Returns its result, or -errno. */
static long remote_call(const struct target *t, uint64_t scratch, long number, uint64_t a, uint64_t b)
{
	static uint64_t sequence;
	struct stub_scratch s = { .number = number, .arguments = { a, b } };
	uint64_t deadline = now_ns() + SERVE_NS;
	sequence++;
	if (!target_write(t, AT(scratch, number), &s.number, sizeof s.number) ||
	    !target_write(t, AT(scratch, arguments), s.arguments, sizeof s.arguments) ||
	    !target_write(t, AT(scratch, wanted), &sequence, sizeof sequence))
		lost(t);
	while (number != STUB_LOAD) {
		if (!target_read(t, scratch, &s, offsetof(struct stub_scratch, dlopen)))
			lost(t);
		if (s.done == sequence)
			return (long)s.result;
		if (now_ns() > deadline)
			die("process %d: the new thread does not respond", (int)t->pid);
		thread_release_stopping();
		sleep_us(30);
	}
	return 0;
}

/* Finds an agent that is loaded already. The first page contains the build id. */
static uint64_t find_agent(const struct target *t, const struct injection *how, unsigned *n_agents)
{
	char page[4096];
	uint64_t entry = 0;
	*n_agents = 0;
	for (size_t i = 0; i < t->n_modules; i++) {
		const struct target_module *m = &t->modules[i];
		if (strcmp(m->soname, AGENT_SONAME) != 0)
			continue;
		++*n_agents;
		if (target_read(t, m->start, page, sizeof page) && memcmp(page, how->bytes, sizeof page) == 0)
			entry = module_symbol(t, m, ENTRY, NULL);
	}
	return entry;
}

/* Creates a memory file in the process that contains the agent. Returns its descriptor there. */
static int make_memfd(const struct target *t, uint64_t scratch, const struct injection *how)
{
	static const char name[] = "memrec-agent";
	target_write(t, AT(scratch, path), name, sizeof name);
	long fd = remote_call(t, scratch, SYS_memfd_create, AT(scratch, path), MFD_CLOEXEC | MFD_EXEC);
	if (fd == -EINVAL)
		fd = remote_call(t, scratch, SYS_memfd_create, AT(scratch, path), MFD_CLOEXEC);
	if (fd < 0)
		die("process %d: it cannot create a memory file: %s%s", (int)t->pid, strerror(-(int)fd),
		    fd == -EPERM || fd == -EACCES ? " (a seccomp filter, or sysctl vm.memfd_noexec)" : "");
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fd/%ld", (int)t->pid, fd);
	int ours = open(path, O_WRONLY | O_CLOEXEC);
	if (ours < 0 || write(ours, how->bytes, how->size) != (ssize_t)how->size) {
		int error = errno;
		begin_again_if_executed(t->pid);
		die("process %d: cannot write the agent to %s: %s", (int)t->pid, path, strerror(error));
	}
	close(ours);
	return (int)fd;
}

/*
 * Without /proc (in a chroot) the loader cannot open a memory file. Then the agent is written to a file in
 * the process's root, which is removed soon. *outside: its path for us; "": none was created.
 */
static bool make_file(const struct target *t, const struct injection *how, char *inside, size_t size, char *outside,
		      size_t outside_size)
{
	static const char *const folders[] = { "/tmp", "/var/tmp", "/dev/shm", "/run", "" };
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		snprintf(inside, size, "%s/memrec-agent-%d-%llx", folders[i], (int)getpid(),
			 (unsigned long long)now_ns());
		snprintf(outside, outside_size, "/proc/%d/root%s", (int)t->pid, inside);
		int fd = open(outside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
		bool whole = fd >= 0 && write(fd, how->bytes, how->size) == (ssize_t)how->size;
		if (fd >= 0)
			close(fd);
		if (whole)
			return true;
		if (fd >= 0)
			unlink(outside);
	}
	outside[0] = '\0';
	return false;
}

static bool sees_proc(const struct target *t)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/root/proc/self", (int)t->pid);
	struct stat st;
	return lstat(path, &st) == 0;
}

/* Returns the process's number in the /proc that it sees, which may belong to another pid namespace. 0: not known. */
static int pid_seen_there(const struct target *t, int fd)
{
	char numbers[256], path[96], *rest = numbers;
	struct stat file, there;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)t->pid, fd);
	if (!status_line(t->pid, "NSpid", numbers, sizeof numbers) || stat(path, &file) < 0)
		return 0;
	for (char *word; (word = strsep(&rest, " \t")) != NULL;) {
		snprintf(path, sizeof path, "/proc/%d/root/proc/%d/fd/%d", (int)t->pid, atoi(word), fd);
		if (stat(path, &there) == 0 && there.st_dev == file.st_dev && there.st_ino == file.st_ino)
			return atoi(word);
	}
	return 0;
}

/*
 * The loader identifies objects by the name they were loaded by, so the name must be unused and
 * different each time. Until the agent renames itself (agent/loadname.h), debuggers of
 * the process may open that name: hence a number instead of "self" where possible.
 */
static void name_memfd(const struct target *t, int fd, unsigned n_agents, char *path, size_t size)
{
	int pid = pid_seen_there(t, fd);
	strcpy(path, "/proc/");
	for (unsigned i = 0; i <= n_agents && i < 35; i++)
		strcat(path, "./");
	size_t n = strlen(path);
	if (pid)
		snprintf(path + n, size - n, "%d/fd/%d", pid, fd);
	else
		snprintf(path + n, size - n, "self/fd/%d", fd);
}

static void load_agent(const struct target *t, uint64_t scratch, const struct injection *how, char *made,
		       size_t made_size)
{
	struct stub_scratch s = { .request = { .scratch = scratch, .scratch_size = STUB_SCRATCH_SIZE } };
	unsigned n_agents;
	s.entry = find_agent(t, how, &n_agents);
	if (!s.entry && !sees_proc(t)) {
		s.fd = UINT64_MAX;
		if (!make_file(t, how, s.path, sizeof s.path, made, made_size))
			die("process %d: no /proc in its root directory, and no directory there that memrec "
			    "may write to", (int)t->pid);
	} else if (!s.entry) {
		int fd = make_memfd(t, scratch, how);
		s.fd = (uint64_t)fd;
		name_memfd(t, fd, n_agents, s.path, sizeof s.path);
	}
	s.dlopen = module_symbol(t, t->libc, "dlopen", NULL);
	s.dlsym = module_symbol(t, t->libc, "dlsym", NULL);
	s.dlerror = module_symbol(t, t->libc, "dlerror", NULL);
	if (!s.dlopen || !s.dlsym || !s.dlerror) {
		begin_again_if_executed(t->pid);
		die("process %d: its C library is older than 2.34: start it under memrec", (int)t->pid);
	}
	strcpy(s.symbol, ENTRY);
	s.nap[1] = 50000;
	snprintf(s.request.how, sizeof s.request.how, "%s %u %s", how->address, how->flags, how->agent);
	if (!target_write(t, AT(scratch, dlopen), &s.dlopen, sizeof s - offsetof(struct stub_scratch, dlopen)))
		lost(t);
	remote_call(t, scratch, STUB_LOAD, 0, 0);
}

/* made: a temporary file, removed once there is an answer. */
static void await_answer(const struct target *t, const struct injection *how, uint64_t scratch, const char *made)
{
	uint64_t deadline = now_ns() + SERVE_NS, stage;
	struct wire_request r;
	char error[256];
	const uint32_t taken = 1;
	for (;; sleep_us(200)) {
		thread_release_stopping();
		if (!target_read(t, AT(scratch, stage), &stage, sizeof stage) ||
		    !target_read(t, AT(scratch, request), &r, sizeof r))
			lost(t);
		if (r.answer != WIRE_WAIT || stage == STUB_NO_LIBRARY || stage == STUB_NO_FUNCTION)
			break;
		if (now_ns() > deadline)
			die("process %d: the agent did not start in time (was the process stopped?)", (int)t->pid);
	}
	if (*made)
		unlink(made);
	target_write(t, AT(scratch, request.taken), &taken, sizeof taken);
	if (r.answer == WIRE_REFUSED && how->found && strcmp(r.error, WIRE_RECORDS_ALREADY) == 0)
		_exit(EXIT_FAILURE);
	if (r.answer == WIRE_REFUSED)
		die("process %d: %.*s", (int)t->pid, (int)sizeof r.error, r.error);
	if (stage == STUB_NO_LIBRARY && target_read(t, AT(scratch, error), error, sizeof error))
		die("process %d: cannot load the agent: %.*s", (int)t->pid, (int)sizeof error, error);
	if (r.answer != WIRE_STARTED)
		die("process %d: cannot load the agent", (int)t->pid);
}

/*
 * Memrecs that attach to a process at the same time take turns, so the second finds the agent of the first, which
 * refuses it. Only who may trace the process can open this file, and lock it.
 */
static void take_turn(struct target *t)
{
	uint64_t deadline = now_ns() + TURN_NS;
	while (flock(t->mem, LOCK_EX | LOCK_NB) < 0) {
		if (now_ns() > deadline)
			die("process %d: another memrec is attaching to it: try again", (int)t->pid);
		sleep_us(5000);
	}
	if (!target_load(t))
		refuse_access(t->pid, errno);
}

static void inject(const struct injection *how)
{
	static struct target t = { .mem = -1 };
	(void)setjmp(again);
	target_clear(&t);	/* its lock, too, if this is not the first time */
	await_image(&image, how->pid);
	if (!target_open(&t, how->pid))
		refuse_access(how->pid, errno);
	refuse_libc(&t);
	take_turn(&t);
	struct timespec nap = { .tv_nsec = 50000 };
	uint64_t scratch = make_thread(&t);
	target_write(&t, AT(scratch, nap), &nap, sizeof nap);
	char made[256] = "";
	load_agent(&t, scratch, how, made, sizeof made);
	await_answer(&t, how, scratch, made);
}

int inject_enter_network(pid_t pid)
{
	char path[64];
	struct stat ours, theirs;
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	if (stat("/proc/self/ns/net", &ours) < 0 || stat(path, &theirs) < 0 ||
	    (ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev))
		return -1;
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), other = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) < 0)
		die("process %d is in another network namespace, which memrec may not enter (%s): run memrec as root, "
		    "or in its container",
		    (int)pid, strerror(errno));
	close(other);
	return own;
}

void inject_leave_network(int own)
{
	if (own >= 0 && setns(own, CLONE_NEWNET) < 0)
		die("cannot return from the process's network namespace: %s", strerror(errno));
	if (own >= 0)
		close(own);
}

/* A stopped thread waits for us, so run with the highest priority we may have. */
static void hurry(void)
{
	struct sched_param p = { .sched_priority = 1 };
	if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
		setpriority(PRIO_PROCESS, 0, -20);
}

pid_t inject_start(const struct injection *how)
{
	pid_t child = fork();
	if (child < 0)
		die("cannot start a process: %s", strerror(errno));
	if (child > 0)
		return child;
	sigset_t all;
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	hurry();
	system_call(SYS_close_range, 3u, ~0u, 0u);
	if (how->examine)
		inject_examine(how->pid, how->ignore_filter);
	inject(how);
	_exit(0);
}

#else

void inject_examine(pid_t pid, bool ignore_filter)
{
	(void)ignore_filter;
	die("process %d: attaching works only on x86-64: start the program under memrec", (int)pid);
}

int inject_enter_network(pid_t pid)
{
	(void)pid;
	return -1;
}

void inject_leave_network(int own)
{
	(void)own;
}

pid_t inject_start(const struct injection *how)
{
	(void)how;
	return -1;
}

#endif
