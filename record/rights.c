/*
 * rights.c - root's memrec, recording another user's process, needs root's rights only to load the agent
 */
#include "rights.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/procfs.h"
#include "error.h"

#define MOST_GROUPS 256

/* The process's supplementary groups, at most MOST_GROUPS. Returns their number; -1: not known. */
static int groups_of(pid_t pid, gid_t *groups)
{
	char path[32], text[16384];
	int n = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if (procfs_read(path, text, sizeof text) <= 0)
		return -1;
	char *p = strstr(text, "\nGroups:");
	if (!p)
		return -1;
	p += strlen("\nGroups:");
	for (char *end; n < MOST_GROUPS; p = end) {
		p += strspn(p, " \t");
		if (*p == '\n' || *p == '\0')
			break;
		groups[n++] = (gid_t)strtoul(p, &end, 10);
		if (end == p)
			return -1;
	}
	return n;
}

/* Whether we, as we are, may look at the process: its program, and files as it sees them. */
static bool is_readable(pid_t pid)
{
	char path[32], link[16];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	if (readlink(path, link, sizeof link) < 0)
		return false;
	snprintf(path, sizeof path, "/proc/%d/root/", (int)pid);
	return stat(path, &st) == 0;
}

static gid_t our_groups[MOST_GROUPS];
static int n_our_groups;

void rights_restore(void)
{
	if (seteuid(0) < 0 || setegid(getgid()) < 0 || setgroups((size_t)n_our_groups, our_groups) < 0)
		die("cannot return to root's rights: %s", strerror(errno));
}

bool rights_lower(pid_t pid)
{
	char path[32];
	struct stat st;
	gid_t groups[MOST_GROUPS];
	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	int n = groups_of(pid, groups);
	n_our_groups = getgroups(MOST_GROUPS, our_groups);
	if (geteuid() != 0 || getuid() != 0 || n < 0 || n_our_groups < 0 || stat(path, &st) < 0 || st.st_uid == 0)
		return false;
	if (setgroups((size_t)n, groups) == 0 && setegid(st.st_gid) == 0 && seteuid(st.st_uid) == 0 && is_readable(pid))
		return true;
	rights_restore();
	return false;
}

void rights_give_up(void)
{
	uid_t user = geteuid();
	gid_t group = getegid();
	if (seteuid(0) < 0 || setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
		die("cannot give up root's rights: %s", strerror(errno));
}
