/*
 * reaped.c - hooks of wait and its relatives: only a parent learns that its child was killed
 *
 * Only a death by SIGKILL is recorded, as the kernel causes it when no memory is left. The call itself is passed on.
 */
#include "reaped.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "agent.h"
#include "got.h"
#include "ring.h"
#include "system_call.h"

static struct {
	pid_t (*waitpid)(pid_t, int *, int);
	pid_t (*wait4)(pid_t, int *, int, struct rusage *);
	int (*waitid)(idtype_t, id_t, siginfo_t *, int);
} real;

void reaped_resolve(void)
{
	*(void **)&real.wait4 = got_real("wait4");
	*(void **)&real.waitid = got_real("waitid");
	*(void **)&real.waitpid = got_real("waitpid");
}

static void killed(pid_t child)
{
	int e = errno;
	if (*ring_state == RING_ON)
		ring_put_inline(WIRE_KILLED, (uint64_t)child, 0, 0);
	errno = e;
}

static pid_t look(pid_t child, const int *status)
{
	if (UNLIKELY(child > 0 && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL))
		killed(child);
	return child;
}

HOOK pid_t waitpid(pid_t pid, int *status, int options)
{
	int here;
	status = status ? status : &here;
	return look(real.waitpid ? real.waitpid(pid, status, options) :
				   (pid_t)system_call(SYS_wait4, pid, status, options, NULL),
		    status);
}

HOOK pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	int here;
	status = status ? status : &here;
	return look(real.wait4 ? real.wait4(pid, status, options, usage) :
				 (pid_t)system_call(SYS_wait4, pid, status, options, usage),
		    status);
}

HOOK pid_t wait3(int *status, int options, struct rusage *usage)
{
	return wait4(-1, status, options, usage);
}

HOOK pid_t wait(int *status)
{
	return waitpid(-1, status, 0);
}

HOOK int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	int r = real.waitid ? real.waitid(type, id, info, options) :
			      (int)system_call(SYS_waitid, type, id, info, options, NULL);
	if (r == 0 && info && !(options & WNOWAIT) && info->si_pid > 0 &&
	    (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED) && info->si_status == SIGKILL)
		killed(info->si_pid);
	return r;
}
