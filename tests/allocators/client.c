/*
 * client.c - a program with a pool of its own, which reports its blocks by memrec.h
 *
 * For each line that it reads it makes and frees known blocks, and answers "done". A line that is the name of a
 * library opens that, and calls its work().
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memrec.h"

#define CHUNK 50000000

__attribute__((noinline)) void work(void)
{
	static char *chunk;
	int hidden = memrec_hide();
	if (!chunk)
		chunk = malloc(CHUNK);
	int inner = memrec_hide();
	void *volatile small = malloc(1000);
	free(small);
	memrec_show(inner);
	void *volatile unseen = malloc(60000000);
	memrec_show(hidden);
	memrec_alloc(chunk, BYTES);
	memrec_alloc(chunk + 1000000, 500000);
	memrec_free(chunk + 1000000);
	memrec_alloc(chunk + 1000000, 600000);
	memrec_free(NULL);
	void *volatile seen = malloc(70000);
	free(seen);
	free(unseen);
}

#ifndef LIBRARY
int main(void)
{
	char line[4096];
	puts("ready");
	while (fflush(stdout), fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		void *library = line[0] == '.' ? dlopen(line, RTLD_NOW) : NULL;
		if (library)
			((void (*)(void))dlsym(library, "work"))();
		else
			work();
		puts("done");
	}
	return 0;
}
#endif
