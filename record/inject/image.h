/*
 * image.h - detects that a process that is not our child has executed another program
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The auxiliary vector that the kernel passed to the program; another program gets other addresses. */
struct image {
	uint64_t words[32];		/* words[0] is 0: not known */
	uint32_t looked_ms;
};

void image_read(struct image *image, pid_t pid);
/* Checks twice a second whether the program has changed since image_read(). Once it has, the image is not known. */
bool image_changed(struct image *image, pid_t pid, uint32_t now_ms);

#endif
