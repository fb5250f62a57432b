/*
 * places.c - allocations by line and by module
 *
 * Source: memray (_memray.pyx, compute_statistics; reporters/module_tools.py).
 */
#include "places.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "modules.h"
#include "xmalloc.h"

/* ---------------------------------------------------------------- sums by name */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->name, ((const struct place *)b)->name);
}

/* Merges places with equal names. */
static void merge(struct places *p)
{
	size_t n = 0;

	qsort(p->at, p->n, sizeof *p->at, by_name);
	for (size_t i = 0; i < p->n; i++) {
		if (n == 0 || by_name(&p->at[n - 1], &p->at[i]) != 0) {
			p->at[n++] = p->at[i];
			continue;
		}
		p->at[n - 1].all.bytes += p->at[i].all.bytes;
		p->at[n - 1].all.count += p->at[i].all.count;
		free(p->at[i].name);
	}
	p->n = n;
}

static int by_size(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	return p->all.bytes != q->all.bytes ? (p->all.bytes < q->all.bytes ? 1 : -1) : by_name(a, b);
}

static int by_count(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	return p->all.count != q->all.count ? (p->all.count < q->all.count ? 1 : -1) : by_name(a, b);
}

void places_sort_by_size(struct places *p)
{
	qsort(p->at, p->n, sizeof *p->at, by_size);
}

void places_sort_by_count(struct places *p)
{
	qsort(p->at, p->n, sizeof *p->at, by_count);
}

void places_free(struct places *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->at[i].name);
	free(p->at);
}

/* ---------------------------------------------------------------- lines */

static char *line_name(const struct stacks *s, uint32_t frame)
{
	const struct function *f = stacks_function(s, stacks_frame(s, frame)->function);
	const char *place = function_place(f);

	if (!*f->name && !*place)
		return xstrdup("[unknown]");
	if (function_is_label(f))
		return xstrdup(f->name);
	return xasprintf("%s:%s:%u", *f->name ? f->name : "[unknown]", *place ? place : "[unknown]",
			 (unsigned)stacks_frame(s, frame)->line);
}

/* Of a Python program: an arena belongs to the line that needed it. */
static bool is_line(const struct stacks *s, uint32_t frame)
{
	const struct function *f = stacks_function(s, stacks_frame(s, frame)->function);

	return f->lang == MT_LANG_PYTHON && !function_is_label(f);
}

struct places places_lines(const struct stacks *s, const struct amount *at, uint32_t n)
{
	uint32_t n_frames = stacks_frame_count(s), *python = xcalloc(n, sizeof *python);
	struct amount *sums = xcalloc(n_frames, sizeof *sums);
	struct places p = { .at = xcalloc(n_frames, sizeof *p.at) };

	for (uint32_t i = 0; i < n; i++) {
		const struct stack *stack = stacks_stack(s, i);
		python[i] = is_line(s, stack->frame) ? stack->frame : python[stack->parent];
		uint32_t frame = python[i] ? python[i] : stack->frame;
		sums[frame].bytes += at[i].bytes;
		sums[frame].count += at[i].count;
	}
	for (uint32_t i = 0; i < n_frames; i++)
		if (sums[i].count)
			p.at[p.n++] = (struct place){ line_name(s, i), sums[i] };
	free(python);
	free(sums);
	merge(&p);
	return p;
}

/* ---------------------------------------------------------------- modules */

/* Returns the Python function nearest to the allocation that is not in the standard library; 0 if there is none. */
static uint32_t nearest_own(const struct stacks *s, const uint8_t *own, const uint32_t *nearest, uint32_t stack)
{
	const struct stack *here = stacks_stack(s, stack);
	uint32_t function = stacks_frame(s, here->frame)->function;

	return own[function] ? function : nearest[here->parent];
}

struct places places_modules(const struct stacks *s, const struct amount *at, uint32_t n)
{
	uint32_t n_functions = stacks_function_count(s), *nearest = xcalloc(n, sizeof *nearest);
	uint8_t *own = xcalloc(n_functions, 1);
	struct amount *sums = xcalloc(n_functions, sizeof *sums);
	struct places p = { .at = xcalloc(n_functions, sizeof *p.at) };
	char *root = modules_root(s);

	for (uint32_t i = 1; i < n_functions; i++) {
		const struct function *f = stacks_function(s, i);
		own[i] = f->lang == MT_LANG_PYTHON && !modules_is_standard(f->file) && !function_is_label(f);
	}
	for (uint32_t i = 0; i < n; i++) {
		nearest[i] = nearest_own(s, own, nearest, i);
		sums[nearest[i]].bytes += at[i].bytes;
		sums[nearest[i]].count += at[i].count;
	}
	for (uint32_t i = 0; i < n_functions; i++)
		if (sums[i].count)
			p.at[p.n++] = (struct place){
				i ? modules_name(stacks_function(s, i)->file, root) : xstrdup("<root>"),
				sums[i],
			};
	free(root);
	free(nearest);
	free(own);
	free(sums);
	merge(&p);
	return p;
}
