/*
 * elf_file.c - opens an object file and its debug information by libdw without keeping descriptors open
 */
#include "elf_file.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xmalloc.h"

/*
 * Records a descriptor of libdw and its file: libdw may have closed it by itself since, and the number may now belong
 * to another file.
 */
static void note_open(struct elf_file *f, int fd)
{
	struct stat st;
	if (fd < 0 || f->n_open == ELF_FILE_DESCRIPTORS || fstat(fd, &st) < 0)
		return;
	f->open[f->n_open].fd = fd;
	f->open[f->n_open].device = st.st_dev;
	f->open[f->n_open++].file = st.st_ino;
}

/* The recorded program chooses the path, so opening a FIFO or a device must not block. */
static int open_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Opens the file at `path` if it has the module's build id; otherwise returns -1. */
static int open_by_id(Dwfl_Module *module, const char *path)
{
	const unsigned char *id;
	const void *there;
	GElf_Addr at;
	int n = dwfl_module_build_id(module, &id, &at), fd = open_file(path);
	Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
	bool same = elf && n > 0 && dwelf_elf_gnu_build_id(elf, &there) == n && memcmp(id, there, (size_t)n) == 0;
	elf_end(elf);
	if (!same && fd >= 0)
		close(fd);
	return same ? fd : -1;
}

/* Looks where debug links lead to: beside the file, in .debug there, and at the same place in /usr/lib/debug. */
static int find_by_link(Dwfl_Module *module, const char *path, const char *link, char **found)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	int folder = slash ? (int)(slash - path) : 0, fd = -1;
	for (unsigned i = 0; slash && fd < 0 && i < 3; i++) {
		const char *before = i == 2 ? "/usr/lib/debug" : "", *after = i == 1 ? "/.debug" : "";
		char *file = xasprintf("%s%.*s%s/%s%s", before, folder, path, after, link ? link : name,
				       link ? "" : ".debug");
		fd = open_by_id(module, file);
		if (fd >= 0)
			*found = file;
		else
			free(file);
	}
	return fd;
}

/* The standard search without its last resort: debuginfod's client needs 20 libraries, also if it has no server. */
static int find_here(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *path,
		     const char *link, GElf_Word crc, char **found)
{
	int fd = dwfl_build_id_find_debuginfo(module, user, name, base, path, link, crc, found);
	char *other = NULL;
	if (fd < 0 && path)
		fd = find_by_link(module, path, link, found);
	if (fd < 0 && path && (other = realpath(path, NULL)) != NULL && strcmp(path, other) != 0)
		fd = find_by_link(module, other, link, found);
	free(other);
	return fd;
}

static bool has_server(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	return urls && *urls;
}

static int find_debuginfo(Dwfl_Module *module, void **file, const char *name, Dwarf_Addr base, const char *path,
			  const char *link, GElf_Word crc, char **found)
{
	const unsigned char *id;
	GElf_Addr at;
	bool here = !has_server() && dwfl_module_build_id(module, &id, &at) > 0;
	int fd = (here ? find_here : dwfl_standard_find_debuginfo)(module, file, name, base, path, link, crc, found);
	if (*file)
		note_open(*file, fd);
	return fd;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* Returns whether the file is the one in the program's memory. */
static bool is_same(Dwfl_Module *m, const uint8_t *id, size_t id_size)
{
	const unsigned char *bits;
	GElf_Addr at;
	int n = dwfl_module_build_id(m, &bits, &at);
	if (n <= 0 || id_size == 0)
		return n <= 0 && id_size == 0;
	return (size_t)n == id_size && memcmp(bits, id, id_size) == 0;
}

bool elf_file_open(struct elf_file *f, const char *name, const char *path, const uint8_t *id, size_t id_size)
{
	*f = (struct elf_file){ .dwfl = NULL };
	int fd = open_file(path);
	if (fd < 0)
		return false;
	f->dwfl = dwfl_begin(&callbacks);
	if (!f->dwfl)
		goto failed;
	dwfl_report_begin(f->dwfl);
	/* name, not path: debug links are relative to it */
	f->module = dwfl_report_elf(f->dwfl, name, name, fd, 0, true);
	if (!f->module)
		goto failed;
	note_open(f, fd);
	fd = -1;			/* libdw owns it now */
	void **user;
	dwfl_module_info(f->module, &user, NULL, NULL, NULL, NULL, NULL, NULL);
	*user = f;
	if (dwfl_report_end(f->dwfl, NULL, NULL) == 0 && dwfl_module_getelf(f->module, &f->bias) &&
	    is_same(f->module, id, id_size)) {
		elf_file_release(f, NULL);
		return true;
	}
failed:
	if (f->dwfl)
		dwfl_end(f->dwfl);
	if (fd >= 0)
		close(fd);
	return false;
}

/* Reads the whole file, if it could not be mapped. */
static void read_whole(Elf *elf)
{
	if (elf)
		elf_cntl(elf, ELF_C_FDREAD);
}

void elf_file_release(struct elf_file *f, Elf *elf)
{
	GElf_Addr bias;
	if (f->n_open == 0)
		return;
	read_whole(dwfl_module_getelf(f->module, &bias));
	read_whole(elf);
	while (f->n_open) {
		struct stat st;
		unsigned i = --f->n_open;
		if (fstat(f->open[i].fd, &st) == 0 && st.st_dev == f->open[i].device && st.st_ino == f->open[i].file)
			close(f->open[i].fd);
	}
}
