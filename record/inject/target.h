/*
 * target.h - a running process, read from outside
 *
 * Everything is read from its memory, nothing from the files it was loaded
 * from: they may be deleted, replaced, or in another mount namespace. Nobody is stopped for it.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mapping {
	uint64_t start, end;
	bool executable;
};

/* A loaded object. */
struct target_module {
	uint64_t bias, start, end;
	uint64_t text_start, text_end;		/* its executable segment */
	uint64_t symbols, strings, gnu_hash;	/* 0: it has none */
	uint64_t eh_frame_hdr;
	bool is_program;			/* has an interpreter */
	char soname[64];
	char path[256];				/* as the process's maps say */
};

struct target {
	pid_t pid;
	int mem;				/* /proc/PID/mem, open for writing */
	struct mapping *mappings;
	size_t n_mappings, cap_mappings;
	struct target_module *modules;
	size_t n_modules, cap_modules;
	const struct target_module *libc, *loader;	/* of the program's own namespace; NULL: none */
};

/* n bytes at an address of the process. False: they are not all there. */
bool target_read(const struct target *t, uint64_t address, void *to, size_t n);
/* Where the process itself may write. */
bool target_write(const struct target *t, uint64_t address, const void *from, size_t n);
/* Also where it may only read: it gets a copy of the page. */
bool target_write_any(const struct target *t, uint64_t address, const void *from, size_t n);

/* Read its mappings and modules (anew). False: it is gone, or forbidden (errno). */
bool target_load(struct target *t);
/* Open and read it. False: errno; target_clear() is to be called all the same. */
bool target_open(struct target *t, pid_t pid);
void target_clear(struct target *t);

/* The address of a function a module defines; 0: none. size may be NULL. */
uint64_t module_symbol(const struct target *t, const struct target_module *m, const char *name, uint64_t *size);
/* Where the last exported function below this address ends. */
uint64_t module_gap_before(const struct target *t, const struct target_module *m, uint64_t address);
/* Where an address lies; NULL: in no module. */
const struct target_module *module_at(const struct target *t, uint64_t address);

/* A line of /proc/PID/status. False: there is none. */
bool status_line(pid_t pid, const char *key, char *to, size_t size);

#endif
