/*
 * tree.c - the call tree a page shows: places, nodes, and what each node holds
 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "xmalloc.h"

/* ---------------------------------------------------------------- texts */

/* What memfold writes for the two characters that have a meaning in folded lines; 0: none of them. */
static char escaped_char(const char *p, size_t n)
{
	if (n < 4 || p[0] != '\\' || p[1] != 'x')
		return 0;
	if (memcmp(p + 2, "3b", 2) == 0 || memcmp(p + 2, "3B", 2) == 0)
		return ';';
	if (memcmp(p + 2, "5c", 2) == 0 || memcmp(p + 2, "5C", 2) == 0)
		return '\\';
	return 0;
}

static bool is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f || p[i] == '\\')
			return false;
	return true;
}

uint32_t tree_text(struct tree *t, const char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	if (is_plain(p, n))
		return strings_intern(&t->text, p, n);

	char *shown = xmalloc(4 * n), *q = shown;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char undone = escaped_char(p + i, n - i);
		if (undone) {
			*q++ = undone;
			i += 3;
		} else if (c < ' ' || c == 0x7f) {
			*q++ = '\\';
			*q++ = 'x';
			*q++ = hex[c >> 4];
			*q++ = hex[c & 15];
		} else {
			*q++ = (char)c;
		}
	}
	uint32_t number = strings_intern(&t->text, shown, (size_t)(q - shown));
	free(shown);
	return number;
}

/* ---------------------------------------------------------------- places */

static bool begins(const char *p, size_t n, const char *with)
{
	size_t len = strlen(with);
	return n >= len && memcmp(p, with, len) == 0;
}

static bool ends(const char *p, size_t n, const char *with)
{
	size_t len = strlen(with);
	return n >= len && memcmp(p + n - len, with, len) == 0;
}

bool tree_is_import_machinery(const char *file, size_t n)
{
	return begins(file, n, "<frozen importlib") || memmem(file, n, "/importlib/", 11) ||
	       begins(file, n, "importlib/");
}

enum place_kind tree_guess_kind(const struct tree *t, uint32_t name, uint32_t file)
{
	size_t n;
	const char *p = strings_get(&t->text, file ? file : name, &n);

	if (n == 0 || (!file && p[0] == '[' && p[n - 1] == ']'))
		return PLACE_VIRTUAL;
	if (tree_is_import_machinery(p, n))
		return PLACE_IMPORT;
	/* "<string>", "<frozen os>", "<module>" are names the interpreter gives. */
	if (p[0] == '<' || ends(p, n, ".py") || ends(p, n, ".pyx") || ends(p, n, ".pyw"))
		return PLACE_PYTHON;
	return PLACE_NATIVE;
}

uint32_t tree_place(struct tree *t, const struct place *place)
{
	if (t->n_places == UINT32_MAX)
		die("more than 4 billion different frames");
	GROW(t->places, t->n_places, t->cap_places);
	t->places[t->n_places] = *place;
	return t->n_places++;
}

/* ---------------------------------------------------------------- nodes */

static uint64_t hash_child(uint32_t parent, uint32_t place)
{
	uint64_t h = ((uint64_t)parent << 32 | place) * 0xff51afd7ed558ccdu;
	return h ^ h >> 33;
}

/* The slot of the child, or the free one where it belongs. 0 marks a free one: the root is nobody's child. */
static uint32_t *find_child(const struct tree *t, uint32_t parent, uint32_t place)
{
	for (size_t i = hash_child(parent, place);; i++) {
		uint32_t *slot = &t->slots[i & (t->n_slots - 1)];
		const struct node *node = &t->nodes[*slot];
		if (!*slot || (node->parent == parent && node->place == place))
			return slot;
	}
}

static void grow_slots(struct tree *t)
{
	free(t->slots);
	t->n_slots = t->n_slots ? t->n_slots * 2 : 4096;
	t->slots = xcalloc(t->n_slots, sizeof *t->slots);
	for (uint32_t i = 1; i < t->n_nodes; i++)
		*find_child(t, t->nodes[i].parent, t->nodes[i].place) = i;
}

static uint32_t add_node(struct tree *t, uint32_t parent, uint32_t place)
{
	if (t->n_nodes >= UINT32_MAX - 2)
		die("more than 4 billion different stacks");
	GROW(t->nodes, t->n_nodes, t->cap_nodes);
	t->nodes[t->n_nodes] = (struct node){ .parent = parent, .place = place };
	return t->n_nodes++;
}

uint32_t tree_child(struct tree *t, uint32_t parent, uint32_t place)
{
	/* Three quarters full at most. */
	if ((t->n_nodes + 1) * (size_t)4 > t->n_slots * 3)
		grow_slots(t);
	uint32_t *slot = find_child(t, parent, place);
	if (!*slot)
		*slot = add_node(t, parent, place);
	return *slot;
}

bool tree_add(struct tree *t, uint32_t node, uint64_t bytes, uint64_t count)
{
	if (bytes > LARGEST_AMOUNT - t->bytes || count > LARGEST_AMOUNT - t->count)
		return false;
	if (t->difference && t->bytes + bytes > LARGEST_AMOUNT - t->count - count)
		return false;
	struct node *n = &t->nodes[node];
	if (!n->bytes && !n->count && (bytes || count))
		t->stacks++;
	n->bytes += bytes;
	n->count += count;
	t->bytes += bytes;
	t->count += count;
	return true;
}

/* ---------------------------------------------------------------- order */

struct sibling_order {
	const uint64_t *total;
};

static int by_falling_total(const void *a, const void *b, void *arg)
{
	const struct sibling_order *order = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (order->total[x] != order->total[y])
		return order->total[x] < order->total[y] ? 1 : -1;
	return x < y ? -1 : x > y;
}

/* What the page draws it by, before children are added: bytes, in a tree of counts only, those; the larger side. */
static uint64_t width_of(const struct tree *t, const struct node *n)
{
	if (t->difference)
		return n->bytes > n->count ? n->bytes : n->count;
	return t->bytes ? n->bytes : n->count;
}

/* Of each node with all below it. */
static uint64_t *totals(const struct tree *t)
{
	uint64_t *total = xmalloc(t->n_nodes * sizeof *total);

	for (uint32_t i = 0; i < t->n_nodes; i++)
		total[i] = width_of(t, &t->nodes[i]);
	for (uint32_t i = t->n_nodes - 1; i > 0; i--)
		total[t->nodes[i].parent] += total[i];
	return total;
}

struct children {
	uint32_t *first;	/* of node i: list[first[i]] up to list[first[i + 1]] */
	uint32_t *list;
};

static struct children children_of_all(const struct tree *t)
{
	struct children c = {
		.first = xcalloc((size_t)t->n_nodes + 2, sizeof *c.first),
		.list = xmalloc(t->n_nodes * sizeof *c.list),
	};
	/* Counts stand two places on, so that filling the lists leaves first[i] at index i. */
	for (uint32_t i = 1; i < t->n_nodes; i++)
		c.first[t->nodes[i].parent + 2]++;
	for (uint32_t i = 2; i < t->n_nodes + 2; i++)
		c.first[i] += c.first[i - 1];
	for (uint32_t i = 1; i < t->n_nodes; i++)
		c.list[c.first[t->nodes[i].parent + 1]++] = i;
	return c;
}

static void sort_siblings(const struct tree *t, const struct children *c)
{
	uint64_t *total = totals(t);
	struct sibling_order order = { total };

	for (uint32_t i = 0; i < t->n_nodes; i++) {
		uint32_t n = c->first[i + 1] - c->first[i];
		if (n > 1)
			qsort_r(c->list + c->first[i], n, sizeof *c->list, by_falling_total, &order);
	}
	free(total);
}

struct tree_order tree_order(struct tree *t)
{
	free(t->slots);
	t->slots = NULL;

	struct children c = children_of_all(t);
	sort_siblings(t, &c);

	struct tree_order order = {
		.nodes = xmalloc(t->n_nodes * sizeof *order.nodes),
		.depth = xmalloc(t->n_nodes * sizeof *order.depth),
	};
	/* From node to node: to the next child not yet taken, of this node or of the nearest ancestor that has one. */
	uint32_t *taken = xcalloc(t->n_nodes, sizeof *taken);
	uint32_t node = 0, depth = 0;
	for (uint32_t k = 0; k < t->n_nodes; k++) {
		order.nodes[k] = node;
		order.depth[k] = depth;
		if (k + 1 == t->n_nodes)
			break;
		while (c.first[node] + taken[node] == c.first[node + 1]) {
			node = t->nodes[node].parent;
			depth--;
		}
		node = c.list[c.first[node] + taken[node]++];
		depth++;
	}
	free(taken);
	free(c.first);
	free(c.list);
	return order;
}

void tree_init(struct tree *t)
{
	*t = (struct tree){ 0 };
	strings_init(&t->text);
	uint32_t all = strings_intern(&t->text, "all", 3);
	add_node(t, 0, tree_place(t, &(struct place){ .name = all, .kind = PLACE_VIRTUAL }));
}

void tree_clear(struct tree *t)
{
	strings_clear(&t->text);
	free(t->places);
	free(t->nodes);
	free(t->slots);
	*t = (struct tree){ 0 };
}
