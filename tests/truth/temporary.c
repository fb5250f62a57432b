/*
 * temporary.c - allocations that are temporary, or not, by construction
 *
 * Sizes identify them: 70000 + K for a block that its thread frees after K others
 * (K = 0 to 6), 80000 for one that another thread frees, 90000 for the others.
 * There are ROUNDS of each in each of THREADS threads; blocks of other threads in
 * between must not count.
 */
#include <pthread.h>
#include <stdlib.h>

#define ROUNDS 50
#define THREADS 4
#define MOST 6

static void *handed_over[THREADS][ROUNDS];
static pthread_barrier_t barrier;

/* Long-lived blocks: before they are freed, far more than MOST others are made. */
static void *others[THREADS][ROUNDS * (MOST + 1) * MOST];

static void *work(void *arg)
{
	size_t me = (size_t)arg, n_others = 0;

	for (int round = 0; round < ROUNDS; round++)
		for (int k = 0; k <= MOST; k++) {
			void *volatile block = malloc(70000 + (size_t)k);
			for (int i = 0; i < k; i++)
				others[me][n_others++] = malloc(90000);
			free(block);
		}
	/* The block is the last of its thread, but another thread frees it. */
	for (int round = 0; round < ROUNDS; round++) {
		handed_over[me][round] = malloc(80000);
		pthread_barrier_wait(&barrier);
		free(handed_over[(me + 1) % THREADS][round]);
		pthread_barrier_wait(&barrier);
	}
	for (size_t i = 0; i < n_others; i++)
		free(others[me][i]);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
