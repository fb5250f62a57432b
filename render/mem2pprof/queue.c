/*
 * queue.c - profiles on disk that wait to be sent
 */
#include "queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "xmalloc.h"

static char *temporary_folder(void)
{
	const char *parent = getenv("TMPDIR");
	char *path = xasprintf("%s/mem2pprof-XXXXXX", parent && *parent ? parent : "/tmp");

	if (!mkdtemp(path))
		die("cannot create a folder %s: %s", path, strerror(errno));
	return path;
}

struct queue queue_open(const char *path)
{
	struct queue q = { .path = path ? xstrdup(path) : temporary_folder(), .temporary = !path };

	if (path && mkdir(path, 0700) < 0 && errno != EEXIST)
		die("cannot create the queue %s: %s", path, strerror(errno));
	q.fd = open(q.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (q.fd < 0)
		die("cannot open the queue %s: %s", q.path, strerror(errno));
	if (flock(q.fd, LOCK_EX | LOCK_NB) < 0)
		die("the queue %s is in use by another mem2pprof: give each a folder of its own", q.path);
	return q;
}

void queue_close(struct queue *q)
{
	if (q->temporary)
		rmdir(q->path);
	close(q->fd);
	free(q->path);
	*q = (struct queue){ .fd = -1 };
}

/* Calls see(arg, name) for each profile. */
static void each(const struct queue *q, void (*see)(void *arg, const char *name), void *arg)
{
	static const char end[] = ".pb.gz";
	int fd = openat(q->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

	if (!folder)
		die("cannot read the queue %s: %s", q->path, strerror(errno));
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		size_t n = strlen(entry->d_name);
		if (entry->d_name[0] != '.' && n > strlen(end) && strcmp(entry->d_name + n - strlen(end), end) == 0)
			see(arg, entry->d_name);
	}
	closedir(folder);
}

/* Names begin with a time of 13 digits, so their order is that of their times. */
static void see_oldest(void *oldest, const char *name)
{
	if (*(char *)oldest == '\0' || strcmp(name, oldest) < 0)
		strcpy(oldest, name);
}

bool queue_oldest(const struct queue *q, char name[NAME_MAX + 1])
{
	name[0] = '\0';
	each(q, see_oldest, name);
	return name[0] != '\0';
}

void queue_remove(const struct queue *q, const char *name)
{
	unlinkat(q->fd, name, 0);
}

static void see_count(void *count, const char *name)
{
	(void)name;
	++*(size_t *)count;
}

size_t queue_count(const struct queue *q)
{
	size_t count = 0;

	each(q, see_count, &count);
	return count;
}

struct bytes_of {
	const struct queue *q;
	uint64_t bytes;
};

static void see_bytes(void *sum, const char *name)
{
	struct bytes_of *s = sum;
	struct stat st;

	if (fstatat(s->q->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		s->bytes += (uint64_t)st.st_size;
}

size_t queue_limit(const struct queue *q, uint64_t most_bytes)
{
	size_t discarded = 0;

	for (;; discarded++) {
		struct bytes_of all = { .q = q };
		char oldest[NAME_MAX + 1];

		each(q, see_bytes, &all);
		if (all.bytes <= most_bytes || queue_count(q) <= 1 || !queue_oldest(q, oldest))
			return discarded;
		queue_remove(q, oldest);
	}
}
