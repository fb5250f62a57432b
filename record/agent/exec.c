/*
 * exec.c - a program that executes another with an environment of its own making
 *
 * The agent travels in the environment. Where the caller passes an environment
 * without it (subprocess with env=…), it is put back: for the first process, which is
 * recorded whatever it executes, and with --follow-fork for all. May run in a vfork
 * child: only the stack is used.
 */
#include <alloca.h>
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "boot.h"
#include "got.h"
#include "../wire.h"

#define PRELOAD "LD_PRELOAD="

static bool travels(void)
{
	return boot.preload[0] && (boot.flags & WIRE_FLAG_FOLLOW_FORK || getpid() == boot.pid);
}

static bool is_set(const char *entry, const char *name)
{
	size_t n = strlen(name);
	return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

/* Whether a new environment is needed; how large its LD_PRELOAD would be. */
static bool is_missing(char *const envp[], size_t *n, const char **preload)
{
	bool told = false;
	*preload = NULL;
	for (*n = 0; envp && envp[*n]; ++*n) {
		told |= is_set(envp[*n], WIRE_ENV);
		if (is_set(envp[*n], "LD_PRELOAD"))
			*preload = envp[*n] + strlen(PRELOAD);
	}
	return !told || !*preload || !strstr(*preload, boot.preload);
}

/* envp with our two entries first; text has room for LD_PRELOAD=ours:theirs. */
static void fill(char **to, char *const envp[], const char *theirs, char *text)
{
	strcpy(text, PRELOAD);
	strcat(text, boot.preload);
	if (theirs && !strstr(theirs, boot.preload)) {
		strcat(text, ":");
		strcat(text, theirs);
	}
	*to++ = text;
	*to++ = boot.entry;
	for (; envp && *envp; envp++)
		if (!is_set(*envp, WIRE_ENV) && !is_set(*envp, "LD_PRELOAD"))
			*to++ = *envp;
	*to = NULL;
}

/* A macro, since the new environment lives on the hook's own stack. */
#define WITH_AGENT(envp) \
	size_t n_; \
	const char *theirs_; \
	char **env_ = (char **)(uintptr_t)(envp); \
	if (travels() && is_missing(envp, &n_, &theirs_)) { \
		env_ = alloca((n_ + 3) * sizeof *env_); \
		fill(env_, envp, theirs_, alloca(sizeof PRELOAD + strlen(boot.preload) + (theirs_ ? strlen(theirs_) : 0) + 2)); \
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
	WITH_AGENT(envp)
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
	WITH_AGENT(envp)
	CALL(execvpe, file, argv, env_);
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
	WITH_AGENT(envp)
	CALL(fexecve, fd, argv, env_);
}

HOOK int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	WITH_AGENT(envp)
	CALL(execveat, fd, path, argv, env_, flags);
}

HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		     char *const argv[], char *const envp[])
{
	WITH_AGENT(envp)
	CALL(posix_spawn, pid, path, actions, attr, argv, env_);
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		      char *const argv[], char *const envp[])
{
	WITH_AGENT(envp)
	CALL(posix_spawnp, pid, file, actions, attr, argv, env_);
}
