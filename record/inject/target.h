/*
 * target.h - reads a running process from outside
 *
 * Everything is read from its memory, never from the files it was loaded
 * from: they may be deleted, replaced, or in another mount namespace. No thread is stopped.
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
	uint64_t symbols, strings, gnu_hash;	/* 0: none */
	uint64_t eh_frame_hdr;
	bool is_program;			/* has an interpreter */
	char soname[64];
	char path[256];				/* as in /proc/PID/maps */
};

struct target {
	pid_t pid;
	int mem;				/* /proc/PID/mem, open for writing */
	struct mapping *mappings;
	size_t n_mappings, cap_mappings;
	struct target_module *modules;
	size_t n_modules, cap_modules;
	const struct target_module *libc, *loader;	/* in the main namespace; NULL: none */
};

/* Reads n bytes at an address of the process. Returns false unless all are there. */
bool target_read(const struct target *t, uint64_t address, void *to, size_t n);
/* Writes where the process itself may write. */
bool target_write(const struct target *t, uint64_t address, const void *from, size_t n);
/* Writes to any mapped memory: the process gets a copy of a read-only page. */
bool target_write_any(const struct target *t, uint64_t address, const void *from, size_t n);

/* Reads its mappings and modules; may be called again. False with errno set: it is gone, or access is denied. */
bool target_load(struct target *t);
/* Opens and loads a process. Returns false with errno set; call target_clear() even then. */
bool target_open(struct target *t, pid_t pid);
void target_clear(struct target *t);

/* Returns the address of a function that the module defines, and its size unless size is NULL. 0: none. */
uint64_t module_symbol(const struct target *t, const struct target_module *m, const char *name, uint64_t *size);
/* Returns the end of the last exported function below this address. */
uint64_t module_gap_before(const struct target *t, const struct target_module *m, uint64_t address);
/* Returns the module that contains an address, or NULL. */
const struct target_module *module_at(const struct target *t, uint64_t address);

/* Reads the value of `key` in /proc/PID/status. Returns false if there is none. */
bool status_line(pid_t pid, const char *key, char *to, size_t size);

#endif
