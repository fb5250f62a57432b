/*
 * last_words.h - what a program died of, if it was killed or ran out of memory: five lines on standard error
 */
#ifndef LAST_WORDS_H
#define LAST_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct last_words {
	pid_t pid;
	char *command;		/* of the process, for messages */
	char *folder;		/* of its memory cgroup */
	uint64_t kills;		/* that it had done before */
	bool ended;		/* the program is over */
	int status;		/* of waitpid(2); -1: not known */
	const char *page;	/* a file that gets the trace's page, too; NULL: none */
	pid_t reporter;		/* a process of ours that reports on a child; 0: none */
};

/* The program begins. `command` is its argv. */
void last_words_begin(struct last_words *w, pid_t pid, char *const *argv);
/*
 * Prints the lines if the program has ended and was killed (by SIGKILL, or for want of memory), or failed near its
 * limit. The trace is in these files, if in any. Returns whether it did.
 */
bool last_words_print(const struct last_words *w, const char *const *files, size_t n_files);
/*
 * A child was killed by SIGKILL, and the program goes on: prints the same lines about the child alone. The trace is
 * read in another process, as the program must not wait for it. While that is at work, a further child gets one line.
 */
void last_words_of_child(struct last_words *w, pid_t pid, const char *const *files, size_t n_files);
/* Waits until that has been printed. */
void last_words_wait(struct last_words *w);
void last_words_clear(struct last_words *w);

#endif
