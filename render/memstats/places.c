/*
 * places.c - allocations by the line and by the module that made them
 *
 * Source: memray (_memray.pyx, compute_statistics; reporters/module_tools.py).
 * memray asks the interpreter for its paths; a trace has file names only, so
 * the standard library is told by its folder's name, and the program's own
 * folder by the first module that is run.
 */
#include "places.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* ---------------------------------------------------------------- sums by name */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->name, ((const struct place *)b)->name);
}

/* Places of one name become one. */
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
	return xasprintf("%s:%s:%u", *f->name ? f->name : "[unknown]", *place ? place : "[unknown]",
			 (unsigned)stacks_frame(s, frame)->line);
}

static bool is_python(const struct stacks *s, uint32_t frame)
{
	return stacks_function(s, stacks_frame(s, frame)->function)->lang == MT_LANG_PYTHON;
}

struct places places_lines(const struct stacks *s, const struct amount *at, uint32_t n)
{
	uint32_t n_frames = stacks_frame_count(s), *python = xcalloc(n, sizeof *python);
	struct amount *sums = xcalloc(n_frames, sizeof *sums);
	struct places p = { .at = xcalloc(n_frames, sizeof *p.at) };

	for (uint32_t i = 0; i < n; i++) {
		const struct stack *stack = stacks_stack(s, i);
		python[i] = is_python(s, stack->frame) ? stack->frame : python[stack->parent];
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

/* After "/site-packages/" or the like; NULL: it is not there. */
static const char *in_packages(const char *file)
{
	static const char *const folders[] = { "/site-packages/", "/dist-packages/" };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		const char *p = strstr(file, folders[i]);
		if (p)
			return p + strlen(folders[i]);
	}
	return NULL;
}

/* "3.11/" or "3/": what follows a folder's "python". */
static bool is_version_folder(const char *p)
{
	const char *digits = p;

	while (isdigit((unsigned char)*p) || *p == '.')
		p++;
	return p > digits && *p == '/';
}

/* "<frozen …>", or ".../lib/python3.11/…" that is no installed package. */
static bool is_standard_library(const char *file)
{
	static const char *const folders[] = { "/lib/python", "/lib64/python" };

	if (strncmp(file, "<frozen ", 8) == 0)
		return true;
	if (in_packages(file))
		return false;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		for (const char *p = file; (p = strstr(p, folders[i])); ) {
			p += strlen(folders[i]);
			if (is_version_folder(p))
				return true;
		}
	return false;
}

/* "pkg/sub/x.py" -> "pkg", "x.py" -> "x". */
static char *top_of(const char *path)
{
	size_t n = strcspn(path, "/");

	if (!path[n] && n > 3 && strcmp(path + n - 3, ".py") == 0)
		n -= 3;
	return xasprintf("%.*s", (int)n, path);
}

/* Where the program's own modules are, with a '/' at the end: where the first that ran is. */
static char *find_root(const struct stacks *s)
{
	for (uint32_t i = 1; i < stacks_function_count(s); i++) {
		const struct function *f = stacks_function(s, i);
		const char *slash = strrchr(f->file, '/');
		if (f->lang != MT_LANG_PYTHON || strcmp(f->name, "<module>") != 0 || !slash ||
		    is_standard_library(f->file) || in_packages(f->file))
			continue;
		if (strcmp(slash, "/__init__.py") == 0)
			while (slash > f->file && *--slash != '/')
				;
		return xasprintf("%.*s", (int)(slash - f->file) + 1, f->file);
	}
	return xstrdup("/");
}

static char *module_of(const char *file, const char *root)
{
	const char *slash = strrchr(file, '/'), *installed = in_packages(file);

	if (!*file)
		return xstrdup("unknown");
	if (installed)
		return top_of(installed);
	if (root[1] && strncmp(file, root, strlen(root)) == 0)
		return top_of(file + strlen(root));
	return top_of(slash ? slash + 1 : file);
}

/* The function nearest to the allocation that is Python and not the standard library's; 0: none. */
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
	char *root = find_root(s);

	for (uint32_t i = 1; i < n_functions; i++) {
		const struct function *f = stacks_function(s, i);
		own[i] = f->lang == MT_LANG_PYTHON && !is_standard_library(f->file);
	}
	for (uint32_t i = 0; i < n; i++) {
		nearest[i] = nearest_own(s, own, nearest, i);
		sums[nearest[i]].bytes += at[i].bytes;
		sums[nearest[i]].count += at[i].count;
	}
	for (uint32_t i = 0; i < n_functions; i++)
		if (sums[i].count)
			p.at[p.n++] = (struct place){
				i ? module_of(stacks_function(s, i)->file, root) : xstrdup("<root>"),
				sums[i],
			};
	free(root);
	free(nearest);
	free(own);
	free(sums);
	merge(&p);
	return p;
}
