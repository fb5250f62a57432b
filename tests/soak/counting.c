/*
 * counting.c - three threads that allocate, and count their allocations in a file that survives them
 *
 *     counting FILE COUNT      each thread makes COUNT blocks, or as many as it can until it is killed
 *
 * The nth block of thread t has n * 4 + t bytes: so a block that a trace lacks or has twice is found.
 * A counter is incremented after its allocation has returned.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3

static volatile uint64_t *counts;
static uint64_t most;

static void *work(void *arg)
{
	uintptr_t t = (uintptr_t)arg;
	void *kept[64] = { NULL };
	for (uint64_t n = 1; n <= most; n++) {
		free(kept[n % 64]);
		kept[n % 64] = malloc(n * 4 + t);
		__atomic_store_n(&counts[t], n, __ATOMIC_RELEASE);
		if (n % 8 == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
	counts = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		return 2;
	most = strtoull(argv[2], NULL, 10);
	pthread_t threads[THREADS];
	for (uintptr_t t = 0; t < THREADS; t++)
		pthread_create(&threads[t], NULL, work, (void *)t);
	for (int t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	return 7;
}
