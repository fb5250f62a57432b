/*
 * title.c - what the numbers of a trace are, in words: of the stages in its header
 *
 * A stage is a program and the line it was called with. What its options mean
 * stands in the tables below; a stage that is in none of them, or has an
 * option that is not, is told as it was called.
 */
#include <stdlib.h>
#include <string.h>

#include "tally.h"
#include "xmalloc.h"

/* An option of a filter: words for it, with its argument at "%"; NULL: it changes nothing that a title tells. */
struct meaning {
	const char *name;
	char key;		/* short, or 0 */
	bool has_arg;
	const char *words;
};

struct filter {
	const char *program;
	const char *answer;	/* what it leaves, if its sum is the answer; NULL: it leaves a part of the trace */
	const char *none;	/* words without any option; "": none needed */
	const struct meaning *options;
};

static const struct meaning memtemp[] = {
	{ "threshold", 't', true, "freed after at most % others" },
	{ NULL, 0, false, NULL },
};

static const struct meaning memleak[] = {
	{ "tail", 't', true, "but for the last %" },
	{ "to-the-end", 'e', false, "even by Python's end" },
	{ "verbose", 'v', false, NULL },
	{ NULL, 0, false, NULL },
};

static const struct meaning memgrep[] = {
	{ "function", 'f', true, "functions '%'" },
	{ "file", 'F', true, "files '%'" },
	{ "module", 'm', true, "modules '%'" },
	{ "innermost", 'I', false, "innermost" },
	{ "thread", 'T', true, "threads '%'" },
	{ "min-size", 's', true, "at least %" },
	{ "max-size", 'S', true, "at most %" },
	{ "allocator", 'a', true, "by %" },
	{ "pid", 'p', true, "process %" },
	{ "tid", 't', true, "thread %" },
	{ "ignore-case", 'i', false, NULL },
	{ "invert", 'v', false, NULL },	/* which of "only" and "without" */
	{ NULL, 0, false, NULL },
};

static const struct meaning memslice[] = {
	{ "begin", 'b', true, "from %" },
	{ "end", 'e', true, "up to %" },
	{ "alive", 'a', false, "and what was alive before" },
	{ NULL, 0, false, NULL },
};

static const struct meaning memsplit_pid[] = {
	{ "output", 'o', true, NULL },
	{ "force", 'f', false, NULL },
	{ "list", 'l', false, NULL },
	{ NULL, 0, false, NULL },
};

static const struct meaning no_options[] = { { NULL, 0, false, NULL } };

static const struct filter filters[] = {
	{ "memtemp", "temporary allocations", "", memtemp },
	{ "memleak", "never freed", "", memleak },
	{ "mempeak", "alive at the high-water mark", "", no_options },
	{ "memgrep", NULL, "", memgrep },
	{ "memslice", NULL, "", memslice },
	{ "memsplit-pid", NULL, "one process", memsplit_pid },
};

/* These leave every allocation as it is. */
static const char *const neutral[] = { "memrec", "memcat", "memmerge", "memtop" };

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static const struct filter *filter_of(const char *program)
{
	for (size_t i = 0; i < LENGTH(filters); i++)
		if (strcmp(filters[i].program, program) == 0)
			return &filters[i];
	return NULL;
}

static bool is_neutral(const char *program)
{
	for (size_t i = 0; i < LENGTH(neutral); i++)
		if (strcmp(neutral[i], program) == 0)
			return true;
	return false;
}

/* ---------------------------------------------------------------- the line it was called with */

/* The next word of a shell-quoted line, unquoted. NULL: there is none. To be freed. */
static char *next_word(const char **line)
{
	const char *p = *line + strspn(*line, " ");
	char quote = 0, *word, *q;

	if (!*p)
		return NULL;
	word = q = xmalloc(strlen(p) + 1);
	for (; *p && (quote || *p != ' '); p++) {
		if (!quote && *p == '\'')
			quote = '\'';
		else if (quote && *p == quote)
			quote = 0;
		else if (!quote && *p == '\\' && p[1])
			*q++ = *++p;
		else
			*q++ = *p;
	}
	*q = '\0';
	*line = p;
	return word;
}

/* The option of a long name of n characters, whole or as far as only one begins so. */
static const struct meaning *long_option(const struct filter *f, const char *name, size_t n)
{
	const struct meaning *found = NULL;

	for (const struct meaning *m = f->options; m->name; m++) {
		if (strncmp(m->name, name, n) != 0)
			continue;
		if (m->name[n] == '\0')
			return m;
		if (found)
			return NULL;
		found = m;
	}
	return found;
}

static const struct meaning *short_option(const struct filter *f, char key)
{
	for (const struct meaning *m = f->options; m->name; m++)
		if (m->key == key)
			return m;
	return NULL;
}

struct words {
	char *text;
	bool inverted;		/* memgrep -v */
};

/* ", " and the option's words with its argument. */
static void add_option(struct words *w, const struct meaning *m, const char *arg)
{
	char *old = w->text;

	w->inverted |= m->key == 'v' && m->words == NULL && strcmp(m->name, "invert") == 0;
	if (!m->words)
		return;
	const char *at = strchr(m->words, '%');
	w->text = at ? xasprintf("%s%s%.*s%s%s", old, *old ? ", " : "", (int)(at - m->words), m->words, arg, at + 1)
		     : xasprintf("%s%s%s", old, *old ? ", " : "", m->words);
	free(old);
}

/* One word of options: "-a", "-aNAMES", "-ia", "--file=NAME", "--file"; *rest has the argument if it is not in it. */
static bool take_option(struct words *w, const struct filter *f, const char *word, const char **rest)
{
	bool is_long = word[1] == '-';

	for (const char *p = word + 1 + is_long; *p; p++) {
		const char *equals = is_long ? strchr(p, '=') : NULL;
		const struct meaning *m =
			is_long ? long_option(f, p, equals ? (size_t)(equals - p) : strlen(p)) : short_option(f, *p);
		if (!m || (!m->has_arg && equals))
			return false;
		if (m->has_arg) {
			const char *inside = equals ? equals + 1 : !is_long && p[1] ? p + 1 : NULL;
			char *next = inside ? NULL : next_word(rest);
			if (inside || next)
				add_option(w, m, inside ? inside : next);
			free(next);
			return inside || next;
		}
		add_option(w, m, "");
		if (is_long)
			break;
	}
	return true;
}

/* What a filter's options mean; false: one of them is not known. Operands say nothing of the numbers. */
static bool take_options(struct words *w, const struct filter *f, const char *args)
{
	char *word;
	bool known = true, ended = false;

	while (known && !ended && (word = next_word(&args)) != NULL) {
		ended = strcmp(word, "--") == 0;
		if (!ended && word[0] == '-' && word[1])
			known = take_option(w, f, word, &args);
		free(word);
	}
	return known;
}

/* ---------------------------------------------------------------- titles */

/* "never freed, but for the last 10%"; "only files 'a.py', at least 1MB"; of what is not known, how it was called. */
static char *stage_words(const struct mt_stage *s)
{
	const struct filter *f = filter_of(s->program);
	struct words w = { .text = xstrdup("") };
	bool known = f && take_options(&w, f, s->args);
	const char *kind = !f || f->answer ? "" : f->options == memgrep ? w.inverted ? "without " : "only " :
			   f->options == memslice && *w.text ? "made " : "";
	char *words;

	if (!known)
		words = xasprintf("%s%s%s%s", f && f->answer ? "" : "filtered by ", f && f->answer ? f->answer : s->program,
				  *s->args ? " " : "", s->args);
	else if (f->answer)
		words = xasprintf("%s%s%s", f->answer, *w.text ? ", " : "", w.text);
	else
		words = *w.text ? xasprintf("%s%s", kind, w.text) : xstrdup(f->none);
	free(w.text);
	return words;
}

static const char *answer_to(enum tally_what what)
{
	switch (what) {
	case TALLY_PEAK:
		return "alive at the high-water mark";
	case TALLY_LEAKS:
		return "never freed";
	default:
		return "all allocations";
	}
}

static bool is_answer(const struct mt_stage *s)
{
	const struct filter *f = filter_of(s->program);

	return f && f->answer;
}

bool tally_is_answer(const struct mt_header *h)
{
	for (size_t i = 0; i < h->n_stages; i++)
		if (is_answer(&h->stages[i]))
			return true;
	return false;
}

/* *title becomes "*title; words"; either may be empty. */
static void add_words(char **title, char *words)
{
	char *old = *title;

	*title = xasprintf("%s%s%s", old, *old && *words ? "; " : "", words);
	free(old);
	free(words);
}

char *tally_title(const struct mt_header *h, enum tally_what what)
{
	char *title = xstrdup("");

	for (size_t i = 0; i < h->n_stages; i++)
		if (is_answer(&h->stages[i]))
			add_words(&title, stage_words(&h->stages[i]));
	if (!*title)
		add_words(&title, xstrdup(answer_to(what)));
	for (size_t i = 0; i < h->n_stages; i++)
		if (!is_answer(&h->stages[i]) && !is_neutral(h->stages[i].program))
			add_words(&title, stage_words(&h->stages[i]));
	return title;
}
