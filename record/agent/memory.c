/*
 * memory.c - the agent's own pages, and a lock for its rare paths
 */
#include "agent.h"
#include "memory.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libc.h"
#include "system_call.h"

static uint64_t used;

void pages_count(int64_t bytes)
{
	__atomic_add_fetch(&used, (uint64_t)bytes, __ATOMIC_RELAXED);
}

uint64_t pages_in_use(void)
{
	return __atomic_load_n(&used, __ATOMIC_RELAXED);
}

void *pages_new(size_t size)
{
	int e = errno;
	void *p = (void *)system_call(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	errno = e;
	if (p == MAP_FAILED)
		return NULL;
	pages_count((int64_t)size);
	return p;
}

void pages_free(void *p, size_t size)
{
	int e = errno;
	if (p) {
		system_call(SYS_munmap, p, size);
		pages_count(-(int64_t)size);
	}
	errno = e;
}

/*
 * Changes the word from one value to another, if it has the first. With one thread an
 * instruction without a lock prefix is enough (see ring_reserve()): a locked one waits until
 * all earlier stores have reached the cache, and stores made under these locks mostly miss it.
 */
static inline bool word_change(struct lock *l, uint32_t from, uint32_t to)
{
#if defined(__x86_64__)
	if (*libc_single_threaded) {
		bool changed;
		__asm__ volatile("cmpxchgl %3, %1" : "=@cce"(changed), "+m"(l->word), "+a"(from) : "r"(to) : "memory");
		return changed;
	}
#endif
	return __atomic_compare_exchange_n(&l->word, &from, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* 0: free, 1: taken, 2: taken, with waiters. Source: Drepper, "Futexes Are Tricky", mutex 2. */
void lock_take(struct lock *l)
{
	if (word_change(l, 0, 1))
		return;
	int e = errno;
	while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE) != 0)
		system_call(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
	errno = e;
}

bool lock_try(struct lock *l)
{
	return word_change(l, 0, 1);
}

void lock_drop(struct lock *l)
{
	if (word_change(l, 1, 0) || __atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) != 2)
		return;
	int e = errno;
	system_call(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = e;
}
