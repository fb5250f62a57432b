/*
 * caller.c - attempts of a program that is not an agent on memrec's socket
 *
 *	caller ask NAME          asks to be recorded without a key: "admitted", or "refused"
 *	caller silent NAME N     opens N connections and sends nothing: "open", then waits to be killed
 *	caller harm ADDRESS      with the key: gets a ring and the control page, and tries to take them
 *	                         from others; a line for each attempt that succeeded, then "done"
 *	caller pose NAME         takes the name once it is free ("posing"), and reports what each connection sent;
 *	                         answers without a key, with memory that it then truncates
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static socklen_t address_of(const char *name, struct sockaddr_un *a)
{
	size_t n = strcspn(name, ":");
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(a->sun_path + 1, name, n);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
}

static int called(const char *name)
{
	struct sockaddr_un a;
	socklen_t size = address_of(name, &a);
	int sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (connect(sock, (void *)&a, size) < 0) {
		perror("connect");
		exit(2);
	}
	return sock;
}

/* Gets the two descriptors; false if there are none. */
static int asks(int sock, const uint8_t *key, int memfds[2])
{
	struct wire_hello hello = { WIRE_MAGIC, WIRE_LOG2_SLOTS, getpid(), getppid(), { 0 } };
	struct wire_answer_key answer;
	struct iovec bytes = { &answer, sizeof answer };
	union { char space[CMSG_SPACE(2 * sizeof(int))]; struct cmsghdr align; } control;
	struct msghdr m = {
		.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	if (key)
		memcpy(hello.key, key, sizeof hello.key);
	if (send(sock, &hello, sizeof hello, MSG_NOSIGNAL) < 0 || recvmsg(sock, &m, 0) <= 0 || !CMSG_FIRSTHDR(&m))
		return 0;
	memcpy(memfds, CMSG_DATA(CMSG_FIRSTHDR(&m)), 2 * sizeof(int));
	return 1;
}

static int writes(int fd)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p != MAP_FAILED && memset(p, 255, 4096);
}

static int writes_anew(int fd)
{
	char path[64];
	sprintf(path, "/proc/self/fd/%d", fd);
	int anew = open(path, O_RDWR);
	return anew >= 0 && (writes(anew) || write(anew, path, 1) == 1);
}

static int writes_by_mprotect(int fd)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_WRITE) == 0 && memset(p, 255, 4096);
}

static void harm(const char *address)
{
	uint8_t key[WIRE_KEY_BYTES];
	int memfds[2];
	const char *hex = strrchr(address, ':') + 1;
	for (int i = 0; i < WIRE_KEY_BYTES; i++)
		sscanf(hex + 2 * i, "%2hhx", &key[i]);
	if (!asks(called(address), key, memfds)) {
		say("refused");
		return;
	}
	for (int i = 0; i < 2; i++) {
		if (ftruncate(memfds[i], 0) == 0)
			say("cut off");
		if (ftruncate(memfds[i], 1 << 30) == 0)
			say("made larger");
		if (fcntl(memfds[i], F_ADD_SEALS, F_SEAL_WRITE) == 0)
			say("sealed");
	}
	int control_page = memfds[1];
	if (writes(control_page))
		say("wrote to the control page");
	if (writes_anew(control_page))
		say("opened the control page anew");
	if (writes_by_mprotect(control_page))
		say("made the control page writable");
	if (write(control_page, key, 1) == 1 || pwrite(control_page, key, 1, 0) == 1)
		say("wrote to the control page's file");
	if (fallocate(control_page, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0)
		say("made a hole in the control page");
	say("done");
}

static void silent(const char *name, int n)
{
	while (n--)
		called(name);
	say("open");
	pause();
}

static void answer_falsely(int sock)
{
	struct wire_answer_key answer = { { 0 } };
	struct iovec bytes = { &answer, sizeof answer };
	union { char space[CMSG_SPACE(2 * sizeof(int))]; struct cmsghdr align; } control = { { 0 } };
	struct msghdr m = {
		.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int memfds[2] = { memfd_create("ring", 0), memfd_create("page", 0) };
	for (int i = 0; i < 2; i++)
		if (ftruncate(memfds[i], 1 << 24) < 0)
			exit(2);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof memfds);
	memcpy(CMSG_DATA(h), memfds, sizeof memfds);
	sendmsg(sock, &m, MSG_NOSIGNAL);
	volatile struct wire_ring *ring = mmap(NULL, sizeof *ring, PROT_READ, MAP_SHARED, memfds[0], 0);
	for (int i = 0; i < 100 && ring->head == 0; i++)
		usleep(2000);
	if (ring->head)
		say("it uses our memory");
	for (int i = 0; i < 2; i++)
		if (ftruncate(memfds[i], 0) < 0)
			exit(2);
}

static void pose(const char *name)
{
	struct sockaddr_un a;
	socklen_t size = address_of(name, &a);
	int sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	while (bind(sock, (void *)&a, size) < 0)
		usleep(1000);
	listen(sock, 8);
	say("posing");
	for (int c; (c = accept(sock, NULL, NULL)) >= 0; close(c)) {
		char bytes[256];
		ssize_t n = recv(c, bytes, sizeof bytes, 0);
		say(n > 0 ? "it said hello" : "it said nothing");
		if (n > 0)
			answer_falsely(c);
	}
}

int main(int argc, char **argv)
{
	int memfds[2];
	const char *what = argc > 2 ? argv[1] : "";
	alarm(300);		/* in case the test fails */
	if (strcmp(what, "ask") == 0)
		say(asks(called(argv[2]), NULL, memfds) ? "admitted" : "refused");
	else if (strcmp(what, "silent") == 0)
		silent(argv[2], atoi(argv[3]));
	else if (strcmp(what, "harm") == 0)
		harm(argv[2]);
	else if (strcmp(what, "pose") == 0)
		pose(argv[2]);
	else
		return 2;
	return 0;
}
