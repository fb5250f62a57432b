/*
 * memory.c - the agent's own pages, and a lock for its rare paths
 */
#include "agent.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *pages_new(size_t size)
{
	int e = errno;
	void *p = (void *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	errno = e;
	return p == MAP_FAILED ? NULL : p;
}

void pages_free(void *p, size_t size)
{
	int e = errno;
	if (p)
		syscall(SYS_munmap, p, size);
	errno = e;
}

/* 0 free, 1 taken, 2 taken and waited for: Drepper, "Futexes Are Tricky", mutex 2. */
void lock_take(struct lock *l)
{
	uint32_t seen = 0;
	if (__atomic_compare_exchange_n(&l->word, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	int e = errno;
	while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE) != 0)
		syscall(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
	errno = e;
}

bool lock_try(struct lock *l)
{
	uint32_t seen = 0;
	return __atomic_compare_exchange_n(&l->word, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void lock_drop(struct lock *l)
{
	if (__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) != 2)
		return;
	int e = errno;
	syscall(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = e;
}
