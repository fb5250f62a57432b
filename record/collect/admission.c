/*
 * admission.c - which processes may join a recording
 */
#include "admission.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "xmalloc.h"

#define CALLERS_A_TURN 64			/* so that rings are drained in between */
#define SILENCE_NS 10000000000ull		/* after which a caller is disconnected */

/* ---------------------------------------------------------------- the address */

/* Returns the inode of our user namespace, by which an agent knows if its user ids are the same; 0: not known. */
static unsigned long user_namespace(void)
{
	struct stat st;
	return stat("/proc/self/ns/user", &st) == 0 ? (unsigned long)st.st_ino : 0;
}

static void make_address(struct admission *a, const char *name)
{
	const uint8_t *key = (const uint8_t *)&a->key;
	int n = snprintf(a->address, sizeof a->address, "%s:%u:%lu:", name, (unsigned)geteuid(), user_namespace());
	for (size_t i = 0; i < sizeof a->key; i++)
		n += snprintf(a->address + n, sizeof a->address - (size_t)n, "%02x", key[i]);
}

static void listen_as(struct admission *a, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	memcpy(address.sun_path + 1, name, n);
	a->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->listener < 0 ||
	    bind(a->listener, (void *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0 ||
	    listen(a->listener, 128) < 0)
		die("cannot create a socket for the recorded program: %s", strerror(errno));
}

/* Makes data on the socket interrupt our sleep (SIGIO), so that a starting program does not wait for it to end. */
static bool interrupts_us(int sock)
{
	return fcntl(sock, F_SETOWN, getpid()) == 0 && fcntl(sock, F_SETFL, O_NONBLOCK | O_ASYNC) == 0;
}

/* Opens a descriptor that can be closed to have a free one when all are in use. */
static int keep_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void admission_open(struct admission *a, bool descendants)
{
	char name[64];
	struct timespec t;
	*a = (struct admission){ .descendants = descendants, .admitting = -1 };
	if (getrandom(&a->key, sizeof a->key, 0) != sizeof a->key)
		die("cannot create a key for the recorded program: %s", strerror(errno));
	clock_gettime(CLOCK_REALTIME, &t);
	snprintf(name, sizeof name, "memrec-%d-%lx%lx", (int)getpid(), (long)t.tv_sec, (long)t.tv_nsec);
	make_address(a, name);
	listen_as(a, name);
	if (!interrupts_us(a->listener))
		die("cannot watch for connections: %s", strerror(errno));
	a->spare = keep_spare();
}

uid_t admission_owner(pid_t pid)
{
	char path[32];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	return stat(path, &st) == 0 ? st.st_uid : geteuid();
}

void admission_expect(struct admission *a, pid_t pid, uid_t owner, bool running)
{
	GROW(a->roots, a->n_roots, a->cap_roots);
	a->roots[a->n_roots++] = (struct expected){ pid, owner, running };
}

static struct expected *find_root(const struct admission *a, pid_t pid)
{
	for (size_t i = 0; i < a->n_roots; i++)
		if (a->roots[i].pid == pid)
			return &a->roots[i];
	return NULL;
}

bool admission_was_running(struct admission *a, pid_t pid)
{
	struct expected *root = find_root(a, pid);
	bool was = root && root->running;
	if (was)
		root->running = false;
	return was;
}

/* ---------------------------------------------------------------- checking a caller */

/* If root records root's program, its children may be any user's. Otherwise they are an owner's, ours, or root's. */
static bool is_likely(const struct admission *a, uid_t user)
{
	for (size_t i = 0; i < a->n_roots; i++)
		if (a->roots[i].owner == user || (a->roots[i].owner == 0 && geteuid() == 0))
			return true;
	return user == geteuid() || user == 0;
}

static bool is_expected(const struct admission *a, const struct ucred *who)
{
	return (a->descendants || find_root(a, who->pid)) && is_likely(a, who->uid);
}

/* Takes the same time whether or not the key is right. */
static bool is_key(const uint8_t *key, const uint8_t *right)
{
	uint8_t differs = 0;
	for (size_t i = 0; i < WIRE_KEY_BYTES; i++)
		differs |= key[i] ^ right[i];
	return differs == 0;
}

/* Warns only once, as a refused process can connect again and again. */
static void refuse(struct admission *a, const struct ucred *who, const char *why)
{
	if (!a->told)
		warn("process %d of user %u: not recorded: %s", (int)who->pid, (unsigned)who->uid, why);
	a->told = true;
}

enum heard { NOTHING, A_HELLO, NO_MORE };

/* Receives a caller's hello. NO_MORE: it is not admitted. */
static enum heard hear(struct admission *a, struct caller *v)
{
	ssize_t n;
	do	/* signals (another connection, the end of a child) interrupt it */
		n = recv(v->sock, &v->hello, sizeof v->hello, MSG_TRUNC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return NOTHING;
	if (n == 0)
		refuse(a, &v->who, "it connected but sent nothing");
	else if (n != sizeof v->hello || v->hello.magic != WIRE_MAGIC || v->hello.log2_slots != WIRE_LOG2_SLOTS)
		refuse(a, &v->who, "its agent belongs to another build of memrec");
	else if (!is_key(v->hello.key, a->key.agent))
		refuse(a, &v->who, "it is not part of the recorded program (it does not have its key)");
	else
		return A_HELLO;
	return NO_MORE;
}

/* ---------------------------------------------------------------- callers that have sent nothing yet */

static void forget_silent(struct admission *a, size_t i)
{
	memmove(&a->silent[i], &a->silent[i + 1], (a->n_silent - i - 1) * sizeof *a->silent);
	a->n_silent--;
}

/* Chooses which caller to disconnect: strangers first, so that they cannot crowd out likelier ones. */
static size_t to_send_away(const struct admission *a)
{
	for (size_t i = 0; i < a->n_silent; i++)
		if (!is_likely(a, a->silent[i].who.uid))
			return i;
	return 0;
}

static void send_away(struct admission *a, size_t i)
{
	refuse(a, &a->silent[i].who, "it connected but sent nothing");
	close(a->silent[i].sock);
	forget_silent(a, i);
}

static void keep_silent(struct admission *a, const struct caller *v)
{
	if (a->n_silent == ADMISSION_MOST_SILENT)
		send_away(a, to_send_away(a));
	a->silent[a->n_silent++] = (struct silent_caller){ v->sock, v->who, now_ns() + SILENCE_NS };
}

typedef void admit_fn(void *arg, const struct caller *caller);

static void admit_one(struct admission *a, const struct caller *v, admit_fn *admit, void *arg)
{
	a->admitting = v->sock;
	admit(arg, v);
	a->admitting = -1;
}

static void hear_silent(struct admission *a, admit_fn *admit, void *arg)
{
	struct pollfd polled[ADMISSION_MOST_SILENT];
	for (size_t i = 0; i < a->n_silent; i++)
		polled[i] = (struct pollfd){ .fd = a->silent[i].sock, .events = POLLIN };
	bool spoken = a->n_silent && poll(polled, a->n_silent, 0) > 0;
	for (size_t i = a->n_silent; spoken && i-- > 0;) {
		struct caller v = { .sock = a->silent[i].sock, .who = a->silent[i].who };
		enum heard heard = polled[i].revents ? hear(a, &v) : NOTHING;
		if (heard == NOTHING)
			continue;
		if (heard == A_HELLO)
			admit_one(a, &v, admit, arg);
		close(v.sock);
		forget_silent(a, i);
	}
	if (a->n_silent && a->silent[0].until_ns < now_ns())
		send_away(a, 0);
}

/* ---------------------------------------------------------------- one turn */

static void meet(struct admission *a, struct caller *v, admit_fn *admit, void *arg)
{
	socklen_t size = sizeof v->who;
	enum heard heard = NO_MORE;
	if (getsockopt(v->sock, SOL_SOCKET, SO_PEERCRED, &v->who, &size) == 0) {
		if (!is_expected(a, &v->who))
			refuse(a, &v->who, "it is not part of the recorded program");
		/* Usually its hello is there already; if not, try again once its arrival interrupts us. */
		else if ((heard = hear(a, v)) == NOTHING && interrupts_us(v->sock))
			heard = hear(a, v);
	}
	if (heard == NOTHING) {
		keep_silent(a, v);
		return;
	}
	if (heard == A_HELLO)
		admit_one(a, v, admit, arg);
	close(v->sock);
}

static int accept_one(const struct admission *a)
{
	return accept4(a->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/*
 * A connection could not be accepted. Its process is blocked in the agent until it gets an answer, so close
 * the connection; it continues unrecorded. Returns whether more connections may be waiting.
 */
static bool turn_away(struct admission *a)
{
	bool full = errno == EMFILE || errno == ENFILE;
	if (!a->told_failure)
		warn("a process is not recorded: cannot accept its connection: %s%s", strerror(errno),
		     full ? "; raise the limit of open files (ulimit -n)" : "; later ones are not recorded either");
	a->told_failure = true;
	int sock = -1;
	if (full && a->spare >= 0) {
		close(a->spare);
		if ((sock = accept_one(a)) >= 0)
			close(sock);
		a->spare = keep_spare();
	}
	if (sock < 0) {		/* closing the listener ends all waiting connections and refuses new ones */
		close(a->listener);
		a->listener = -1;
	}
	return sock >= 0;
}

bool admission_turn(struct admission *a, admit_fn *admit, void *arg)
{
	if (a->n_silent)
		hear_silent(a, admit, arg);
	for (int n = 0; n < CALLERS_A_TURN && a->listener >= 0; n++) {
		struct caller v = { .sock = accept_one(a) };
		if (v.sock >= 0)
			meet(a, &v, admit, arg);
		else if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || !turn_away(a))
			return false;
	}
	return a->listener >= 0;
}

bool admission_answer(const struct admission *a, int sock, int ring, int control_page)
{
	struct wire_answer_key answer;
	memcpy(answer.key, a->key.collector, sizeof answer.key);
	struct iovec bytes = { &answer, sizeof answer };
	int memfds[2] = { ring, control_page };
	union {
		char space[CMSG_SPACE(sizeof memfds)];
		struct cmsghdr align;
	} control = { { 0 } };
	struct msghdr m = {
		.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof memfds);
	memcpy(CMSG_DATA(h), memfds, sizeof memfds);
	ssize_t n;
	do
		n = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == sizeof answer;
}

void admission_close(struct admission *a)
{
	if (a->listener >= 0)
		close(a->listener);
	if (a->admitting >= 0)
		close(a->admitting);
	while (a->n_silent)
		close(a->silent[--a->n_silent].sock);
	a->listener = a->admitting = -1;
}
