/*
 * pattern.h - extended regular expressions: those of options, and a command's own
 *
 * All functions exit if out of memory, also where regexec(3) would only report that nothing matches.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "memtrace.h"

/* The regular expression of an option, which may be absent (text is NULL); then everything matches. */
struct pattern {
	const char *text, *option;	/* borrowed */
	regex_t regex;
};

/*
 * Exits with a usage message if it is wrong, or nested so deep that regcomp(3) would overflow the stack.
 * `flags`: 0 or REG_ICASE.
 */
void pattern_compile(struct pattern *p, int flags);
void pattern_clear(struct pattern *p);
bool pattern_finds(const struct pattern *p, struct mt_str text);

/* Compiles a correct pattern, with groups; the caller frees it with regfree(). */
void pattern_compile_own(regex_t *regex, const char *text);
/* Returns whether it matches anywhere in a text that ends with a 0. Sets n groups. */
bool pattern_finds_own(const regex_t *regex, const char *text, size_t n, regmatch_t *groups);

#endif
