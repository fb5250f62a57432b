/*
 * markdown.c - print a difference as a comment for a pull request
 */
#include "markdown.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"
#include "units.h"

/* Returns the length of the longest run of backquotes. */
static size_t longest_quotes(const char *text)
{
	size_t longest = 0, run = 0;

	for (; *text; text++) {
		run = *text == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

/*
 * Prints text as code in a table cell: between more backquotes than its longest run of them, with a space if it begins
 * or ends with one. A bar would end the cell even in code, so it is escaped.
 */
static void print_code(const char *text)
{
	char *safe = tool_printable(text);
	size_t quotes = longest_quotes(safe) + 1, n = strlen(safe);
	bool apart = n && (safe[0] == '`' || safe[n - 1] == '`');

	for (size_t i = 0; i < quotes; i++)
		putchar('`');
	if (apart)
		putchar(' ');
	for (const char *p = safe; *p; p++)
		*p == '|' ? fputs("\\|", stdout) : putchar(*p);
	if (apart)
		putchar(' ');
	for (size_t i = 0; i < quotes; i++)
		putchar('`');
	free(safe);
}

static void print_side(const struct side *s)
{
	char *title = s->title ? tool_printable(s->title) : NULL;

	print_code(s->name);
	if (title)
		printf(" (%s)", title);
	free(title);
}

/* "+12.3 %"; "new" if there was nothing before. */
static void print_share(uint64_t before, uint64_t after)
{
	if (before == after)
		printf("0 %%");
	else if (before == 0)
		printf("new");
	else
		printf("%+.1f %%", 100 * ((double)after - (double)before) / (double)before);
}

static void print_amounts(const struct diff *d, uint64_t before, uint64_t after)
{
	char difference[CHANGE_TEXT], was[NUMBER_TEXT], is[NUMBER_TEXT];

	printf("| %s | ", rows_change(d, before, after, difference));
	print_share(before, after);
	printf(" | %s | %s | ", rows_number(d, before, was), rows_number(d, after, is));
}

void markdown_print(const struct diff *d, uint64_t max_rows, bool whole_stacks)
{
	struct rows all = whole_stacks ? rows_of_stacks(d) : rows_of_locations(d);
	uint32_t n = rows_sort(&all), rows = max_rows < n ? (uint32_t)max_rows : n;
	const char *what = rows_what(d, whole_stacks);

	print_side(&d->before);
	fputs(" to ", stdout);
	print_side(&d->after);
	printf("\n\n| Change | | Before | After | %c%s |\n", toupper((unsigned char)*what), what + 1);
	puts("|---:|---:|---:|---:|---|");
	print_amounts(d, d->before.total, d->after.total);
	printf("**%s** |\n", d->count ? "all allocations" : "all memory");
	for (uint32_t i = 0; i < rows; i++) {
		const struct row *r = &all.at[i];
		char *stack = whole_stacks ? rows_stack(d->calls, r->node) : NULL;
		print_amounts(d, r->before, r->after);
		print_code(stack ? stack : calltree_text(d->calls, calltree_call(d->calls, r->node)->label));
		puts(" |");
		free(stack);
	}
	if (rows < n)
		printf("\n%u more %s%s changed.\n", n - rows, what, n - rows == 1 ? "" : "s");
	free(all.at);
}
