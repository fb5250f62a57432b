/*
 * advice.c - what to type in place of a program that cannot be executed
 */
#include "advice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "memtrace.h"
#include "xmalloc.h"

/* ---------------------------------------------------------------- can it be executed? */

static bool is_directory(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_python_file(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot && strcmp(dot, ".py") == 0 && access(name, R_OK) == 0 && !is_directory(name);
}

/* execvp() has a shell run a text file without "#!". */
static bool is_for_a_shell(const char *path)
{
	char start[2] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool text = fd >= 0 && read(fd, start, sizeof start) == sizeof start && memcmp(start, "#!", 2) != 0;
	if (fd >= 0)
		close(fd);
	return text;
}

static int error_of_file(const char *path)
{
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
		return errno;
	if (is_directory(path))
		return EACCES;
	return is_python_file(path) && is_for_a_shell(path) ? ENOEXEC : 0;
}

int advice_error(const char *program)
{
	const char *path = getenv("PATH");
	int error = ENOENT;
	if (strchr(program, '/') || !*program)
		return error_of_file(program);
	for (const char *folder = path ? path : "/bin:/usr/bin"; folder;) {
		const char *end = strchrnul(folder, ':');
		char *file = xasprintf("%.*s%s%s", (int)(end - folder), folder, end > folder ? "/" : "", program);
		int failed = error_of_file(file);
		free(file);
		if (failed == 0 || failed == ENOEXEC)
			return failed;
		error = failed == EACCES ? EACCES : error;
		folder = *end ? end + 1 : NULL;
	}
	return error;
}

/* ---------------------------------------------------------------- what to type */

static void add_text(char **line, const char *text)
{
	char *longer = xasprintf("%s %s", *line, text);
	free(*line);
	*line = longer;
}

static void add_words(char **line, char **words, int n)
{
	char *quoted = mt_shell_words((const char *const *)words, (size_t)n);
	if (!quoted)
		die("out of memory");
	if (n > 0)
		add_text(line, quoted);
	free(quoted);
}

static int count(char **words)
{
	int n = 0;
	while (words[n])
		n++;
	return n;
}

/* Whether an option is "-o", "-fo", "--output", "--output=FILE" */
static bool is_output(const char *word)
{
	return word[0] == '-' && (word[1] == '-' ? strncmp(word, "--output", 8) == 0 : strchr(word, 'o') != NULL);
}

/* Returns "memrec", the options that were typed and, if there was none, a place for the trace. The caller frees it. */
static char *with_options(const struct typed *t, char **more, int n_more)
{
	char *line = xstrdup("memrec");
	int n = t->program - 1;
	if (n > 0 && strcmp(t->argv[n], "--") == 0)
		n--;
	add_words(&line, t->argv + 1, n);
	add_words(&line, more, n_more);
	bool has_output = !t->needs_output;
	for (int i = 0; i < n_more; i++)
		has_output |= is_output(more[i]);
	if (!has_output)
		add_text(&line, "-o trace.lz4");
	return line;
}

static char *with_python(const struct typed *t, char **more, int n_more, char **program)
{
	char *line = with_options(t, more, n_more);
	add_text(&line, "-- python3");
	if (program)
		add_words(&line, program, count(program));
	else
		add_text(&line, "SCRIPT");
	return line;
}

/* For "run -fo FILE script.py 1": the script, or python's -m or -c, is where the options of memray end. */
static char *instead_of_run(const struct typed *t, char **words)
{
	for (int i = 0; words[i]; i++)
		if (is_python_file(words[i]) || strcmp(words[i], "-m") == 0 || strcmp(words[i], "-c") == 0)
			return with_python(t, words, i, words + i);
	return with_python(t, NULL, 0, NULL);
}

static bool is_number(const char *word)
{
	return word[0] && strspn(word, "0123456789") == strlen(word);
}

/* "attach -o FILE 1234" or "attach 1234 -o FILE" */
static char *instead_of_attach(const struct typed *t, char **words)
{
	int n = count(words);
	bool last = n > 0 && is_number(words[n - 1]), first = n > 0 && is_number(words[0]);
	char *line = with_options(t, words + (first && !last), last || first ? n - 1 : 0);
	add_text(&line, "--pid");
	if (last || first)
		add_words(&line, last ? words + n - 1 : words, 1);
	else
		add_text(&line, "PID");
	return line;
}

/* "summary FILE" is memsummary FILE; NULL if there is no such command. */
static char *instead_of_report(const char *name, char **words)
{
	char *command = xasprintf("mem%s", strcmp(name, "flamegraph") == 0 ? "flame" : name);
	if (strchr(name, '/') || advice_error(command) != 0) {
		free(command);
		return NULL;
	}
	add_words(&command, words, count(words));
	return command;
}

/* Returns the command for a user of memray who types "memrec run script.py", or NULL. The caller frees it. */
static char *instead_of(const struct typed *t)
{
	char **words = t->argv + t->program;
	return strcmp(words[0], "run") == 0 ? instead_of_run(t, words + 1) :
	       strcmp(words[0], "attach") == 0 ? instead_of_attach(t, words + 1) :
						 instead_of_report(words[0], words + 1);
}

void advice_print(const struct typed *t, int error)
{
	char **program = t->argv + t->program, *line = NULL;
	const char *name = program[0];
	bool is_here = access(name, F_OK) == 0;
	if (error == ENOENT && !is_here && (line = instead_of(t)) != NULL) {
		warn("%s: no such command, and memrec has no subcommands: %s", name, line);
	} else if (is_directory(name) && error == EACCES) {
		warn("%s: is a directory", name);
	} else if (error == EACCES && is_python_file(name)) {
		warn("%s: not executable; put python3 before it: %s", name, line = with_python(t, NULL, 0, program));
	} else if (error == ENOEXEC && is_python_file(name)) {
		warn("%s: without a #! line a shell would run it; put python3 before it: %s", name,
		     line = with_python(t, NULL, 0, program));
	} else if (error == ENOENT && !strchr(name, '/') && is_here) {
		warn("%s: not found in PATH; to run the file of that name: %s", name,
		     line = with_python(t, NULL, 0, program));
	} else {
		warn("%s: %s", name, strerror(error));
	}
	free(line);
}
