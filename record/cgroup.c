/*
 * cgroup.c - the memory cgroup of a process
 *
 * Source: cgroups(7); the kernel's documents cgroup-v2.rst and cgroup-v1/memory.rst
 */
#include "cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/procfs.h"
#include "xmalloc.h"

#define ROOT "/sys/fs/cgroup"

/* "4:cpu,memory:/a/b": whether the controllers have that name. */
static bool has_controller(const char *list, const char *end, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p < end; p += strcspn(p, ",:") + 1)
		if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == ':'))
			return true;
	return false;
}

/* The part of a line after the second colon, of n letters; NULL: the line is of another hierarchy. */
static const char *path_in(const char *line, const char *controller, size_t *n)
{
	const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

	if (!path || !(*controller ? has_controller(list + 1, path, controller) : path == list + 1))
		return NULL;
	*n = strcspn(path + 1, "\n");
	return path + 1;
}

static char *folder_of(const char *base, const char *proc_cgroup, const char *controller)
{
	for (const char *line = proc_cgroup; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		size_t n;
		const char *path = path_in(line, controller, &n);
		if (!path)
			continue;
		char *folder = xasprintf("%s%.*s", base, (int)n, path);
		if (access(folder, R_OK) == 0)
			return folder;
		free(folder);
		return xstrdup(base);		/* a container sees its own as the root */
	}
	return NULL;
}

char *cgroup_folder(const char *root, const char *proc_cgroup)
{
	char *base = xasprintf("%s/memory", root);
	char *folder = access(base, R_OK) == 0 ? folder_of(base, proc_cgroup, "memory") : NULL;

	free(base);
	return folder ? folder : folder_of(root, proc_cgroup, "");
}

char *cgroup_of(pid_t pid)
{
	char path[64], text[8192];

	snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
	ssize_t n = procfs_read(path, text, sizeof text - 1);
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	return cgroup_folder(ROOT, text);
}

/* The number in a file of the folder: after `key` and a blank, or of a file that is only a number. */
static uint64_t number_in(const char *folder, const char *file, const char *key, uint64_t otherwise)
{
	char text[4096], *path = xasprintf("%s/%s", folder, file);
	ssize_t n = procfs_read(path, text, sizeof text - 1);

	free(path);
	if (n <= 0)
		return otherwise;
	text[n] = '\0';
	size_t size = strlen(key);
	const char *at = text;
	while (size && at && !(strncmp(at, key, size) == 0 && at[size] == ' '))
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	char *end;
	unsigned long long number = at ? strtoull(at + size, &end, 10) : 0;
	return at && end > at + size ? number : otherwise;
}

/* Version 1 has a large number for no limit. */
static uint64_t limit_of(const char *folder)
{
	uint64_t limit = number_in(folder, "memory.max", "", CGROUP_NO_LIMIT);

	limit = number_in(folder, "memory.limit_in_bytes", "", limit);
	return limit >= UINT64_C(1) << 62 ? CGROUP_NO_LIMIT : limit;
}

struct cgroup_state cgroup_read(const char *root, const char *folder)
{
	struct cgroup_state state = { .limit = CGROUP_NO_LIMIT };

	if (!folder)
		return state;
	state.most = number_in(folder, "memory.max_usage_in_bytes", "", number_in(folder, "memory.peak", "", 0));
	state.kills = number_in(folder, "memory.oom_control", "oom_kill",
				number_in(folder, "memory.events", "oom_kill", 0));
	char *at = xstrdup(folder);
	while (strlen(at) >= strlen(root)) {
		uint64_t limit = limit_of(at);
		state.limit = limit < state.limit ? limit : state.limit;
		char *slash = strrchr(at, '/');
		if (!slash || slash == at)
			break;
		*slash = '\0';
	}
	free(at);
	return state;
}

struct cgroup_state cgroup_state(const char *folder)
{
	return cgroup_read(ROOT, folder);
}
