/*
 * image.c - detects that a process that is not our child has executed another program
 */
#include "image.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 500

void image_read(struct image *image, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/auxv", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
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
	if (now.words[0] == 0 || memcmp(now.words, image->words, sizeof now.words) == 0)
		return false;
	image->words[0] = 0;
	return true;
}
