/*
 * exec.c - programs that are executed: with the agent in their environment, or without
 *
 * The agent travels in the environment. Who is to be recorded gets it, whatever
 * environment the caller passes (subprocess with env=…): the first process, which
 * is recorded whatever it executes, and with --follow-fork all. Who is not does
 * not: a program of another C library could not even start with it.
 *
 * May run in a vfork child, which shares our memory and ours alone to give
 * back: what is needed is on the stack, or if it is much, kept by the thread.
 */
#include <alloca.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "boot.h"
#include "got.h"
#include "wire.h"

#define PRELOAD "LD_PRELOAD="

#define FEW 256			/* environment entries that are taken onto the stack */

enum travel { AS_IT_IS, WITH_AGENT, WITHOUT_AGENT };

/* child: the new program is another process than this one (posix_spawn). */
static enum travel travel(bool child)
{
	if (!boot.preload[0])
		return AS_IT_IS;
	if (boot.flags & WIRE_FLAG_FOLLOW_FORK || (!child && getpid() == boot.pid))
		return WITH_AGENT;
	return WITHOUT_AGENT;
}

static bool is_set(const char *entry, const char *name)
{
	size_t n = strlen(name);
	return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

struct environment {
	size_t n;			/* entries */
	const char *preload;		/* the value of LD_PRELOAD, or NULL */
	bool told;			/* has ours */
	size_t ours;			/* where in preload our path begins, if told or preload names it */
	bool preloads_us;
};

static struct environment examine(char *const envp[])
{
	struct environment e = { 0 };
	for (; envp && envp[e.n]; e.n++) {
		e.told |= is_set(envp[e.n], WIRE_ENV);
		if (is_set(envp[e.n], "LD_PRELOAD"))
			e.preload = envp[e.n] + strlen(PRELOAD);
	}
	const char *ours = e.preload ? strstr(e.preload, boot.preload) : NULL;
	e.preloads_us = ours != NULL;
	e.ours = ours ? (size_t)(ours - e.preload) : 0;
	return e;
}

static size_t text_size(const struct environment *e)
{
	return sizeof PRELOAD + strlen(boot.preload) + (e->preload ? strlen(e->preload) : 0) + 2;
}

/* LD_PRELOAD with us in front of theirs, or theirs without us; empty if nothing is left. */
static void put_preload(char *text, const struct environment *e, enum travel how)
{
	const char *theirs = e->preload ? e->preload : "";
	strcpy(text, PRELOAD);
	if (how == WITH_AGENT) {
		strcat(text, boot.preload);
		if (*theirs && !e->preloads_us)
			strcat(strcat(text, ":"), theirs);
		else if (e->preloads_us)
			strcpy(text + strlen(PRELOAD), theirs);
		return;
	}
	strncat(text, theirs, e->ours);
	const char *rest = theirs + e->ours + strlen(boot.preload);
	strcat(text, rest + (*rest == ':' || *rest == ' '));
}

static void fill(char **to, char *const envp[], const struct environment *e, enum travel how, char *text)
{
	put_preload(text, e, how);
	if (text[strlen(PRELOAD)])
		*to++ = text;
	if (how == WITH_AGENT)
		*to++ = boot.entry;
	for (; envp && *envp; envp++)
		if (!is_set(*envp, WIRE_ENV) && !is_set(*envp, "LD_PRELOAD"))
			*to++ = *envp;
	*to = NULL;
}

/* Room that the thread keeps for its next program: a vfork child cannot give it back. */
static void *much_room(size_t size)
{
	static __thread void *room;
	static __thread size_t room_size;
	if (size > room_size) {
		pages_free(room, room_size);
		room = pages_new(size);
		room_size = room ? size : 0;
	}
	return room;
}

static bool is_right(const struct environment *e, enum travel how)
{
	return how == AS_IT_IS || (how == WITH_AGENT ? e->told && e->preloads_us : !e->told && !e->preloads_us);
}

/* A macro, since a small environment lives on the hook's own stack. */
#define ENVIRONMENT(envp, how) \
	const struct environment e_ = examine(envp); \
	char **env_ = (char **)(uintptr_t)(envp); \
	if (!is_right(&e_, how)) { \
		size_t array_ = (e_.n + 3) * sizeof *env_, size_ = array_ + text_size(&e_); \
		char *room_ = e_.n <= FEW ? alloca(size_) : much_room(size_); \
		if (room_) { \
			env_ = (char **)(void *)room_; \
			fill(env_, envp, &e_, how, room_ + array_); \
		} \
	}

typedef int exec_fn(const char *, char *const[], char *const[]);
typedef int fexec_fn(int, char *const[], char *const[]);
typedef int execat_fn(int, const char *, char *const[], char *const[], int);
typedef int spawn_fn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
		     char *const[]);

static struct {
	exec_fn *execve, *execvpe;
	fexec_fn *fexecve;
	execat_fn *execveat;
	spawn_fn *posix_spawn, *posix_spawnp;
} real;

/* Not when they are needed: a forked child may find the loader's lock taken for ever. */
void exec_resolve(void)
{
	*(void **)&real.execve = got_real("execve");
	*(void **)&real.execvpe = got_real("execvpe");
	*(void **)&real.fexecve = got_real("fexecve");
	*(void **)&real.execveat = got_real("execveat");
	*(void **)&real.posix_spawn = got_real("posix_spawn");
	*(void **)&real.posix_spawnp = got_real("posix_spawnp");
}

#define CALL(function, ...) \
	do { \
		if (UNLIKELY(!real.function)) \
			exec_resolve(); \
		if (real.function) \
			return real.function(__VA_ARGS__); \
		errno = ENOSYS; \
		return -1; \
	} while (0)

HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
	ENVIRONMENT(envp, travel(false))
	CALL(execve, path, argv, env_);
}

/* These pass on `environ`, which the program may have emptied (env -i). */
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
	ENVIRONMENT(envp, travel(false))
	CALL(execvpe, file, argv, env_);
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
	ENVIRONMENT(envp, travel(false))
	CALL(fexecve, fd, argv, env_);
}

HOOK int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	ENVIRONMENT(envp, travel(false))
	CALL(execveat, fd, path, argv, env_, flags);
}

/* Their arguments as an array, counted up to the NULL; v is where the environment follows. */
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

HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		     char *const argv[], char *const envp[])
{
	ENVIRONMENT(envp, travel(true))
	CALL(posix_spawn, pid, path, actions, attr, argv, env_);
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		      char *const argv[], char *const envp[])
{
	ENVIRONMENT(envp, travel(true))
	CALL(posix_spawnp, pid, file, actions, attr, argv, env_);
}
