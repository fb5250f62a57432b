/*
 * session.c - a recording that begins and ends while the program runs
 */
#include "session.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "census.h"
#include "orders.h"
#include "hooks/clients.h"
#include "hooks/entries.h"
#include "hooks/got.h"
#include "loadname.h"
#include "memory.h"
#include "native/native.h"
#include "object.h"
#include "python/pymem.h"
#include "python/pystack.h"
#include "ring.h"
#include "system_call.h"

#define TICK_NS 200000000L	/* between two checks for a dead collector and for new objects */
#define PATIENCE_MS 5000	/* how long memrec may take to read the answer */

static struct lock lock;
static pid_t owner;		/* the process that has a session; 0: none */

/* "ADDRESS FLAGS PATH" */
static bool parse(const char *how)
{
	const char *space = strchr(how, ' ');
	if (!space || !orders_address(how, (size_t)(space - how)))
		return false;
	const char *end;
	orders.flags = (unsigned)orders_number(space + 1, &end);
	orders.pid = getpid();
	char entry[sizeof orders.entry], number[16], *digit = number + sizeof number - 1;
	*digit = '\0';
	for (unsigned n = (unsigned)orders.pid; n; n /= 10)
		*--digit = (char)('0' + n % 10);
	strcpy(entry, orders.address);
	strcat(entry, " ");
	strcat(entry, digit);
	strncat(entry, space, (size_t)(end - space));
	if (*end == ' ')
		orders_travel(end + 1, strlen(end + 1), entry);
	return *end == ' ' || *end == '\0';
}

static bool collector_wants_more(void)
{
	return !ring_control->off &&
	       !(__atomic_load_n((volatile uint32_t *)&ring_control->life.__data.__lock, __ATOMIC_RELAXED) &
		 FUTEX_OWNER_DIED);
}

static void stop(void)
{
	bool quiet = ring_stop();
	if (got_late()) {
		clients_disconnect();
		got_restore();
	}
	pymem_stop();
	pystack_stop();
	native_on = false;
	/* The hooks read `native_on` without a lock; ring_stop() has waited for threads that may have seen it set. */
	__atomic_store_n(&ring->detached, 1, __ATOMIC_RELEASE);
	system_call(SYS_futex, &ring->detached, FUTEX_WAKE, 1, NULL, NULL, 0);
	ring_bell();
	if (quiet)
		ring_retire();
	orders.preload[0] = '\0';
	owner = 0;
}

static const char *start(const char *how)
{
	if (*ring_state == RING_ON && ring_control && collector_wants_more())
		return WIRE_RECORDS_ALREADY;
	if (owner == getpid() || *ring_state == RING_ON)	/* ON: recorded as the child of a recorded process */
		stop();
	if (!parse(how))
		return "the agent does not understand the recorder's instructions (does it belong to another build?)";
	if (!ring_start())
		return "the agent cannot start: it cannot reach the recorder (is the process in another network "
		       "namespace?), "
		       "or a thread has not left the previous recording yet";
	owner = getpid();
	pystack_init(false);
	if (pystack_python())
		ring_put(WIRE_STARTING, pystack_underway(), 0, 0);
	if (orders.flags & WIRE_FLAG_NATIVE)
		native_init();
	pymem_init(true);
	if (got_late()) {
		got_patch();
		entries_begin();
		clients_connect();
	}
	return NULL;
}

/* A forked child inherits the lock's state from its parent. */
static void take_lock(void)
{
	static pid_t pid;
	if (pid != getpid()) {
		lock = (struct lock){ 0 };
		got_forked();
		entries_forked();
		pymem_forked();
		pid = getpid();
	}
	lock_take(&lock);
}

static const char *start_session(const char *how, uint32_t *generation)
{
	int e = errno;
	uint8_t guard = ring_local.guard;
	take_lock();
	ring_local.guard = GUARD_DROP;
	const char *why = start(how);
	*generation = ring_generation;
	ring_local.guard = guard;
	lock_drop(&lock);
	errno = e;
	return why;
}

HOOK const char *memrec_agent_start(const char *how)
{
	uint32_t generation;
	return start_session(how, &generation);
}

/* Ends the session of that generation, unless another has replaced it. */
static void stop_session(uint32_t generation)
{
	int e = errno;
	uint8_t guard = ring_local.guard;
	take_lock();
	ring_local.guard = GUARD_DROP;
	if (owner == getpid() && generation == ring_generation)
		stop();
	ring_local.guard = guard;
	lock_drop(&lock);
	errno = e;
}

HOOK void memrec_agent_stop(void)
{
	stop_session(ring_generation);
}

HOOK int memrec_agent_recording(void)
{
	return ring_on() && collector_wants_more();
}

HOOK int memrec_agent_span(const char *name, int how)
{
	if (!memrec_agent_recording())
		return 0;
	uint8_t guard = ring_local.guard;
	ring_local.guard = GUARD_DROP;
	ring_message(how & MEMREC_SPAN_BEGINS ? WIRE_SPAN_BEGIN : WIRE_SPAN_END, (how & MEMREC_SPAN_OF_ALL) != 0,
		     &(struct piece){ name, strlen(name) }, 1);
	ring_local.guard = guard;
	return 1;
}

/* Waits until the collector stops or dies, and patches objects that were loaded without passing our dlopen. */
static void attend(uint32_t mine)
{
	while (owner == getpid() && mine == ring_generation && collector_wants_more()) {
		struct timespec tick = { .tv_nsec = TICK_NS };
		system_call(SYS_futex, &ring_control->off, FUTEX_WAIT, 0, &tick, NULL, 0);
		if (!ring_control->off)
			census_if_asked();
		if (got_late())
			got_patch_new();
	}
}

HOOK void *memrec_agent_serve(void *request)
{
	struct wire_request *r = request;
	uint64_t scratch = r->scratch, size = r->scratch_size;
	int (*detach)(pthread_t);	/* until glibc 2.34 in libpthread, which is loaded: this is a thread */
	*(void **)&detach = object_first("pthread_detach");
	if (detach)
		detach(pthread_self());
	/* For the whole life of this thread: its allocations are not the program's. */
	ring_local.guard = GUARD_DROP;
	const char *path = strchr(r->how, ' ');
	if (path && (path = strchr(path + 1, ' ')) != NULL)
		loadname_set(path + 1);
	uint32_t generation = 0;
	const char *why = start_session(r->how, &generation);
	if (why)
		strncpy(r->error, why, sizeof r->error - 1);
	__atomic_store_n(&r->answer, why ? WIRE_REFUSED : WIRE_STARTED, __ATOMIC_RELEASE);
	if (!why) {
		attend(generation);
		stop_session(generation);
	}
	struct timespec a_while = { .tv_nsec = 1000000 };
	for (int i = 0; i < PATIENCE_MS && !r->taken; i++)
		system_call(SYS_nanosleep, &a_while, NULL);
	system_call(SYS_munmap, scratch, size);
	return NULL;
}
