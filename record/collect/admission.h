/*
 * admission.h - which processes may join a recording
 *
 * Agents connect to an abstract socket, whose name everybody can see. Each side proves who it is:
 * the agent by the kernel's word on its pid and user, and by a key that only the recorded program and
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

/* Who connected and has said nothing yet. */
struct silent_caller {
	int sock;
	struct ucred who;
	uint64_t until_ns;
};

struct admission {
	char address[WIRE_ADDRESS_MAX];	/* for agents: see wire.h */
	int listener, spare;		/* listener: -1 once nobody can be accepted any more */
	struct wire_key key;
	pid_t root;			/* the recorded process */
	uid_t owner;			/* its user */
	bool descendants;		/* they may join too */
	int admitting;			/* the socket of the caller that is being admitted; -1: none is */
	bool told_failure;		/* that a connection could not be accepted */
	bool told;			/* that somebody was refused */
	struct silent_caller silent[ADMISSION_MOST_SILENT];
	size_t n_silent;
};

/* Open the socket; a connection or a hello interrupts us by SIGIO. Dies if that cannot be. */
void admission_open(struct admission *a);
/* Who is let in from now on: the process `root` of user `owner`, and if `descendants` those that inherited the key. */
void admission_expect(struct admission *a, pid_t root, uid_t owner, bool descendants);
/* The user of a running process; root, if the process hides it. */
uid_t admission_owner(pid_t pid);

/*
 * Call admit() with each agent that may join and has said so; it answers by admission_answer(), or not; the
 * socket is closed after it. Never waits for anybody. True: more may be waiting to be heard.
 */
bool admission_turn(struct admission *a, void (*admit)(void *arg, const struct caller *caller), void *arg);
/*
 * Prove who we are, and hand out the ring and the control page. False: that failed (errno); EPIPE, ECONNRESET: it is
 * gone.
 */
bool admission_answer(const struct admission *a, int sock, int ring, int control_page);

/* Let nobody join any more; who waits to is told by the end of its connection. */
void admission_close(struct admission *a);

#endif
