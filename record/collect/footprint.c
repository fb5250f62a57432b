/*
 * footprint.c - how the memory of a process is divided, as the system sees it
 */
#include "footprint.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "system_call.h"

/* ---------------------------------------------------------------- the file */

/* Adds a line such as "Private_Dirty:       132 kB"; returns whether it was a number of this file. */
static bool add_line(struct footprint *f, const char *line)
{
	static const struct {
		const char *name;
		size_t offset;
	} lines[] = {
		{ "Pss:", offsetof(struct footprint, proportional) },
		{ "Shared_Clean:", offsetof(struct footprint, shared) },
		{ "Shared_Dirty:", offsetof(struct footprint, shared) },
		{ "Private_Clean:", offsetof(struct footprint, private) },
		{ "Private_Dirty:", offsetof(struct footprint, private) },
		{ "Shared_Hugetlb:", offsetof(struct footprint, shared) },
		{ "Private_Hugetlb:", offsetof(struct footprint, private) },
		{ "SwapPss:", offsetof(struct footprint, swap) },
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		size_t n = strlen(lines[i].name);
		if (strncmp(line, lines[i].name, n) == 0) {
			*(uint64_t *)((char *)f + lines[i].offset) += strtoull(line + n, NULL, 10) * 1024;
			return true;
		}
	}
	return false;
}

/* Adds the whole lines of a text. Returns where the rest begins. */
static char *add_lines(struct footprint *f, char *text, bool *any)
{
	for (char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		*end = '\0';
		*any |= add_line(f, text);
	}
	return text;
}

/* A file of all mappings has such lines for each: they are added up. */
static bool read_file(const char *path, struct footprint *f)
{
	char text[8192];
	size_t left = 0;
	bool any = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	*f = (struct footprint){ 0 };
	for (ssize_t n; fd >= 0 && (n = read(fd, text + left, sizeof text - 1 - left)) > 0;) {
		text[left + (size_t)n] = '\0';
		const char *rest = add_lines(f, text, &any);
		left = strlen(rest);
		if (left == sizeof text - 1)	/* a line longer than any number's */
			left = 0;
		memmove(text, rest, left);
	}
	if (fd >= 0)
		close(fd);
	return any;
}

bool footprint_read(pid_t pid, struct footprint *f)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	if (read_file(path, f))
		return true;
	snprintf(path, sizeof path, "/proc/%d/smaps", (int)pid);
	return read_file(path, f);
}

/* ---------------------------------------------------------------- the thread */

enum state { IDLE, ASKED, ANSWERED };
static volatile uint32_t state;		/* a futex; the answer belongs to the thread while it is ASKED */
static struct footprint_answer answer;

static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		uint32_t now = __atomic_load_n(&state, __ATOMIC_ACQUIRE);
		if (now != ASKED) {
			system_call(SYS_futex, &state, FUTEX_WAIT, now, NULL, NULL, 0);
			continue;
		}
		uint64_t begun = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		answer.known = footprint_read(answer.pid, &answer.f);
		answer.cost_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
		__atomic_store_n(&state, ANSWERED, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Signals are for the other thread, whose sleep they end. */
static bool start(void)
{
	pthread_t thread;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&thread, NULL, serve, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		pthread_detach(thread);
	return !error;
}

bool footprint_ask(pid_t pid)
{
	static enum { NEW, STARTED, FAILED } thread;
	if (thread == NEW)
		thread = start() ? STARTED : FAILED;
	if (thread == FAILED || state != IDLE)
		return false;
	answer.pid = pid;
	__atomic_store_n(&state, ASKED, __ATOMIC_RELEASE);
	system_call(SYS_futex, &state, FUTEX_WAKE, 1, NULL, NULL, 0);
	return true;
}

bool footprint_take(struct footprint_answer *a)
{
	if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != ANSWERED)
		return false;
	*a = answer;
	__atomic_store_n(&state, IDLE, __ATOMIC_RELEASE);
	return true;
}
