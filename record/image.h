/*
 * image.h - whether a process that is not our child has executed another program
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The auxiliary vector that the kernel gave the program: another one was given other addresses. */
struct image {
	uint64_t words[32];		/* words[0] is 0: not known */
	uint32_t looked_ms;
};

void image_read(struct image *image, pid_t pid);
/* Whether the program is another one than when it was read; looked at twice a second. Then it is not known any more. */
bool image_changed(struct image *image, pid_t pid, uint32_t now_ms);

#endif
