/*
 * image.h - detects that a process that is not our child has executed another program, and why it has no agent
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The auxiliary vector that the kernel passed to the program; another program gets other addresses. */
struct image {
	uint64_t words[64];		/* words[0] is 0: not known */
	bool hidden;			/* we may not read it */
	uint32_t looked_ms;
};

void image_read(struct image *image, pid_t pid);
/* Checks twice a second whether the program has changed since image_read(). Once it has, the image is not known. */
bool image_changed(struct image *image, pid_t pid, uint32_t now_ms);
/*
 * Returns why the program that the process executes cannot load the agent of the collector at `address`, as a clause
 * ("it is static"), or NULL if it can.
 */
const char *image_without_agent(pid_t pid, const char *address);

#endif
