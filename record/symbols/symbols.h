/*
 * symbols.h - from an address in an object file to functions, files and lines
 *
 * Files are opened when they are named and read while the program runs, so
 * that what is written down does not depend on their staying. Debug
 * information is taken from the file itself, from the separate file its build
 * id or debug link names, and from debuginfod if DEBUGINFOD_URLS is set.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbols;

/* An object file. Two processes that load one file share it. */
struct object {
	char *name;			/* the path, as the program knows it */
	char build_id[2 * 64 + 1];	/* hexadecimal; "" = none */
	struct object *next;
	struct dwfl_object *data;	/* symbols.c */
};

/* A function at an address: the compiler may have inlined several into one another there. */
struct location {
	const char *name;		/* demangled; "libx.so+0x1234" if no symbol covers the address */
	const char *file;		/* "" = not known */
	uint32_t line;			/* 0 = not known */
};

/* Lives as long as memrec does: see elf_file.h. */
struct symbols *symbols_new(void);

/*
 * The object that a program knows as `name`; `path` is where to open it from
 * here. The id is the one in the program's memory: a file with another is not
 * believed. Owned by s.
 */
struct object *symbols_object(struct symbols *s, const char *name, const char *path, const uint8_t *id, size_t id_size);

/*
 * What is at an address of the file (as its own symbol table counts): the
 * innermost inlined function first, the function itself last. At least one.
 * Texts stay, the array is good until the next call.
 */
size_t symbols_locate(struct symbols *s, struct object *o, uint64_t address, const struct location **locations);

#endif
