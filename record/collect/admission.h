/*
 * admission.h - which processes may join a recording
 *
 * Agents connect to an abstract socket, whose name everybody can see. Each side identifies itself:
 * the agent by its pid and user, which the kernel confirms, and by a key that only the recorded program and
 * its descendants inherit; the collector by its user, and by the other half of the key.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "wire.h"

#define ADMISSION_MOST_SILENT 64

/* An agent that has shown its key and waits for an answer. */
struct caller {
	int sock;
	struct ucred who;
	struct wire_hello hello;
};

/* A process that has connected but sent nothing yet. */
struct silent_caller {
	int sock;
	struct ucred who;
	uint64_t until_ns;
};

/* A process that a recording began with. */
struct expected {
	pid_t pid;
	uid_t owner;			/* its user */
	bool running;			/* it ran before, and has not joined yet */
};

struct admission {
	char address[WIRE_ADDRESS_MAX];	/* for agents: see wire.h */
	int listener, spare;		/* listener: -1 once no more connections can be accepted */
	struct wire_key key;
	struct expected *roots;		/* the recorded processes */
	size_t n_roots, cap_roots;
	bool descendants;		/* their descendants may join too */
	int admitting;			/* the socket of the caller being admitted; -1: none */
	bool told_failure;		/* warned that a connection could not be accepted */
	bool told;			/* warned that a process was refused */
	struct silent_caller silent[ADMISSION_MOST_SILENT];
	size_t n_silent;
};

/*
 * Opens the socket. A connection or a hello interrupts us by SIGIO. Dies if it fails. descendants: those of expected
 * processes may join, too, if they have the key.
 */
void admission_open(struct admission *a, bool descendants);
/* Admits this process of user `owner` from now on. running: what it has allocated so far is not known. */
void admission_expect(struct admission *a, pid_t pid, uid_t owner, bool running);
/* Returns whether the process that joins now ran before its recording; only the first time, as exec changes that. */
bool admission_was_running(struct admission *a, pid_t pid);
/* Returns the user of a running process. It appears as root if the process is not dumpable. */
uid_t admission_owner(pid_t pid);

/*
 * Calls admit() for each agent that may join and has sent its hello. admit() may call admission_answer(); the
 * socket is closed after it returns. Never blocks. Returns whether more callers may be waiting.
 */
bool admission_turn(struct admission *a, void (*admit)(void *arg, const struct caller *caller), void *arg);
/*
 * Sends our half of the key, the ring and the control page. Returns false with errno set if that failed; EPIPE or
 * ECONNRESET means that the caller is gone.
 */
bool admission_answer(const struct admission *a, int sock, int ring, int control_page);

/* Admits no more processes, and closes the connections of those that wait. */
void admission_close(struct admission *a);

#endif
