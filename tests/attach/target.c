/*
 * target.c - programs to attach to: target KIND
 *
 * malloc8: eight threads that allocate, fill, check and free without pause, and a
 * ninth that sleeps. dlopen: loads and unloads a library forever. Both exit with 9 if a
 * block's content has changed, with 0 at SIGTERM. gaps: one thread that reads the clock
 * and, at each SIGUSR1, prints the longest gap since the last one, in microseconds.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopped, asked;

static void on_term(int sig)
{
	if (sig == SIGTERM)
		stopped = 1;
	else
		asked = 1;
}

static void *churn(void *seed)
{
	unsigned s = (unsigned)(uintptr_t)seed;
	while (!stopped) {
		unsigned char *p[16];
		for (int i = 0; i < 16; i++) {
			size_t n = 16 + rand_r(&s) % 2000;
			p[i] = malloc(n);
			memset(p[i], i, n);
			if (i & 1)
				p[i] = realloc(p[i], n * 2);
		}
		for (int i = 0; i < 16; i++) {
			if (p[i][15] != i)
				_exit(9);
			free(p[i]);
		}
	}
	return NULL;
}

static void malloc8(void)
{
	pthread_t t[8];
	for (uintptr_t i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, churn, (void *)(i + 1));
	while (!stopped)
		pause();
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
}

static void load(void)
{
	while (!stopped) {
		void *h = dlopen("libz.so.1", RTLD_NOW);
		if (!h || !dlsym(h, "deflate"))
			_exit(9);
		void *p = malloc(100);
		free(p);
		dlclose(h);
	}
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000;
}

static void gaps(void)
{
	uint64_t longest = 0, last = now_us();
	while (!stopped) {
		uint64_t t = now_us();
		if (t - last > longest)
			longest = t - last;
		last = t;
		if (asked) {
			asked = 0;
			printf("%llu\n", (unsigned long long)longest);
			fflush(stdout);
			longest = 0;
			last = now_us();
		}
	}
}

int main(int argc, char **argv)
{
	struct sigaction a = { .sa_handler = on_term };
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGUSR1, &a, NULL);
	if (argc == 2 && strcmp(argv[1], "malloc8") == 0)
		malloc8();
	else if (argc == 2 && strcmp(argv[1], "dlopen") == 0)
		load();
	else if (argc == 2 && strcmp(argv[1], "gaps") == 0)
		gaps();
	else
		return 2;
	return 0;
}
