/*
 * holders.c - which blocks refer to which
 */
#include "holders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* ---------------------------------------------------------------- roots */

static void add_root(struct holders *h, uint64_t start, uint64_t end, const char *name)
{
	GROW(h->roots, h->n_roots, h->cap_roots);
	h->roots[h->n_roots++] = (struct census_range){ start, end, xstrdup(name) };
}

/*
 * "7f1…-7f2… rw-p 00000000 00:01 5134   /usr/lib/libpython3.11.so.1.0". Variables without initial values are in the
 * mapping without a name that follows.
 */
static void find_roots(struct holders *h, pid_t copy)
{
	char path[64], *line = NULL, *module = NULL;
	size_t cap = 0;
	uint64_t last_end = 0;

	snprintf(path, sizeof path, "/proc/%d/maps", (int)copy);
	FILE *maps = fopen(path, "re");
	while (maps && getline(&line, &cap, maps) > 0) {
		uint64_t start, end;
		char rights[5];
		int at = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &start, &end, rights, &at) < 3 || !at)
			continue;
		line[strcspn(line, "\n")] = '\0';
		const char *name = line + at, *slash = strrchr(name, '/');
		if (*name == '/') {
			free(module);
			module = xstrdup(slash + 1);
		}
		bool variables = module && (*name == '/' || (!*name && start == last_end));
		if (memcmp(rights, "rw-p", 4) == 0 && variables && !strstr(module, "memrec"))
			add_root(h, start, end, module);
		else if (memcmp(rights, "rw-p", 4) == 0 && strcmp(name, "[stack]") == 0)
			add_root(h, start, end, "stack");
		if (*name == '/' || variables)
			last_end = end;
	}
	free(line);
	free(module);
	if (maps)
		fclose(maps);
}

/* ---------------------------------------------------------------- rows */

static void put_row(struct holders *h)
{
	struct mt_event ev = { .kind = MT_BLOCKS, .pid = (uint32_t)h->process->pid };

	if (!h->begun && h->begin)
		h->begin(h->arg);
	h->begun = true;
	if (h->row.n) {
		ev.info = reference_row_done(&h->row, h->root);
		output_put(h->process->out, &ev, h->time_ms);
	}
	reference_row_begin(&h->row);
}

static void put(struct holders *h, uint64_t from, const struct census_reference *r, size_t n)
{
	reference_row_from(&h->row, from, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		bool named = r[i].label && r[i].label % 2 == 0;
		reference_row_to(&h->row, r[i].to, named ? texts_text(h->labels, r[i].label / 2) : text_empty,
				 r[i].label % 2 ? (int64_t)(r[i].label / 2) : -1);
	}
	if (h->row.n >= REFERENCE_ROW_NUMBERS)
		put_row(h);
}

static void refer(void *holders, uint64_t from, const struct census_reference *r, size_t n)
{
	put(holders, from, r, n);
}

static void root(void *holders, size_t number, const struct census_reference *r, size_t n)
{
	struct holders *h = holders;
	const char *name = number < h->n_roots ? h->roots[number].name : "frames of threads";

	if (!h->root || strcmp(h->root, name) != 0)
		put_row(h);
	h->root = name;
	put(h, 0, r, n);
}

void holders_begin(struct holders *h, pid_t copy, struct census_source *source)
{
	find_roots(h, copy);
	reference_row_init(&h->row);
	source->refer = refer;
	source->root = root;
	source->arg = h;
	source->roots = h->roots;
	source->n_roots = h->n_roots;
}

void holders_end(struct holders *h)
{
	if (h->row.n)
		put_row(h);
	reference_row_clear(&h->row);
	for (size_t i = 0; i < h->n_roots; i++)
		free((char *)h->roots[i].name);
	free(h->roots);
}
