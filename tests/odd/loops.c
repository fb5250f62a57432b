/* loops.c - allocations without the interpreter's lock, and in threads that it does not know; for tests/odd.bats */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

void mallocs(int n, size_t size);
int in_threads(int n_threads, int n, size_t size);
void on_signal(int sig, size_t size);

void mallocs(int n, size_t size)
{
	for (int i = 0; i < n; i++) {
		void *volatile p = malloc(size);
		free(p);
	}
}

struct job {
	int n;
	size_t size;
};

static void *run(void *arg)
{
	struct job *j = arg;
	mallocs(j->n, j->size);
	return NULL;
}

int in_threads(int n_threads, int n, size_t size)
{
	pthread_t t[64];
	struct job j = { n, size };
	for (int i = 0; i < n_threads && i < 64; i++)
		if (pthread_create(&t[i], NULL, run, &j))
			return -1;
	for (int i = 0; i < n_threads && i < 64; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static size_t signal_size;

/* Allocating in a handler is not allowed, and done. */
static void handler(int sig)
{
	(void)sig;
	mallocs(1, signal_size);
}

void on_signal(int sig, size_t size)
{
	signal_size = size;
	signal(sig, handler);
}
