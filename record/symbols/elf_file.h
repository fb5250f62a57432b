/*
 * elf_file.h - opens an object file and its debug information by libdw without keeping descriptors open
 *
 * libdw keeps a descriptor for each open file, and a program can load more objects than a process may have
 * descriptors. As libdw maps the files, it does not need them any more, but it still believes that it owns them: after
 * elf_file_release() has closed one, the Dwfl must not be ended. So files stay open as long as memrec runs.
 */
#ifndef ELF_FILE_H
#define ELF_FILE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define ELF_FILE_DESCRIPTORS 8	/* the file, its debug information, and a part shared with others (dwz) */

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
 * Opens the file at `path` if it has that build id; `name` is its own name, which debug links are relative to. Returns
 * false if it has not, or is not an object file.
 */
bool elf_file_open(struct elf_file *f, const char *name, const char *path, const uint8_t *id, size_t id_size);
/* Closes libdw's descriptors. Call it after every new kind of query. `elf`: the file that answered, or NULL. */
void elf_file_release(struct elf_file *f, Elf *elf);

#endif
