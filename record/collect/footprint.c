/*
 * footprint.c - how the memory of a process is divided, as the system sees it
 */
#include "footprint.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds a line such as "Private_Dirty:       132 kB"; returns whether it was a number of this file. */
static bool add_line(struct footprint *f, const char *line)
{
	static const struct { const char *name; size_t offset; } lines[] = {
		{ "Pss:", offsetof(struct footprint, proportional) },
		{ "Shared_Clean:", offsetof(struct footprint, shared) },
		{ "Shared_Dirty:", offsetof(struct footprint, shared) },
		{ "Private_Clean:", offsetof(struct footprint, private) },
		{ "Private_Dirty:", offsetof(struct footprint, private) },
		{ "Shared_Hugetlb:", offsetof(struct footprint, shared) },
		{ "Private_Hugetlb:", offsetof(struct footprint, private) },
		{ "SwapPss:", offsetof(struct footprint, swap) },
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		size_t n = strlen(lines[i].name);
		if (strncmp(line, lines[i].name, n) == 0) {
			*(uint64_t *)((char *)f + lines[i].offset) += strtoull(line + n, NULL, 10) * 1024;
			return true;
		}
	}
	return false;
}

/* A file of all mappings has such lines for each: they are added up. */
static bool read_file(const char *path, struct footprint *f)
{
	char line[256];
	bool any = false;
	FILE *file = fopen(path, "re");
	*f = (struct footprint){ 0 };
	while (file && fgets(line, sizeof line, file))
		any |= add_line(f, line);
	if (file)
		fclose(file);
	return any;
}

bool footprint_read(pid_t pid, struct footprint *f)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	if (read_file(path, f))
		return true;
	snprintf(path, sizeof path, "/proc/%d/smaps", (int)pid);
	return read_file(path, f);
}
