/*
 * environment.c - memrec's part of an environment: the agent's file in LD_PRELOAD, and WIRE_ENV
 *
 * Source: LD_PRELOAD is parsed as the loader does it (glibc, elf/rtld.c: process_envvars and
 * handle_preload_list): of several variables the last counts; spaces and colons
 * separate its entries; empty entries are ignored.
 */
#include "environment.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "orders.h"
#include "program.h"
#include "wire.h"

#define PRELOAD "LD_PRELOAD="
#define SEPARATORS ": "

static const char *preload_list(const char *entry)
{
	return strncmp(entry, PRELOAD, strlen(PRELOAD)) == 0 ? entry + strlen(PRELOAD) : NULL;
}

static bool is_wire_entry(const char *entry)
{
	return strncmp(entry, WIRE_ENV "=", sizeof WIRE_ENV) == 0;
}

/* Returns whether it is WIRE_ENV of this recording, or of the one this process was started by. */
static bool is_our_entry(const char *entry)
{
	return strcmp(entry, orders.entry) == 0 || (orders.inherited[0] && strcmp(entry, orders.inherited) == 0);
}

static bool is_our_file(const char *p, size_t n)
{
	return n > 0 && n == strlen(orders.preload) && memcmp(p, orders.preload, n) == 0;
}

/* Returns the entry after this one, or NULL. */
static const char *next_file(const char *list)
{
	list += strcspn(list, SEPARATORS);
	return *list ? list + 1 : NULL;
}

static bool names_us(const char *list)
{
	for (; list; list = next_file(list))
		if (is_our_file(list, strcspn(list, SEPARATORS)))
			return true;
	return false;
}

/* Returns whether our file is the first entry, and none of the others. */
static bool names_us_once(const char *list)
{
	return is_our_file(list, strcspn(list, SEPARATORS)) && !names_us(next_file(list));
}

/* Copies the list without our file; `to` may be the list itself. Returns false if the list has no other entry. */
static bool copy_without_us(char *to, const char *list)
{
	bool others = false;
	for (const char *next; list; list = next) {
		size_t n = strcspn(list, SEPARATORS);
		next = next_file(list);
		if (!is_our_file(list, n)) {
			others = true;
			n += next != NULL;
			memmove(to, list, n);
			to += n;
		} else if (!next && others) {
			to--;
		}
	}
	*to = '\0';
	return others;
}

static bool names_others(const char *list)
{
	for (; list; list = next_file(list))
		if (!is_our_file(list, strcspn(list, SEPARATORS)))
			return true;
	return false;
}

/* Returns which LD_PRELOAD takes effect, or would without us: the last that names others, else the last. -1: none. */
static ssize_t last_preload(char *const envp[])
{
	ssize_t last = -1;
	for (ssize_t i = 0; envp && envp[i]; i++) {
		const char *list = preload_list(envp[i]);
		if (list && (last < 0 || names_others(list) || !names_others(preload_list(envp[last]))))
			last = i;
	}
	return last;
}

/* Returns the first entry, as getenv() does. */
static const char *wire_entry(char *const envp[])
{
	for (; envp && *envp; envp++)
		if (is_wire_entry(*envp))
			return *envp;
	return NULL;
}

/* Returns whether another memrec, run inside a recorded program, made it: "ADDRESS PID FLAGS", of any build. */
static bool is_anothers(const char *entry)
{
	static const char digits[] = "0123456789";
	if (!entry || is_our_entry(entry))
		return false;
	const char *pid = strchr(entry + sizeof WIRE_ENV, ' ');
	size_t n = pid ? strspn(pid + 1, digits) : 0;
	if (n == 0 || pid[1 + n] != ' ')
		return false;
	const char *flags = pid + 1 + n + 1;
	return *flags && !flags[strspn(flags, digits)];
}

static bool entry_is_right(const char *entry, enum travel how, bool counts)
{
	const char *list = preload_list(entry);
	if (list)
		return counts && how == WITH_AGENT ? names_us_once(list) : !names_us(list);
	return how == WITH_AGENT || !is_our_entry(entry);
}

static bool is_right(char *const envp[], enum travel how)
{
	const char *entry = wire_entry(envp);
	ssize_t last = last_preload(envp);
	if (how == AS_IT_IS || is_anothers(entry))
		return true;
	if (how == WITH_AGENT && (last < 0 || !entry || strcmp(entry, orders.entry) != 0))
		return false;
	for (ssize_t i = 0; envp && envp[i]; i++)
		if (!entry_is_right(envp[i], how, i == last))
			return false;
	return true;
}

size_t environment_room(char *const envp[], enum travel how)
{
	if (is_right(envp, how))
		return 0;
	size_t entries = 3, text = sizeof PRELOAD + strlen(orders.preload) + 1;	/* two more, and the final NULL */
	for (; envp && *envp; envp++, entries++)
		if (preload_list(*envp))
			text += strlen(*envp) + 1;
	return entries * sizeof *envp + text;
}

/* Writes LD_PRELOAD with our file first. Returns the end of its text. */
static char *put_us_first(char *text, const char *list)
{
	strcpy(text, PRELOAD);
	strcat(text, orders.preload);
	char *end = text + strlen(text);
	if (list && copy_without_us(end + 1, list))
		*end++ = ':';
	return end + strlen(end) + 1;
}

static char *put_without_us(char *text, const char *list)
{
	strcpy(text, PRELOAD);
	return copy_without_us(text + strlen(PRELOAD), list) ? text + strlen(text) + 1 : NULL;
}

struct writer {
	char **to, *text;
};

/* Adds the entry just written at `text`, which ends at `end`. NULL: it is omitted. */
static void add_made(struct writer *w, char *end)
{
	if (!end)
		return;
	*w->to++ = w->text;
	w->text = end;
}

static void make_entry(struct writer *w, char *entry, enum travel how, bool counts)
{
	const char *list = preload_list(entry);
	if (counts && how == WITH_AGENT)
		add_made(w, put_us_first(w->text, list));
	else if (list && names_us(list))
		add_made(w, put_without_us(w->text, list));
	else if (how == WITH_AGENT ? !is_wire_entry(entry) : !is_our_entry(entry))
		*w->to++ = entry;
}

char **environment_make(char *const envp[], enum travel how, void *room)
{
	if (!room)
		return (char **)(uintptr_t)envp;
	ssize_t n = 0, last = last_preload(envp);
	while (envp && envp[n])
		n++;
	struct writer w = { room, (char *)room + (size_t)(n + 3) * sizeof *envp };
	for (ssize_t i = 0; i < n; i++)
		make_entry(&w, envp[i], how, i == last);
	if (how == WITH_AGENT) {
		if (last < 0)
			add_made(&w, put_us_first(w.text, NULL));
		*w.to++ = orders.entry;
	}
	*w.to = NULL;
	return room;
}

bool environment_wakes_us(char *const envp[])
{
	const char *entry = wire_entry(envp);
	ssize_t last = last_preload(envp);
	if (!entry || !is_our_entry(entry) || last < 0 || !names_us(preload_list(envp[last])))
		return false;
	for (envp += last + 1; *envp; envp++)
		if (preload_list(*envp))
			return false;
	return true;
}

bool environment_preloads_sanitizer(char *const envp[])
{
	ssize_t last = last_preload(envp);
	return last >= 0 && program_preloads_sanitizer(preload_list(envp[last]));
}

void environment_leave(void)
{
	char **to = environ;
	for (char **from = environ; *from; from++) {
		char *list = (char *)(uintptr_t)preload_list(*from);
		if (list && names_us(list) ? copy_without_us(list, list) : !is_our_entry(*from))
			*to++ = *from;
	}
	*to = NULL;
}
