/*
 * refuse.c - refuses processes that cannot be attached to: why, and what to do
 */
#include "refuse.h"

#if defined(__x86_64__)

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "inject.h"

static int ptrace_scope(void)
{
	int scope = 0;
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	if (f) {
		if (fscanf(f, "%d", &scope) != 1)
			scope = 0;
		fclose(f);
	}
	return scope;
}

static bool may_trace_all(void)
{
	char text[64];
	/* CAP_SYS_PTRACE */
	return status_line(getpid(), "CapEff", text, sizeof text) && strtoull(text, NULL, 16) >> 19 & 1;
}

/* Returns the pid of the process that traces this one (or this thread), and its name. 0: none. */
static int tracer_of(pid_t pid, char *name, size_t size)
{
	char by[32] = "0";
	status_line(pid, "TracerPid", by, sizeof by);
	if (atoi(by) != 0 && !status_line(atoi(by), "Name", name, size))
		snprintf(name, size, "in another container");
	return atoi(by);
}

bool is_being_attached(pid_t pid)
{
	char name[64];
	return tracer_of(pid, name, sizeof name) != 0 && strcmp(name, "memrec") == 0;
}

static void refuse_traced(pid_t pid)
{
	char name[64];
	for (int i = 0; i < 100 && is_being_attached(pid); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	int by = tracer_of(pid, name, sizeof name);
	if (by == 0)
		return;
	die("process %d is traced by process %d (%s): end that first", (int)pid, by, name);
}

_Noreturn void refuse_access(pid_t pid, int error)
{
	char uid[64] = "?";
	refuse_traced(pid);
	if (error == ESRCH || !status_line(pid, "Uid", uid, sizeof uid))
		die("no process %d", (int)pid);
	uid[strcspn(uid, " \t")] = '\0';
	if (may_trace_all())
		die("process %d: a security module, a container's seccomp filter or the process's user namespace "
		    "forbids tracing it: attach from inside its container, or as the host's root",
		    (int)pid);
	if ((uid_t)atoi(uid) != geteuid())
		die("process %d belongs to uid %s, and you are uid %d: run memrec as that user or as root", (int)pid,
		    uid, (int)geteuid());
	switch (ptrace_scope()) {
	case 0:
		die("process %d is not dumpable (it changed its identity or capabilities): run memrec as root",
		    (int)pid);
	case 1:
		die("process %d is not memrec's child, and kernel.yama.ptrace_scope is 1: run memrec as root, or "
		    "sysctl kernel.yama.ptrace_scope=0", (int)pid);
	case 2:
		die("process %d: kernel.yama.ptrace_scope is 2: run memrec as root (or with CAP_SYS_PTRACE)", (int)pid);
	}
	die("process %d: kernel.yama.ptrace_scope is 3, which forbids all attaching until the next boot: start it "
	    "under memrec",
	    (int)pid);
}

static void refuse_state(pid_t pid)
{
	char state[64] = "", group[32] = "";
	if (!status_line(pid, "State", state, sizeof state))
		die("no process %d", (int)pid);
	status_line(pid, "Tgid", group, sizeof group);
	if (atoi(group) != pid)
		die("%d is a thread of process %s: attach to that process", (int)pid, group);
	if (pid == getpid())
		die("memrec cannot attach to itself");
	if (state[0] == 'Z' || state[0] == 'X')
		die("process %d has ended", (int)pid);
	refuse_traced(pid);
	if (state[0] == 'T')
		die("process %d is stopped (by Ctrl-Z or SIGSTOP): continue it first: kill -CONT %d", (int)pid,
		    (int)pid);
}

/*
 * A filter that both we and the process inherited is a container's: it makes calls fail, but does not kill.
 */
static void refuse_seccomp(pid_t pid, bool ignore_filter)
{
	char mode[16] = "0", ours[16] = "0", theirs[32] = "", own[32] = "";
	status_line(pid, "Seccomp", mode, sizeof mode);
	status_line(getpid(), "Seccomp", ours, sizeof ours);
	if (atoi(mode) == 1)
		die("process %d may not make system calls (strict seccomp): start it under memrec", (int)pid);
	if (atoi(mode) != 2 || ignore_filter)
		return;
	status_line(pid, "Seccomp_filters", theirs, sizeof theirs);
	status_line(getpid(), "Seccomp_filters", own, sizeof own);
	if (strcmp(mode, ours) != 0 || strcmp(theirs, own) != 0)
		die("process %d has a seccomp filter that may kill it for the agent's system calls (memfd_create, "
		    "socket, clone): start it under memrec, or attach anyway with --ignore-seccomp",
		    (int)pid);
}

static void refuse_program(pid_t pid)
{
	char path[64];
	unsigned char e[20];
	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		die("process %d is a kernel thread", (int)pid);
	if (fd < 0)
		refuse_access(pid, errno);
	ssize_t n = read(fd, e, sizeof e);
	close(fd);
	if (n < (ssize_t)sizeof e)
		return;
	if (e[4] != 2)
		die("process %d is a 32-bit program: only 64-bit ones can be attached to", (int)pid);
	if (e[18] + e[19] * 256 != 62)
		die("process %d runs a program for another processor (ELF machine %d): only x86-64 can be attached to",
		    (int)pid, e[18] + e[19] * 256);
}

_Noreturn void refuse_memory(pid_t pid, int error)
{
	die("process %d: memrec may not access its memory: %s (a seccomp filter on memrec, of a container for example, "
	    "that forbids process_vm_readv or process_vm_writev)",
	    (int)pid, strerror(error));
}

static bool may_not_read(const struct target *t)
{
	char byte;
	return t->n_modules == 0 && t->n_mappings && !target_read(t, t->mappings[0].start, &byte, 1) &&
	       (errno == EPERM || errno == EACCES || errno == ENOSYS);
}

/* Whether a process has no program yet, in the middle of exec, or its loader has not loaded the C library yet. */
static bool is_beginning(const struct target *t)
{
	bool dynamic = t->n_modules == 0 && !may_not_read(t);
	for (size_t i = 0; i < t->n_modules; i++) {
		dynamic |= t->modules[i].is_program;
		if (strstr(t->modules[i].path, "musl"))
			return false;
	}
	return dynamic && !t->libc;
}

static void await_libc(struct target *t)
{
	pid_t pid = t->pid;
	for (int i = 0; i < 400 && is_beginning(t); i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
		refuse_state(pid);
		target_clear(t);
		if (!target_open(t, pid))
			refuse_access(pid, errno);
	}
}

void refuse_libc(struct target *t)
{
	bool dynamic = false;
	await_libc(t);
	if (t->libc)
		return;
	if (may_not_read(t))
		refuse_memory(t->pid, errno);
	for (size_t i = 0; i < t->n_modules; i++) {
		dynamic |= t->modules[i].is_program;
		if (strstr(t->modules[i].path, "musl"))
			die("process %d uses musl, to which memrec cannot attach: start it under memrec, or record it "
			    "by memrec.Tracker", (int)t->pid);
	}
	if (dynamic)
		die("process %d: its C library is not supported (there is no libc.so.6)", (int)t->pid);
	die("process %d is statically linked: the agent cannot be loaded into it", (int)t->pid);
}

void inject_examine(pid_t pid, bool ignore_filter)
{
	struct target t;
	if (kill(pid, 0) < 0 && errno == ESRCH)
		die("no process %d", (int)pid);
	refuse_state(pid);
	refuse_program(pid);
	if (!target_open(&t, pid))
		refuse_access(pid, errno);
	refuse_seccomp(pid, ignore_filter);
	refuse_libc(&t);
	target_clear(&t);
}

#endif
