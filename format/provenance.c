/*
 * provenance.c - describe the numbers of a trace, from the stages in its header
 */
#include "provenance.h"

#include <stdlib.h>
#include <string.h>

#include "sampled.h"
#include "xmalloc.h"

/*
 * Stages of the first releases do not describe themselves; these programs are known by name. Add nothing here:
 * filters now describe themselves (struct tool).
 */
static const struct old_program {
	const char *name, *title;
	bool answer;
} old_programs[] = {
	{ "memtemp", "temporary allocations", true },
	{ "memleak", "never freed", true },
	{ "mempeak", "alive at the high-water mark", true },
	{ "memsplit-pid", "one process", false },
	{ "memmerge", "", false },
	{ "memrec", "", false },
};

/* Returns NULL if the stage describes itself, or its program is unknown. */
static const struct old_program *old_program(const struct mt_stage *s)
{
	for (size_t i = 0; !s->title && i < sizeof old_programs / sizeof *old_programs; i++)
		if (strcmp(s->program, old_programs[i].name) == 0)
			return &old_programs[i];
	return NULL;
}

static bool is_answer(const struct mt_stage *s)
{
	const struct old_program *old = old_program(s);

	return s->answer || (old && old->answer);
}

bool provenance_is_answer(const struct mt_header *h)
{
	for (size_t i = 0; i < h->n_stages; i++)
		if (is_answer(&h->stages[i]))
			return true;
	return false;
}

/* Returns the stage's own title, or else one made from its program and arguments; the caller frees it. */
static char *words_of(const struct mt_stage *s)
{
	const struct old_program *old = old_program(s);
	const char *space = *s->args ? " " : "";

	if (s->title)
		return xstrdup(s->title);
	if (old && (!old->answer || !*s->args))
		return xstrdup(old->title);
	if (old)
		return xasprintf("%s (%s %s)", old->title, s->program, s->args);
	return xasprintf("filtered by %s%s%s", s->program, space, s->args);
}

/* Sets *title to "*title; words"; either may be empty. Frees `words`. */
static void add_words(char **title, char *words)
{
	char *old = *title;

	*title = xasprintf("%s%s%s", old, *old && *words ? "; " : "", words);
	free(old);
	free(words);
}

/* Adds the words of the stages that answer, or of the others. */
static void add_stages(char **title, const struct mt_header *h, bool answers)
{
	for (size_t i = 0; i < h->n_stages; i++)
		if (is_answer(&h->stages[i]) == answers)
			add_words(title, words_of(&h->stages[i]));
}

char *provenance_title(const struct mt_header *h, const char *asked)
{
	char *title = xstrdup("");

	add_stages(&title, h, true);
	if (!*title)
		add_words(&title, xstrdup(provenance_is_answer(h) ? PROVENANCE_ALL : asked));
	add_stages(&title, h, false);
	if (h->sample_bytes)
		add_words(&title, sampled_text(h->sample_bytes));
	return title;
}
