/* loops.c - allocations without the GIL, and in threads that the interpreter does not know; for tests/odd.bats */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

void mallocs(int n, size_t size);
int in_threads(int n_threads, int n, size_t size);
void on_signal(int sig, size_t size);
void name_crashes(void);

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

/* Programs allocate in signal handlers, although it is not allowed. */
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

/* Names the object in which the program crashed, then lets it die as it would have. */
static void name_crash(int sig, siginfo_t *info, void *context)
{
#if defined(__x86_64__)
	void *at = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#else
	void *at = (void *)((ucontext_t *)context)->uc_mcontext.pc;
#endif
	Dl_info object;
	(void)info;
	if (dladdr(at, &object) && write(STDERR_FILENO, "crash in ", 9) == 9 &&
	    write(STDERR_FILENO, object.dli_fname, strlen(object.dli_fname)) > 0 && write(STDERR_FILENO, "\n", 1) == 1)
		;
	signal(sig, SIG_DFL);
	raise(sig);
}

void name_crashes(void)
{
	struct sigaction a = { .sa_sigaction = name_crash, .sa_flags = SA_SIGINFO | SA_NODEFER };
	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGBUS, &a, NULL);
}
