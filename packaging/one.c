/*
 * one.c - all commands in one program; the name by which it is called selects one
 *
 * Wheels and tarballs hold this program, linked statically, with the agent inside: it runs on any Linux of its
 * architecture, with any C library, and one file copied into a container is enough.
 * The other commands are links to it, or in wheels, which cannot contain links, stub.c.
 */
#include <stdio.h>
#include <string.h>

#define COMMAND(name, main) int main(int argc, char **argv);
#include "one-commands.h"
#undef COMMAND

/*
 * Replaces dlopen() (-Wl,--wrap), with which libdw loads libdebuginfod: a static program that loads a library
 * loads a second C library with it, and may crash.
 */
void *__wrap_dlopen(const char *file, int mode);
void *__wrap_dlopen(const char *file, int mode)
{
	(void)file, (void)mode;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*main)(int, char **);
	} commands[] = {
#define COMMAND(name, main) { name, main },
#include "one-commands.h"
	};
	const char *called = argc > 0 ? argv[0] : "", *slash = strrchr(called, '/'), *name = slash ? slash + 1 : called;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].main(argc, argv);
	return main_memrec(argc, argv);		/* the file may have any other name */
}
