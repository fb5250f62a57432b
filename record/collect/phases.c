/*
 * phases.c - the start-up, script and shutdown of a Python process
 */
#include "phases.h"

#include <ctype.h>
#include <string.h>

static void put_span(struct output *o, enum phase phase, bool begins, uint32_t pid, uint64_t time_ms)
{
	static const char *const names[] = {
		[PHASE_START_UP] = "start-up", [PHASE_SCRIPT] = "script", [PHASE_SHUTDOWN] = "shutdown",
	};
	const char *name = names[phase];
	struct mt_event ev = { .kind = MT_SPAN, .count = begins, .name = { name, strlen(name) }, .pid = pid };
	output_put(o, &ev, time_ms);
}

void phases_begin(struct phases *ph, enum phase next, struct output *o, uint32_t pid, uint64_t time_ms)
{
	if (next <= ph->now)
		return;
	if (ph->now)
		put_span(o, ph->now, false, pid, time_ms);
	put_span(o, next, true, pid, time_ms);
	ph->now = next;
}

/* ---------------------------------------------------------------- the script begins */

static bool equals(struct mt_str s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static bool begins_with(struct mt_str s, const char *text)
{
	return s.n >= strlen(text) && memcmp(s.p, text, strlen(text)) == 0;
}

/* The part of the path beyond the folder of the standard library, ".../python3.11/"; or nothing. */
static struct mt_str library_path(struct mt_str file)
{
	static const char folder[] = "/python3.";
	for (size_t i = 0; i + sizeof folder <= file.n; i++) {
		struct mt_str rest = { file.p + i, file.n - i };
		if (!begins_with(rest, folder))
			continue;
		size_t n = sizeof folder - 1;
		while (n < rest.n && (isdigit((unsigned char)rest.p[n]) || rest.p[n] == 't'))
			n++;
		if (n < rest.n && rest.p[n] == '/')
			return (struct mt_str){ rest.p + n + 1, rest.n - n - 1 };
	}
	return (struct mt_str){ "", 0 };
}

/* Modules that the interpreter imports, and calls, before there is a script. */
static bool is_machinery(struct mt_str path)
{
	static const char *const modules[] = {
		"encodings/", "importlib/_bootstrap", "codecs.py", "io.py", "abc.py", "site.py", "zipimport.py",
	};
	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
		if (begins_with(path, modules[i]))
			return true;
	return false;
}

enum role phases_role(struct mt_str name, struct mt_str file)
{
	struct mt_str path = library_path(file);
	bool frozen = begins_with(file, "<frozen ");

	if (equals(file, "<frozen runpy>") || equals(path, "runpy.py"))
		return equals(name, "_run_module_as_main") ? ROLE_RUN_MODULE :
		       equals(name, "_run_code") ? ROLE_RUN_CODE : ROLE_MACHINERY;
	return frozen || is_machinery(path) ? ROLE_MACHINERY : ROLE_PROGRAM;
}

bool phases_is_script(struct phases *ph, uint32_t node, uint32_t parent, enum role role)
{
	if (ph->now != PHASE_START_UP)
		return false;
	if (parent == 0 && role == ROLE_RUN_MODULE)
		ph->run_module = node;
	else if (parent && parent == ph->run_module && role == ROLE_RUN_CODE)
		ph->run_code = node;
	return parent ? parent == ph->run_code : role == ROLE_PROGRAM;
}

/* ---------------------------------------------------------------- labels */

enum label phases_label(const struct phases *ph, bool is_main_thread, bool is_new)
{
	if (ph->now == PHASE_SHUTDOWN)
		return LABEL_SHUTDOWN;
	if (!is_main_thread)
		return is_new ? LABEL_THREAD : LABEL_NONE;
	return ph->now == PHASE_START_UP ? LABEL_START_UP : LABEL_NONE;
}

uint32_t phases_frame(struct output *o, enum label label)
{
	static const char *const names[] = {
		[LABEL_START_UP] = "[interpreter start-up]", [LABEL_SHUTDOWN] = "[interpreter shutdown]",
		[LABEL_THREAD] = "[thread start]", [LABEL_NONE] = "[no Python frame]",
		[LABEL_ARENA] = "[pymalloc arena]",
	};
	struct mt_event ev = { .lang = MT_LANG_PYTHON, .name = { names[label], strlen(names[label]) } };
	ev.file = ev.module = (struct mt_str){ "", 0 };
	return output_frame(o, output_function(o, &ev), 0);
}
