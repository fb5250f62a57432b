/*
 * symbols.h - from an address in an object file to functions, files and lines
 *
 * Files are opened when they are first named, while the program runs, so
 * results do not depend on whether the files are kept. Debug
 * information comes from the file itself, from the separate file that its build
 * id or debug link names, or from debuginfod if DEBUGINFOD_URLS is set.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct symbols;

/* An object file. Processes that load the same file share it. */
struct object {
	char *name;			/* the path, as the program knows it */
	char build_id[2 * 64 + 1];	/* hexadecimal; "" = none */
	struct stat file;		/* if there is no build id; all 0: it could not be read */
	struct object *next;
	struct dwfl_object *data;	/* symbols.c */
};

/* A function at an address. There may be several, inlined into one another. */
struct location {
	const char *name;		/* demangled; "libx.so+0x1234" if no symbol covers the address */
	const char *file;		/* "" = not known */
	uint32_t line;			/* 0 = not known */
};

/* Lives until memrec exits: see elf_file.h. */
struct symbols *symbols_new(void);

/*
 * Returns the object that a program knows as `name`; `path` is where to open it from
 * here. The id is the one in the program's memory; a file with another id is not
 * used. Without an id, it is the same object if the file has not been changed. Owned by s.
 */
struct object *symbols_object(struct symbols *s, const char *name, const char *path, const uint8_t *id, size_t id_size);

/*
 * Finds the functions at an address of the file (as in its symbol table): the
 * innermost inlined function first, the containing function last. At least one.
 * Texts live as long as s, the array until the next call.
 */
size_t symbols_locate(struct symbols *s, struct object *o, uint64_t address, const struct location **locations);

#endif
