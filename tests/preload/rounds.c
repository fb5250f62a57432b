/*
 * rounds.c - execute programs with random environments, in every possible way
 *
 *     rounds SEED COUNT LISTS DUMP...     COUNT children, each one of the DUMP programs, which prints its environment
 *     rounds SEED COUNT chain DUMP...     executes itself COUNT times, and prints its environment
 *
 * The environments consist of random entries, this process's own LD_PRELOAD (as one text, whatever it
 * contains) and MEMREC_AGENT. Equal seeds give equal environments with and without memrec, except for
 * memrec's additions. LISTS: `any`, our LD_PRELOAD, which must be set, is anywhere in a list; `ends`,
 * only first or last, so that the list without it is the same text.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ENTRIES 400
#define MAX_LIST 6

extern int execveat(int, const char *, char *const[], char *const[], int);

static uint64_t state;

static unsigned rnd(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((state >> 33) % n);
}

static bool one_in(unsigned n)
{
	return rnd(n) == 0;
}

static char *text(const char *format, ...)
{
	char *s;
	va_list v;
	va_start(v, format);
	if (vasprintf(&s, format, v) < 0)
		exit(3);
	va_end(v);
	return s;
}

/* ---------------------------------------------------------------- environments */

static const char *piece(void)
{
	static const char *const pieces[] = { "", "nothing.so", "/no/such.so", "libone.so", "libtwo.so", "libone.so" };
	const char *p = pieces[rnd(6)];
	const char *folder = getenv("PIECES");
	return strncmp(p, "lib", 3) == 0 && folder ? text("%s/%s", folder, p) : p;
}

/* NULL: there is no value for it. */
static char *random_list(const char *own, bool anywhere)
{
	const char *pieces[MAX_LIST];
	unsigned n = 0, from = rnd(4);
	for (unsigned i = 0; i < from; i++)
		pieces[n++] = anywhere && one_in(3) ? own : piece();
	switch (rnd(4)) {
	case 0:
		pieces[n++] = own;
		break;
	case 1:
		memmove(pieces + 1, pieces, n++ * sizeof *pieces);
		pieces[0] = own;
		break;
	}
	char *list = NULL;
	for (unsigned i = 0; i < n; i++) {
		char separator = one_in(3) ? ' ' : ':';
		if (pieces[i])
			list = list ? text("%s%c%s", list, separator, pieces[i]) : text("%s", pieces[i]);
	}
	return list;
}

static char *random_entry(unsigned i)
{
	static const char *const odd[] = { "=odd",	  "noequals",	     "LD_PRELOADED=x",
					   "LD_PRELOA=x", "MEMREC_AGENTS=x", "MEMREC_AGENT=nonsense",
					   "LD_PRELOAD",  "MEMREC_AGENT",    "LD_BIND_NOT_THIS=1" };
	if (one_in(30))
		return text("%s", odd[rnd(sizeof odd / sizeof *odd)]);
	if (one_in(300))
		return text("BIG=%060000u", i);
	return text("V%u=%0*u", i, (int)rnd(60) + 1, i);
}

static char *environment[MAX_ENTRIES + 8];
static char nothing[] = "";	/* in the place of an entry, so that the others keep theirs whatever memrec adds */

static void insert(unsigned *n, char *entry)
{
	unsigned at = rnd(*n + 1);
	memmove(&environment[at + 1], &environment[at], (*n - at) * sizeof *environment);
	environment[at] = entry;
	++*n;
}

static void random_environment(bool anywhere, bool own_too)
{
	const char *own = own_too ? getenv("LD_PRELOAD") : NULL, *agent = getenv("MEMREC_AGENT");
	unsigned n = 0, kept = 0, others = one_in(8) ? 0 : one_in(8) ? 250 + rnd(50) : rnd(30);
	unsigned lists = one_in(5) ? 0 : one_in(5) ? 2 + rnd(2) : 1;
	for (unsigned i = 0; i < others; i++)
		environment[n++] = random_entry(i);
	for (unsigned i = 0; i < lists; i++) {
		char *list = random_list(own, anywhere);
		insert(&n, list ? text("LD_PRELOAD=%s", list) : nothing);
	}
	insert(&n, !one_in(3) && agent ? text("MEMREC_AGENT=%s", agent) : nothing);
	for (unsigned i = 0; i < n; i++)
		if (environment[i] != nothing)
			environment[kept++] = environment[i];
	environment[kept] = NULL;
}

/* ---------------------------------------------------------------- ways to execute */

static char *arguments[] = { "dump", "first argument", "", "last", NULL };

static void execute_in_child(unsigned way, char *program)
{
	char *const *a = arguments;
	switch (way) {
	case 0: execve(program, a, environment); break;
	case 1: environ = environment, execv(program, a); break;
	case 2: environ = environment, execvp(program, a); break;
	case 3: execvpe(program, a, environment); break;
	case 4: environ = environment, execl(program, a[0], a[1], a[2], a[3], (char *)NULL); break;
	case 5: environ = environment, execlp(program, a[0], a[1], a[2], a[3], (char *)NULL); break;
	case 6: execle(program, a[0], a[1], a[2], a[3], (char *)NULL, environment); break;
	case 7: fexecve(open(program, O_RDONLY), a, environment); break;
	case 8: execveat(AT_FDCWD, program, a, environment, 0); break;
	}
	_exit(100);
}

static int read_all(FILE *f)
{
	if (!f)
		return -1;
	for (int c; (c = getc(f)) != EOF;)
		putchar(c);
	fflush(stdout);
	return pclose(f);
}

static int in_shell(bool piped, const char *program)
{
	char **before = environ, *command = text("exec %s 'first argument' '' last", program);
	environ = environment;
	int status = piped ? read_all(popen(command, "r")) : system(command);
	if (environ != environment)
		puts("environ is another");
	environ = before;
	return status;
}

#define WAYS 14

static int run(unsigned way, char *program)
{
	int status = -1, e = 0;
	pid_t pid = -1;
	if (way < 9 && (pid = fork()) == 0)
		execute_in_child(way, program);
	if (way == 9 && (pid = vfork()) == 0) {
		execve(program, arguments, environment);
		_exit(100);
	}
	if (way == 10)
		e = posix_spawn(&pid, program, NULL, NULL, arguments, environment);
	if (way == 11)
		e = posix_spawnp(&pid, program, NULL, NULL, arguments, environment);
	if (way >= 12)
		return in_shell(way == 13, program);
	if (e || pid < 0 || waitpid(pid, &status, 0) != pid)
		printf("error %d\n", e);
	return status;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15u;
	int count = atoi(argv[2]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(argv[3], "chain") == 0) {
		free(malloc(777777));
		printf("%d to go\n", count);
		for (char **e = environ; *e; e++)
			puts(*e);
		if (count == 0)
			return 0;
		random_environment(false, count % 4 != 0);
		snprintf(argv[1], strlen(argv[1]) + 1, "%0*d", (int)strlen(argv[1]), count);
		snprintf(argv[2], strlen(argv[2]) + 1, "%0*d", (int)strlen(argv[2]), count - 1);
		execve("/proc/self/exe", argv, environment);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		random_environment(strcmp(argv[3], "any") == 0, true);
		unsigned way = rnd(WAYS);
		printf("round %d, way %u\n", i, way);
		printf("status %#x\n", (unsigned)run(way, argv[4 + rnd((unsigned)argc - 4)]));
	}
	return 0;
}
