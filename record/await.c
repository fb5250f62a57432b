/*
 * await.c - records a process that starts and stops the recording itself, until its agent detaches or it ends
 */
#include "await.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "agent_file.h"
#include "wire.h"

static void stop(int sig)
{
	collector_stop(sig);
}

/* Before the recording has begun, the other end of our standard error may be closed too: the process gave up. */
static bool has_left(const struct recording *r)
{
	struct pollfd other_end = { .fd = STDERR_FILENO };
	return poll(&other_end, 1, 0) > 0 || (kill(r->root, 0) < 0 && errno == ESRCH);
}

/* A signal ends the recording only after its root has ended. */
static bool over(struct recording *r, struct collector *c)
{
	struct awaited *a = (struct awaited *)r;
	collector_end_gone(c, 0);
	if (c->n_recorded == 0)
		return has_left(r);
	if (a->image.words[0] == 0)
		image_read(&a->image, r->root);
	if (image_changed(&a->image, r->root, c->output.now_ms) && !c->follow_fork)
		collector_end_executed(c, r->root);
	if (collector_detached(c, r->root) || c->output.failed ||
	    (collector_stopped() && !collector_process(c, r->root)))
		collector_let_go(c);
	return c->n_processes == 0;
}

void await_begin(struct awaited *a, struct collector *c, pid_t pid, unsigned flags)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGQUIT };
	struct sigaction ending = { .sa_handler = stop, .sa_flags = SA_RESTART };
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	sigaction(SIGTERM, &ending, NULL);
	*a = (struct awaited){ .recording = { pid, over } };
	admission_expect(&c->admission, pid, admission_owner(pid), true);
	/* A process that does not read our messages must not block us, as it may be waiting for us. */
	fcntl(STDERR_FILENO, F_SETFL, O_WRONLY | O_NONBLOCK);
	bool follows = flags & WIRE_FLAG_FOLLOW_FORK;	/* then programs it executes load the agent by this name */
	dprintf(STDERR_FILENO, "awaited %s %u %s\n", c->admission.address, flags, follows ? agent_file_name() : "");
}

void await_end(void)
{
	dprintf(STDERR_FILENO, "ended\n");
}
