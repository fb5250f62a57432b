/*
 * fuzz.c - run inputs one after another in one process, each as if it were the first
 *
 * Built without sanitizers, as it copies variables including the guards between them.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sanitizer/allocator_interface.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MOST_BLOCKS (4u << 20)	/* allocations beyond this are not released */
#define MOST_STREAMS 64

int LLVMFuzzerInitialize(int *argc, char ***argv);

static bool running;
static int file = -1;
static jmp_buf ended;
static int first_fd = -1;	/* from here on they are the input's */
static const volatile void **blocks;
static size_t n_blocks;
static FILE *streams[MOST_STREAMS];

/* ---------------------------------------------------------------- variables */

extern char __start_fuzz_bss[] __attribute__((weak)), __stop_fuzz_bss[] __attribute__((weak));
extern char __start_fuzz_data[] __attribute__((weak)), __stop_fuzz_data[] __attribute__((weak));
static char *kept_data, *kept_bss;

/* Not memcpy(), which the sanitizer watches. */
static void copy(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
		__asm__ volatile("" : : : "memory");
	}
}

static char *keep(const char *from, const char *end)
{
	char *kept = malloc((size_t)(end - from) + 1);
	if (!kept)
		abort();
	copy(kept, from, (size_t)(end - from));
	return kept;
}

static void restore_variables(void)
{
	copy(__start_fuzz_data, kept_data, (size_t)(__stop_fuzz_data - __start_fuzz_data));
	copy(__start_fuzz_bss, kept_bss, (size_t)(__stop_fuzz_bss - __start_fuzz_bss));
}

/* ---------------------------------------------------------------- memory, streams, the end */

static void allocated(const volatile void *p, size_t size)
{
	(void)size;
	if (running && n_blocks < MOST_BLOCKS)
		blocks[n_blocks++] = p;
}

static void freed(const volatile void *p)
{
	(void)p;
}

FILE *__real_fopen(const char *path, const char *mode);
int __real_fclose(FILE *f);
void __real_exit(int status) __attribute__((noreturn));
void __real__exit(int status) __attribute__((noreturn));
FILE *__wrap_fopen(const char *path, const char *mode);
int __wrap_fclose(FILE *f);
void __wrap_exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

FILE *__wrap_fopen(const char *path, const char *mode)
{
	FILE *f = __real_fopen(path, mode);
	for (size_t i = 0; f && running && i < MOST_STREAMS; i++)
		if (!streams[i]) {
			streams[i] = f;
			break;
		}
	return f;
}

int __wrap_fclose(FILE *f)
{
	for (size_t i = 0; i < MOST_STREAMS; i++)
		if (streams[i] == f)
			streams[i] = NULL;
	return __real_fclose(f);
}

void __wrap_exit(int status)
{
	if (running)
		longjmp(ended, 1);
	__real_exit(status);
}

void __wrap__exit(int status)
{
	if (running)
		longjmp(ended, 1);
	__real__exit(status);
}

static void release(void)
{
	for (size_t i = 0; i < MOST_STREAMS; i++)
		if (streams[i])
			__wrap_fclose(streams[i]);
	/* A freed block is not owned, and its address is not reused before the input ends. */
	for (size_t i = 0; i < n_blocks; i++)
		if (__sanitizer_get_ownership(blocks[i]))
			free((void *)(uintptr_t)blocks[i]);
	n_blocks = 0;
	close_range((unsigned)first_fd, ~0u, 0);
	restore_variables();
}

/* Not at the beginning: the fuzzer opens some for itself. */
static void find_first_fd(void)
{
	first_fd = dup(file);
	close(first_fd);
}

void fuzz_run(void (*f)(void *arg), void *arg)
{
	if (first_fd < 0)
		find_first_fd();
	running = true;
	if (setjmp(ended) == 0)
		f(arg);
	running = false;
	fflush(stdout);
	clearerr(stdout);
	release();
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
	static char path[64];
	if (ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	return path;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char buffer[1 << 16];
	(void)argc, (void)argv;
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	file = memfd_create("input", MFD_CLOEXEC);
	blocks = mmap(NULL, MOST_BLOCKS * sizeof *blocks, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (file < 0 || blocks == MAP_FAILED)
		abort();
	kept_data = keep(__start_fuzz_data, __stop_fuzz_data);
	kept_bss = keep(__start_fuzz_bss, __stop_fuzz_bss);
	tzset();	/* streams that the C library keeps */
	__sanitizer_install_malloc_and_free_hooks(allocated, freed);
	return 0;
}
