/*
 * loading.c - libraries loaded and unloaded at the same addresses; signals; 8 threads
 *
 * usage: loading PLUGIN1 PLUGIN2; prints how often one was loaded where another one had been
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define LOOPS 1000
#define THREADS 8

static void *sink[64];
static volatile sig_atomic_t signals;

static void keep(unsigned i, void *p)
{
	free(__atomic_exchange_n(&sink[i % 64], p, __ATOMIC_SEQ_CST));
}

/* It interrupts only computing(), so malloc is safe here. */
static void handler(int sig)
{
	(void)sig;
	signals++;
	void *volatile p = malloc(40);
	free(p);
}

static __attribute__((noinline)) unsigned computing(unsigned n)
{
	volatile unsigned a[64] __attribute__((aligned(64))) = { 0 };
	for (unsigned i = 0; i < n; i++)
		a[i % 64] += i * a[(i + 7) % 64] + 1;
	return a[n % 64];
}

static __attribute__((noinline)) unsigned interrupted(int on_own_stack)
{
	static char space[1 << 16];
	stack_t ss = { .ss_sp = space, .ss_size = sizeof space }, none = { .ss_flags = SS_DISABLE };
	struct sigaction a = { .sa_handler = handler, .sa_flags = on_own_stack ? SA_ONSTACK : 0 };
	struct itimerval every = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
	sigaltstack(&ss, NULL);
	sigaction(SIGALRM, &a, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	unsigned r = 0;
	for (int i = 0; i < 300; i++)
		r += computing(200000);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaltstack(&none, NULL);
	return r;
}

static __attribute__((noinline)) void *recurse(int n)
{
	volatile char room[32];
	room[0] = (char)n;
	void *p = n ? recurse(n - 1) : malloc(24);
	if (n % 5 == 0)
		keep((unsigned)n, malloc((size_t)n + 8));
	return room[0] == (char)n ? p : NULL;
}

static void *thread(void *arg)
{
	for (int i = 0; i < 300; i++)
		keep((unsigned)i, recurse((int)(size_t)arg * 7 + i % 40));
	return NULL;
}

static int loads(char **paths)
{
	static void *seen[2];
	int again = 0;
	for (int i = 0; i < LOOPS; i++) {
		void *h = dlopen(paths[i & 1], RTLD_NOW);
		void *(*f)(int) = (void *(*)(int))dlsym(h, "plugin");
		if (!f)
			return -1;
		for (int depth = 1; depth < 4; depth++)
			keep((unsigned)i, f(depth));
		Dl_info where;
		dladdr((void *)f, &where);
		seen[i & 1] = where.dli_fbase;
		again += i > 0 && seen[0] == seen[1];
		dlclose(h);
	}
	return again;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];
	if (argc < 3)
		return 2;
	unsigned r = interrupted(0) + interrupted(1);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, thread, (void *)i);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	int again = loads(argv + 1);
	printf("again %d signals %s%s\n", again, signals > 50 ? "many" : "few", r == 1 ? "!" : "");
	return again > LOOPS / 2 && signals > 50 ? 0 : 1;
}
