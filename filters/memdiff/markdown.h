/*
 * markdown.h - print a difference as a comment for a pull request
 */
#ifndef MARKDOWN_H
#define MARKDOWN_H

#include "rows.h"

/* Prints the totals and at most max_rows changes, the largest first, in GitHub's Markdown, which GitLab reads too. */
void markdown_print(const struct diff *d, uint64_t max_rows, bool whole_stacks);

#endif
