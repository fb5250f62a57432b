/*
 * census.c - a copy of this process for the collector
 *
 * By clone(2) itself, so that no function runs that the program has registered for a fork, and without a signal for
 * its end, so that the program's wait(2) does not see it (only __WALL and __WCLONE do). All signals are blocked in it
 * from its first instruction on. It closes every descriptor, because the reader at the other end of a pipe would
 * otherwise wait for it. Once it has ended, its entry stays until this process takes the next census or ends.
 */
#include "census.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/wait.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

#include "agent.h"
#include "hooks/record.h"
#include "ring.h"
#include "system_call.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define TICK_NS 50000000		/* between looks whether the collector lives */
#define MOST_DESCRIPTORS 65536u		/* closed one by one, where the kernel cannot close a range */
#define SIGNAL_SET_BYTES 8

static uint32_t taken;			/* of the censuses that the collector has asked for */
static pid_t last_copy;			/* ended or not; 0: none */

static void close_descriptors(void)
{
	if (system_call(SYS_close_range, 0, ~0u, 0) == 0)
		return;
	for (unsigned fd = 0; fd < MOST_DESCRIPTORS; fd++)
		system_call(SYS_close, fd);
}

/* The collector ends it by SIGKILL. */
static _Noreturn void stay(void)
{
	const volatile uint32_t *life = (const volatile uint32_t *)&ring_control->life.__data.__lock;
	struct timespec tick = { .tv_nsec = TICK_NS };
	system_call(SYS_prctl, PR_SET_NAME, "memrec-census", 0, 0, 0);
	/* Where only ancestors may read a process (kernel.yama.ptrace_scope), memrec.Tracker's collector is none. */
	system_call(SYS_prctl, PR_SET_PTRACER, ring_collector(), 0, 0, 0);
	close_descriptors();
	while (!(__atomic_load_n(life, __ATOMIC_RELAXED) & FUTEX_OWNER_DIED))
		system_call(SYS_nanosleep, &tick, NULL);
	for (;;)
		system_call(SYS_exit_group, 0);
}

static void reap_last(void)
{
	pid_t copy = __atomic_exchange_n(&last_copy, 0, __ATOMIC_ACQ_REL);
	if (copy && system_call(SYS_wait4, copy, NULL, __WALL | WNOHANG, NULL) == 0)
		__atomic_store_n(&last_copy, copy, __ATOMIC_RELEASE);	/* the collector still reads it */
}

/* Returns its pid, or -errno. */
static long copy_process(void)
{
	uint64_t all = ~0ull, before = 0;
	system_call(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGNAL_SET_BYTES);
	long pid = system_call(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		stay();
	int why = errno;
	system_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_SET_BYTES);
	return pid < 0 ? -why : pid;
}

static uint64_t clock_us(void)
{
	struct timespec t = { 0 };
	system_call(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

COLD void census_take(enum wire_moment moment)
{
	int e = errno;
	reap_last();
	ring_put(WIRE_CENSUS_BEGIN, 0, 0, 0);
	uint64_t begin_us = clock_us();
	long pid = copy_process();
	uint64_t took_us = clock_us() - begin_us;
	if (pid > 0)
		__atomic_store_n(&last_copy, (pid_t)pid, __ATOMIC_RELEASE);
	uint32_t us = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
	ring_put(WIRE_CENSUS, moment, pid > 0 ? (uint64_t)pid : 0, pid > 0 ? us : (uint32_t)-pid);
	errno = e;
}

void census_begun(void)
{
	taken = __atomic_load_n(&ring_control->census, __ATOMIC_ACQUIRE);
}

COLD void census_if_asked(void)
{
	uint32_t asked = __atomic_load_n(&ring_control->census, __ATOMIC_ACQUIRE);
	uint32_t last = __atomic_load_n(&taken, __ATOMIC_RELAXED);
	if (asked == last || !__atomic_compare_exchange_n(&taken, &last, asked, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	uint32_t moment = __atomic_load_n(&ring_control->census_moment, __ATOMIC_RELAXED);
	uint8_t guard = guard_set(GUARD_DROP);
	census_take((enum wire_moment)moment);
	guard_reset(guard);
}

void census_forked(void)
{
	last_copy = 0;
}

HOOK int memrec_agent_census(void)
{
	if (!ring_on() || ring_control->off)
		return 0;
	uint8_t guard = guard_set(GUARD_DROP);
	census_take(WIRE_MOMENT_REQUEST);
	guard_reset(guard);
	return 1;
}
