/*
 * blocks.c - a program whose blocks are known: blocks MODE
 *
 *	mix		of many sizes, half of them freed
 *	threads		four threads, which free and resize each other's blocks of 7001 to 7999 bytes; none is left
 *	fork		the child frees what it inherited, of 7001 to 7999 bytes, and keeps three blocks of 8001
 *
 * "mix" prints the bytes and the number of what it keeps, and of all it allocates.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 20000

static uint64_t state = 1;

static uint64_t draw(uint64_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % below;
}

static uint64_t kept[2], all[2];

static size_t draw_size(void)
{
	switch (draw(100)) {
	case 0: return 100000 + draw(200000);
	case 1: case 2: return 20000 + draw(30000);
	case 3: case 4: case 5: return 2000 + draw(5000);
	default: return 16 + draw(600);
	}
}

static void mix(void)
{
	static void *blocks[SLOTS];

	for (int i = 0; i < 60000; i++) {
		size_t n = draw_size(), at = draw(SLOTS);
		void *p = blocks[at];
		if (draw(3)) {
			free(p);
			p = malloc(n);
		} else {
			p = realloc(p, n);
		}
		blocks[at] = p;
		all[0] += n;
		all[1]++;
		static size_t sizes[SLOTS];
		kept[0] += n - sizes[at];
		kept[1] += sizes[at] == 0;
		sizes[at] = n;
	}
	/* Written without stdio, whose buffer is a block too. */
	char text[200];
	int n = snprintf(text, sizeof text, "%llu %llu %llu %llu\n", (unsigned long long)kept[0],
			 (unsigned long long)kept[1], (unsigned long long)all[0], (unsigned long long)all[1]);
	if (write(1, text, (size_t)n) != n)
		_exit(1);
}

static void *shared[64];

static void *exchange(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (int i = 0; i < 50000; i++) {
		void *mine = malloc(7001 + (size_t)rand_r(&seed) % 999);
		if (i % 3 == 0)
			mine = realloc(mine, 7001 + (size_t)rand_r(&seed) % 999);
		free(__atomic_exchange_n(&shared[rand_r(&seed) % 64], mine, __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, exchange, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 64; i++)
		free(shared[i]);
}

static void forks(void)
{
	static void *blocks[100];

	for (size_t i = 0; i < 100; i++)
		blocks[i] = malloc(7001 + i);
	if (fork() == 0) {
		for (size_t i = 0; i < 100; i++)
			free(blocks[i]);
		for (size_t i = 0; i < 3; i++)
			blocks[i] = malloc(8001);
		_exit(0);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (strcmp(mode, "mix") == 0)
		mix();
	else if (strcmp(mode, "threads") == 0)
		threads();
	else if (strcmp(mode, "fork") == 0)
		forks();
	else
		return 2;
	return 0;
}
