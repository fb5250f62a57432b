/*
 * tool.c - a command, its arguments in FUZZ_ARGS: @@ is the input
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define MOST_ARGUMENTS 64

int tool_main(int argc, char **argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(void *arg)
{
	const char *path = arg, *given = getenv("FUZZ_ARGS");
	char *words = strdup(given ? given : "@@"), *rest = NULL;
	char *argv[MOST_ARGUMENTS + 1] = { "fuzzed" };
	int argc = 1;
	for (char *w = strtok_r(words, " ", &rest); w && argc < MOST_ARGUMENTS; w = strtok_r(NULL, " ", &rest))
		argv[argc++] = strcmp(w, "@@") ? w : strdup(path);
	optind = 0;	/* getopt starts again */
	tool_main(argc, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int null = -1;
	if (null < 0) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, STDOUT_FILENO);
	}
	fuzz_run(run, (void *)(uintptr_t)fuzz_file(data, size));
	return 0;
}
