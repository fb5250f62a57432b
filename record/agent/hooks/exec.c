/*
 * exec.c - hooks of exec and spawn: executed programs get an environment with the agent, or without it
 *
 * The agent is passed on in the environment, whatever environment the caller gives
 * (subprocess with env=…). Programs that are recorded get it: all that the first
 * process executes, and with --follow-fork all others. Other programs do not get
 * it: with another C library they could not even start.
 *
 * The code may run in a vfork child, which shares our memory and cannot release any
 * that the parent keeps. So room is taken on the stack, or if it is large, kept by the thread.
 */
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "environment.h"
#include "exec.h"
#include "got.h"
#include "memory.h"
#include "orders.h"
#include "program.h"
#include "ring.h"
#include "system_call.h"
#include "wire.h"

#define SMALL_ROOM 4096ul	/* at most this is taken on the stack */

/*
 * Not every root directory or user can reach the agent's file, and memrec's memory file (agent_file.h) ends with
 * memrec. The call is one that the loader makes too, so a seccomp filter allows it.
 */
static bool is_within_reach(const char *file)
{
	int e = errno;
	long fd = system_call(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
	bool is = fd >= 0 || errno == EMFILE || errno == ENFILE;
	if (fd >= 0)
		system_call(SYS_close, (int)fd);
	errno = e;
	return is;
}

/* How a program to be executed is named. */
enum naming { BY_PATH, BY_SEARCH, BY_DESCRIPTOR };

struct named {
	enum naming how;
	int fd;			/* the file, or the folder that a path begins at */
	const char *name;
};

static bool can_load_agent(const struct named *file, char *const envp[])
{
	int e = errno;
	enum program kind = file->how == BY_SEARCH ? program_searched(file->name) :
			    file->how == BY_PATH ? program_at(file->fd, file->name) :
			    program_opened((int)system_call(SYS_dup, file->fd));
	errno = e;
	return !program_cannot_load_agent(kind) && !environment_preloads_sanitizer(envp);
}

/* child: the program will run in another process than this one (posix_spawn). */
static enum travel travel(bool child, const struct named *file, char *const envp[])
{
	if (!orders.preload[0])
		return AS_IT_IS;
	bool wanted = orders.flags & WIRE_FLAG_FOLLOW_FORK || (!child && getpid() == orders.pid);
	if (!wanted || !is_within_reach(orders.preload))
		return WITHOUT_AGENT;
	if (can_load_agent(file, envp))
		return WITH_AGENT;
	ring_note_unfit();
	return WITHOUT_AGENT;
}

#define PATH(path) &(struct named){ BY_PATH, AT_FDCWD, path }
#define SEARCH(file) &(struct named){ BY_SEARCH, AT_FDCWD, file }
#define OPEN(fd) &(struct named){ BY_DESCRIPTOR, fd, NULL }

/* Whether what it executes is not recorded any more. */
static bool is_lost(bool child)
{
	return !(orders.flags & WIRE_FLAG_FOLLOW_FORK) && (child || getpid() != orders.pid);
}

struct room {
	void *at;
	size_t size;
};

/* Returns room that the thread keeps for its next call: a vfork child cannot release it. */
static void *much_room(size_t size)
{
	static __thread struct room kept;
	if (size > kept.size) {
		pages_free(kept.at, kept.size);
		kept.at = pages_new(size);
		kept.size = kept.at ? size : 0;
	}
	return kept.at;
}

/* A macro, as a small environment is kept on the hook's own stack. */
#define ENVIRONMENT(envp, how) \
	char **env_ = (char **)(uintptr_t)(envp); \
	enum travel how_ = (how); \
	size_t room_ = environment_room(envp, how_); \
	if (room_) \
		env_ = environment_make(envp, how_, room_ <= SMALL_ROOM ? alloca(room_) : much_room(room_));

typedef int exec_fn(const char *, char *const[], char *const[]);
typedef int fexec_fn(int, char *const[], char *const[]);
typedef int execat_fn(int, const char *, char *const[], char *const[], int);
typedef int spawn_fn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
		     char *const[], char *const[]);

static struct {
	exec_fn *execve, *execvpe;
	fexec_fn *fexecve;
	execat_fn *execveat;
	spawn_fn *posix_spawn, *posix_spawnp;
	int (*system)(const char *);
	FILE *(*popen)(const char *, const char *);
} real;

/* Called early: in a forked child the loader's lock may be taken for ever. */
void exec_resolve(void)
{
	*(void **)&real.execve = got_real("execve");
	*(void **)&real.execvpe = got_real("execvpe");
	*(void **)&real.fexecve = got_real("fexecve");
	*(void **)&real.execveat = got_real("execveat");
	*(void **)&real.posix_spawn = got_real("posix_spawn");
	*(void **)&real.posix_spawnp = got_real("posix_spawnp");
	*(void **)&real.system = got_real("system");
	*(void **)&real.popen = got_real("popen");
}

#define CALL(function, ...) \
	do { \
		if (UNLIKELY(!real.function)) \
			exec_resolve(); \
		if (is_lost(false)) \
			ring_note_child(false); \
		else \
			ring_note_program(false); \
		if (real.function) \
			return real.function(__VA_ARGS__); \
		errno = ENOSYS; \
		return -1; \
	} while (0)

HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
	ENVIRONMENT(envp, travel(false, PATH(path), envp))
	CALL(execve, path, argv, env_);
}

/* These pass `environ`, which the program may have emptied (env -i). */
HOOK int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

HOOK int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

HOOK int execvpe(const char *file, char *const argv[], char *const envp[])
{
	ENVIRONMENT(envp, travel(false, SEARCH(file), envp))
	CALL(execvpe, file, argv, env_);
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
	ENVIRONMENT(envp, travel(false, OPEN(fd), envp))
	CALL(fexecve, fd, argv, env_);
}

static int execveat_call(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return (int)system_call(SYS_execveat, fd, path, argv, envp, flags);
}

HOOK int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	struct named file = { flags & AT_EMPTY_PATH && !*path ? BY_DESCRIPTOR : BY_PATH, fd, path };
	ENVIRONMENT(envp, travel(false, &file, envp))
	if (UNLIKELY(!real.execveat))		/* musl, and glibc before 2.34 */
		real.execveat = execveat_call;
	CALL(execveat, fd, path, argv, env_, flags);
}

/* Collects the arguments up to the NULL in an array; v is then at the argument after it, the environment. */
#define ARGUMENTS(first, v) \
	size_t argc_ = 1; \
	va_start(v, first); \
	while (va_arg(v, char *)) \
		argc_++; \
	va_end(v); \
	char **argv_ = alloca((argc_ + 1) * sizeof *argv_); \
	va_start(v, first); \
	argv_[0] = (char *)(uintptr_t)(first); \
	for (size_t i_ = 1; i_ <= argc_; i_++) \
		argv_[i_] = va_arg(v, char *);

HOOK int execl(const char *path, const char *arg, ...)
{
	va_list v;
	ARGUMENTS(arg, v)
	va_end(v);
	return execve(path, argv_, environ);
}

HOOK int execlp(const char *file, const char *arg, ...)
{
	va_list v;
	ARGUMENTS(arg, v)
	va_end(v);
	return execvpe(file, argv_, environ);
}

HOOK int execle(const char *path, const char *arg, ...)
{
	va_list v;
	ARGUMENTS(arg, v)
	char *const *envp = va_arg(v, char *const *);
	va_end(v);
	return execve(path, argv_, envp);
}

/* What such a function returned: 0, another program runs. */
static int spawned(int error)
{
	if (error == 0 && is_lost(true))
		ring_note_child(true);
	else if (error == 0)
		ring_note_program(true);
	return error;
}

HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	ENVIRONMENT(envp, travel(true, PATH(path), envp))
	if (UNLIKELY(!real.posix_spawn))
		exec_resolve();
	return real.posix_spawn ? spawned(real.posix_spawn(pid, path, actions, attr, argv, env_)) : ENOSYS;
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	ENVIRONMENT(envp, travel(true, SEARCH(file), envp))
	if (UNLIKELY(!real.posix_spawnp))
		exec_resolve();
	return real.posix_spawnp ? spawned(real.posix_spawnp(pid, file, actions, attr, argv, env_)) : ENOSYS;
}

/*
 * system() and popen() start a shell inside the C library, with `environ`. The agent in a shell that is not recorded
 * removes itself from the environment (boot.c). If the program has changed our part of `environ`, a corrected copy
 * replaces it during the call.
 */
struct lent {
	char **program, **ours;
};

static struct lent lend_environment(void)
{
	static __thread struct room kept;	/* never freed: another thread may be reading it */
	struct lent lent = { environ, NULL };
	enum travel how = travel(true, PATH("/bin/sh"), environ);
	size_t size = how == WITHOUT_AGENT && environment_wakes_us(environ) ? 0 : environment_room(environ, how);
	if (size > kept.size) {
		kept.at = pages_new(size);
		kept.size = kept.at ? size : 0;
	}
	if (size && kept.at)
		environ = lent.ours = environment_make(environ, how, kept.at);
	return lent;
}

/* Restores `environ`, unless the program has replaced it since. */
static void take_back_environment(struct lent *lent)
{
	if (lent->ours)
		__atomic_compare_exchange_n(&environ, &lent->ours, lent->program, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
}

HOOK int system(const char *command)
{
	if (UNLIKELY(!real.system))
		exec_resolve();
	struct lent lent = lend_environment();
	int status = real.system(command);
	if (command && status != -1 && is_lost(true))
		ring_note_child(true);
	take_back_environment(&lent);
	return status;
}

HOOK FILE *popen(const char *command, const char *mode)
{
	if (UNLIKELY(!real.popen))
		exec_resolve();
	struct lent lent = lend_environment();
	FILE *f = real.popen(command, mode);
	if (f && is_lost(true))
		ring_note_child(true);
	take_back_environment(&lent);
	return f;
}
