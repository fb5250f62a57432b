/*
 * cgroup.c - the memory cgroup of a process, of both versions, in folders made here
 */
#include "cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "error.h"
#include "xmalloc.h"

static char root[] = "/tmp/memrec-cgroup-XXXXXX";

static void put(const char *folder, const char *file, const char *text)
{
	char *path = xasprintf("%s/%s/%s", root, folder, file);
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		die("%s: cannot be written", path);
	free(path);
}

static void make(const char *folder)
{
	char *path = xasprintf("%s/%s", root, folder);

	if (mkdir(path, 0700) < 0)
		die("%s: cannot be made", path);
	free(path);
}

static bool is(char *folder, const char *below)
{
	char *want = below ? xasprintf("%s%s", root, below) : NULL;
	bool same = folder && want ? strcmp(folder, want) == 0 : folder == want;

	free(want);
	free(folder);
	return same;
}

int main(void)
{
	program_name = "cgroup";
	if (!mkdtemp(root))
		die("no folder for tests");
	make("a");
	make("a/b");
	put("a", "memory.max", "5000\n");
	put("a/b", "memory.max", "max\n");
	put("a/b", "memory.events", "low 0\nhigh 7\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n");
	put("a/b", "memory.peak", "4900\n");
	CHECK("version 2: the folder of the process", is(cgroup_folder(root, "0::/a/b\n"), "/a/b"));
	CHECK("one that is not to be seen here is the root", is(cgroup_folder(root, "0::/elsewhere\n"), ""));
	CHECK("no line is no folder",
	      cgroup_folder(root, "1:name=systemd:/a\n") == NULL && cgroup_folder(root, "") == NULL);
	char *folder = xasprintf("%s/a/b", root);
	struct cgroup_state s = cgroup_read(root, folder);
	CHECK("the least limit above counts", s.limit == 5000);
	CHECK("kills, and the most that was used", s.kills == 2 && s.most == 4900);
	free(folder);

	make("memory");
	make("memory/c");
	put("memory", "memory.limit_in_bytes", "9223372036854771712\n");
	put("memory/c", "memory.limit_in_bytes", "9223372036854771712\n");
	put("memory/c", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
	put("memory/c", "memory.max_usage_in_bytes", "77\n");
	CHECK("version 1: by its controller",
	      is(cgroup_folder(root, "9:name=systemd:/a\n4:cpu,memory:/c\n0::/\n"), "/memory/c"));
	folder = xasprintf("%s/memory/c", root);
	s = cgroup_read(root, folder);
	CHECK("its largest limit is none", s.limit == CGROUP_NO_LIMIT && s.kills == 4 && s.most == 77);
	free(folder);
	s = cgroup_read(root, NULL);
	CHECK("nothing known is no limit", s.limit == CGROUP_NO_LIMIT && s.kills == 0 && s.most == 0);

	char *command = xasprintf("rm -r %s", root);
	int removed = system(command);
	free(command);
	CHECK("the folder is gone", removed == 0);
	return check_done();
}
