/*
 * boot.c - the constructor: reads the orders and decides whether this process is recorded
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "census.h"
#include "hooks/clients.h"
#include "hooks/entries.h"
#include "hooks/environment.h"
#include "hooks/exec.h"
#include "hooks/got.h"
#include "hooks/hooks.h"
#include "hooks/reaped.h"
#include "loadname.h"
#include "native/native.h"
#include "orders.h"
#include "python/pymem.h"
#include "python/pystack.h"
#include "ring.h"

/* Stores our environment entries for programs that are executed with another environment. */
static void remember_environment(const char *text)
{
	const char *file = got_own_file();
	if (orders_travel(file, strlen(file), text))
		strcpy(orders.inherited, orders.entry);
}

/* A child that is not recorded does not pass the agent on to its own children. */
static void leave_environment(void)
{
	environment_leave();
	orders.preload[0] = '\0';
}

/* For an agent that was loaded late. */
static void opened(uintptr_t mark)
{
	entries_add(mark);
	clients_connect();
}

static void begun(enum ring_beginning how)
{
	census_begun();
	if (how == RING_FORKED) {
		pystack_forked();
		pymem_forked();
		native_forked();
		got_forked();
		entries_forked();
		census_forked();
	} else if (how == RING_AGAIN) {
		pystack_restarted();
		native_restarted();
	}
}

__attribute__((constructor)) static void start(void)
{
	ring_begun = begun;
	ring_rung = census_if_asked;
	pystack_found = pymem_found;
	got_opening = entries_mark;
	got_opened = opened;
	got_own_file();		/* before it gets another name */
	loadname_init();
	hooks_resolve();
	exec_resolve();
	reaped_resolve();
	got_resolve();
	if (got_late())		/* session.c */
		return;
	const char *text = getenv(WIRE_ENV);
	if (!text || !orders_read(text))
		return;
	remember_environment(text);
	if (getpid() != orders.pid && !(orders.flags & WIRE_FLAG_FOLLOW_FORK)) {
		leave_environment();
		return;
	}
	ring_init();
	if (!ring_on())
		return;
	ring_local.guard = GUARD_DROP;
	pystack_init(true);
	if (pystack_python())
		ring_put(WIRE_STARTING, pystack_underway(), 0, 0);
	if (orders.flags & WIRE_FLAG_NATIVE)
		native_init();
	pymem_init(false);
	entries_begin();
	ring_local.guard = GUARD_NONE;
}
