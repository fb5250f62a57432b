/*
 * embed.c - a program that opens libpython late, with local or global symbols
 *
 * embed LIBRARY local|global: three times starts an interpreter, runs code that
 * allocates in functions of known names, and ends it. Run under the harness, whose
 * findings it prints.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char code[] =
	"def inner(n):\n"
	"    return [bytearray(900) for i in range(200)] if n == 0 else inner(n - 1)\n"
	"inner(10)\n";

static uintptr_t need(void *handle, const char *name)
{
	void *p = dlsym(handle, name);
	if (!p) {
		fprintf(stderr, "embed: %s\n", dlerror());
		exit(2);
	}
	return (uintptr_t)p;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	for (int i = 0; i < 10000; i++)		/* the agent looks for Python, finds none, and looks less often */
		free(malloc(100));
	void *python = dlopen(argv[1], RTLD_NOW | (strcmp(argv[2], "local") == 0 ? RTLD_LOCAL : RTLD_GLOBAL));
	if (!python) {
		fprintf(stderr, "embed: %s\n", dlerror());
		return 2;
	}
	void (*initialize)(int) = (void (*)(int))need(python, "Py_InitializeEx");
	int (*run)(const char *) = (int (*)(const char *))need(python, "PyRun_SimpleString");
	int (*finalize)(void) = (int (*)(void))need(python, "Py_FinalizeEx");
	void (*counts)(uint64_t *) = (void (*)(uint64_t *))need(RTLD_DEFAULT, "pt_counts");
	uint64_t c[10];
	for (int i = 0; i < 3; i++) {
		initialize(0);
		if (run(code) != 0 || finalize() < 0)
			return 1;
	}
	counts(c);
	printf("captures %" PRIu64 " mismatches %" PRIu64 " nodes %" PRIu64 " warnings %" PRIu64 "\n", c[0], c[3], c[4],
	       c[6]);
	return c[0] == 0 || c[3] != 0 || c[4] < 12 || c[6] != 0;
}
