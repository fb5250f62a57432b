/*
 * named.c - finds running processes by name
 */
#include "named.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/procfs.h"
#include "xmalloc.h"

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* A script is named with its extension or without. */
static bool is_name(const char *path, const char *name)
{
	const char *file = file_name(path);
	size_t n = strlen(name);
	return strncmp(file, name, n) == 0 && (file[n] == '\0' || strcmp(file + n, ".py") == 0);
}

/* Whether these words, each ended by a 0, are the command line of such a program. */
static bool is_command(const char *words, const char *end, const char *name)
{
	if (is_name(words, name))
		return true;
	if (strncmp(file_name(words), "python", 6) != 0)
		return false;
	const char *word = words + strlen(words) + 1;
	for (; word < end && *word == '-'; word += strlen(word) + 1) {
		const char *next = word + strlen(word) + 1;
		if (strcmp(word, "-m") == 0)
			return next < end && strcmp(next, name) == 0;
		if (strcmp(word, "-c") == 0)
			return false;
		if (strcmp(word, "-X") == 0 || strcmp(word, "-W") == 0)
			word = next;
	}
	return word < end && is_name(word, name);
}

static bool has_name(pid_t pid, const char *name)
{
	char path[64], text[4096];
	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	ssize_t n = procfs_read(path, text, sizeof text);
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	if (n > 0 && strcmp(text, name) == 0)
		return true;
	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	n = procfs_read(path, text, sizeof text);
	return n > 0 && is_command(text, text + n, name);
}

static int by_number(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

pid_t *named_find(const char *name, size_t *n)
{
	pid_t *pids = NULL;
	size_t cap = 0;
	DIR *proc = opendir("/proc");
	*n = 0;
	for (const struct dirent *e; proc && (e = readdir(proc)) != NULL;) {
		pid_t pid = (pid_t)atoi(e->d_name);
		if (pid > 0 && pid != getpid() && has_name(pid, name)) {
			GROW(pids, *n, cap);
			pids[(*n)++] = pid;
		}
	}
	if (proc)
		closedir(proc);
	if (*n)
		qsort(pids, *n, sizeof *pids, by_number);
	return pids;
}
