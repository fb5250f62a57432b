/*
 * one.c - all commands in one program: the name it is called by says which
 *
 * Wheels and tarballs hold this program, linked statically, with the agent inside: it runs on any Linux of its
 * architecture, whatever C library is installed there, and one file copied into a container is enough.
 * The other names are links to it, or where links cannot be (wheels), stub.c.
 */
#include <stdio.h>
#include <string.h>

#define COMMAND(name, main) int main(int argc, char **argv);
#include "one-commands.h"
#undef COMMAND

/*
 * dlopen(), by which libdw looks for libdebuginfod (-Wl,--wrap). A static program that loads a library
 * loads a second C library with it, and may crash: there is none.
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
	return main_memrec(argc, argv);		/* by whatever name the file was given */
}
