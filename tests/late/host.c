/*
 * host.c - a program that loads Python late: itself, or by a plugin that is linked with libpython
 *
 *     host N LIBRARY [BROKEN]     after N allocations; BROKEN: a library that also needs libpython, and fails to load
 *
 * LIBRARY is a libpython, or a plugin with the function `run_plugin`. Prints 20, the number of blocks.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void allocate(int n)
{
	for (int i = 0; i < n; i++) {
		void *volatile p = malloc((size_t)(10 + i % 50));
		free(p);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	allocate(atoi(argv[1]));
	if (argc > 3) {
		if (dlopen(argv[3], RTLD_NOW))
			return 3;
		allocate(20000);
	}
	void *h = dlopen(argv[2], RTLD_NOW | RTLD_GLOBAL);
	if (!h) {
		puts(dlerror());
		return 1;
	}
	int (*plugin)(void) = (int (*)(void))dlsym(h, "run_plugin");
	if (plugin)
		return plugin();
	*(int *)dlsym(h, "Py_NoSiteFlag") = 1;
	((void (*)(int))dlsym(h, "Py_InitializeEx"))(0);
	return ((int (*)(const char *))dlsym(h, "PyRun_SimpleString"))("def grab(n): return bytearray(n)\n"
								       "x = [grab(1000000 + i) for i in range(20)]\n"
								       "print(len(x))\n");
}
