/*
 * elf_file.h - an object file and its debug information by libdw, of which no descriptor stays open
 *
 * libdw keeps one for each file it has open, and a program can load more objects than a process may have descriptors.
 * The files are mapped, so those are not needed any more. libdw believes it has them still: once one was
 * given back, a Dwfl must not be ended. What is open stays so as long as memrec lives.
 */
#ifndef ELF_FILE_H
#define ELF_FILE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define ELF_FILE_DESCRIPTORS 8	/* the file, its debug information, what that shares with others (dwz) */

struct elf_file {
	Dwfl *dwfl;
	Dwfl_Module *module;
	GElf_Addr bias;		/* libdw's address - bias = the file's */
	struct {
		int fd;
		dev_t device;
		ino_t file;
	} open[ELF_FILE_DESCRIPTORS];
	unsigned n_open;
};

/*
 * The file at `path`, if its build id is that one; `name` is its own, for links relative to it. False: it is not, or is
 * no object.
 */
bool elf_file_open(struct elf_file *f, const char *name, const char *path, const uint8_t *id, size_t id_size);
/* Give back what libdw opened meanwhile; after each look at something new. `elf`: where that was found, or NULL. */
void elf_file_release(struct elf_file *f, Elf *elf);

#endif
