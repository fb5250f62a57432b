/*
 * image.c - detects that a process that is not our child has executed another program, and why it has no agent
 */
#include "image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

#define LOOK_MS 500

void image_read(struct image *image, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/auxv", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	image->hidden = fd < 0 && (errno == EACCES || errno == EPERM);
	memset(image->words, 0, sizeof image->words);
	if (fd >= 0 && read(fd, image->words, sizeof image->words) < 0)
		memset(image->words, 0, sizeof image->words);
	if (fd >= 0)
		close(fd);
}

bool image_changed(struct image *image, pid_t pid, uint32_t now_ms)
{
	struct image now;
	if (image->words[0] == 0 || now_ms - image->looked_ms < LOOK_MS)
		return false;
	image->looked_ms = now_ms;
	image_read(&now, pid);
	if (!now.hidden && (now.words[0] == 0 || memcmp(now.words, image->words, sizeof now.words) == 0))
		return false;
	image->words[0] = 0;
	return true;
}

/* Returns an entry of the auxiliary vector; false: it has none. */
static bool entry(const struct image *image, uint64_t type, uint64_t *value)
{
	size_t n = sizeof image->words / sizeof *image->words;
	for (size_t i = 0; i + 1 < n && image->words[i] != AT_NULL; i += 2)
		if (image->words[i] == type) {
			*value = image->words[i + 1];
			return true;
		}
	return false;
}

static bool is_in_environment(pid_t pid, const char *start)
{
	char path[64], *text = NULL;
	size_t cap = 0;
	bool found = false;
	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	FILE *f = fopen(path, "re");
	while (f && !found && getdelim(&text, &cap, '\0', f) > 0)
		found = strncmp(text, start, strlen(start)) == 0;
	free(text);
	if (f)
		fclose(f);
	return found;
}

const char *image_without_agent(pid_t pid, const char *address)
{
	struct image now;
	uint64_t secure = 0, interpreter = 0;
	char ours[sizeof WIRE_ENV + WIRE_ADDRESS_MAX + 2];
	image_read(&now, pid);
	snprintf(ours, sizeof ours, WIRE_ENV "=%s ", address);
	if (now.hidden || (entry(&now, AT_SECURE, &secure) && secure))
		return "it has privileges that memrec may not use";
	if (now.words[0] == 0)
		return NULL;
	if (!entry(&now, AT_BASE, &interpreter))
		return "it is a 32-bit program";
	if (interpreter == 0)
		return "it is static";
	return is_in_environment(pid, ours) ? NULL : "it was started without the agent";
}
