/*
 * pattern.c - extended regular expressions: those of options, and a command's own
 */
#include "pattern.h"

#include <errno.h>

#include "error.h"
#include "tool.h"

#define NESTING_MAX 250		/* of parentheses */

/* regcomp(3) recurses for each open parenthesis, and would overflow the stack. */
static void check_nesting(const struct pattern *p)
{
	unsigned depth = 0;

	for (const char *c = p->text; *c; c++) {
		if (*c == '\\' && c[1])
			c++;
		else if (*c == ')' && depth > 0)
			depth--;
		else if (*c == '(' && ++depth > NESTING_MAX)
			usage_die("%s: parentheses are nested more than %d deep", p->option, NESTING_MAX);
	}
}

void pattern_compile(struct pattern *p, int flags)
{
	char why[200];

	if (!p->text)
		return;
	check_nesting(p);
	int r = regcomp(&p->regex, p->text, REG_EXTENDED | REG_NOSUB | flags);
	if (r == 0)
		return;
	if (r == REG_ESPACE)
		die("%s: '%s': out of memory", p->option, p->text);
	regerror(r, &p->regex, why, sizeof why);
	usage_die("%s: '%s': %s", p->option, p->text, why);
}

void pattern_clear(struct pattern *p)
{
	if (p->text)
		regfree(&p->regex);
}

/* Returns 0, REG_NOMATCH or REG_ESPACE. */
static int execute(const regex_t *regex, const char *text, size_t n, regmatch_t *groups, int flags)
{
	errno = 0;
	int r = regexec(regex, text, n, groups, flags);
	return r != 0 && errno == ENOMEM ? REG_ESPACE : r;	/* glibc returns "no match" then */
}

bool pattern_finds(const struct pattern *p, struct mt_str text)
{
	if (!p->text)
		return true;
	/* the text is not 0-terminated: with REG_STARTEND this gives its bounds */
	regmatch_t whole = { .rm_eo = (regoff_t)text.n };
	int r = execute(&p->regex, text.p, 1, &whole, REG_STARTEND);
	if (r == REG_ESPACE)
		die("%s: '%s': out of memory", p->option, p->text);
	return r == 0;
}

void pattern_compile_own(regex_t *regex, const char *text)
{
	int r = regcomp(regex, text, REG_EXTENDED);
	if (r == REG_ESPACE)
		die("out of memory");
	if (r != 0)
		BUG("a pattern that regcomp() refuses: %s", text);
}

bool pattern_finds_own(const regex_t *regex, const char *text, size_t n, regmatch_t *groups)
{
	int r = execute(regex, text, n, groups, 0);
	if (r == REG_ESPACE)
		die("out of memory");
	return r == 0;
}
