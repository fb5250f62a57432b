/*
 * types.c - the types of a CPython in another process
 */
#include "types.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

#define MOST_METATYPES 16	/* from a type to PyType_Type */
#define MOST_BASES 128		/* from a type to object */
#define MOST_ENTRIES 4096u	/* of a type's dict that are searched */
#define MOST_LETTERS 512u	/* of a name */
#define MOST_SIZE (INT64_C(1) << 32)
#define NOT_TYPES 65536u
#define MOST_TYPES (1u << 20)

/* Whether they are a type depends on the type's type, and so on; by the head of each. */
struct head {
	uint64_t type, name, flags, base, dict, dealloc;
	int64_t basic_size, item_size, weak;
};

static uint64_t word(const void *p, int offset)
{
	uint64_t w;
	memcpy(&w, (const uint8_t *)p + offset, sizeof w);
	return w;
}

static bool read_head(const struct types *t, uint64_t addr, struct head *h)
{
	uint8_t bytes[TP_END];
	if (addr % 8 || addr == 0 ||
	    !remote_read(t->remote, addr + (uint64_t)t->layout->more, bytes, sizeof bytes))
		return false;
	*h = (struct head){ word(bytes, OB_TYPE), word(bytes, TP_NAME), word(bytes, TP_FLAGS), word(bytes, TP_BASE),
			    word(bytes, TP_DICT), word(bytes, TP_DEALLOC), (int64_t)word(bytes, TP_BASICSIZE),
			    (int64_t)word(bytes, TP_ITEMSIZE), (int64_t)word(bytes, TP_WEAKLIST) };
	return (h->flags & TYPE_READY) && h->dealloc && h->name && h->basic_size >= 0 && h->basic_size < MOST_SIZE &&
	       h->item_size >= 0 && h->item_size < MOST_SIZE;
}

/* The chain of types must end at PyType_Type, and its members must be types whose objects are types. */
static bool is_type(const struct types *t, uint64_t addr, const struct head *h)
{
	uint64_t metatype = h->type;
	for (int i = 0; i < MOST_METATYPES; i++) {
		struct head m;
		if (metatype == t->type_type)
			return true;
		if (metatype == addr || !read_head(t, metatype, &m) || !(m.flags & TYPE_TYPE))
			return false;
		metatype = m.type;
	}
	return false;
}

/* ---------------------------------------------------------------- names */

#define STATE_INTERNED 3u

struct str_state types_str_state(const struct heap_layout *o, uint32_t state)
{
	uint32_t kind = state >> o->str_kind_shift & 7;
	bool ascii = state >> (o->str_kind_shift + 4) & 1;
	return (struct str_state){
		.valid = kind == 1 || kind == 2 || kind == 4,
		.compact = state >> (o->str_kind_shift + 3) & 1,
		.ascii = ascii,
		.interned = state & STATE_INTERNED,
		.kind = kind,
		.letters = (uint64_t)((ascii ? o->str_ascii : o->str_compact) + o->more),
	};
}

uint64_t types_keys_at(const struct types *t, uint64_t type)
{
	return type + (uint64_t)(t->layout->qualname + t->layout->more) + 8;
}

static size_t put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to = (char)c;
		return 1;
	}
	size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const uint8_t first[] = { 0, 0xc0, 0xe0, 0xf0 };
	to[0] = (char)(first[more] | c >> 6 * more);
	for (size_t i = 1; i <= more; i++)
		to[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
	return more + 1;
}

/* Appends a compact str to `to`, which has room for 4 * MOST_LETTERS. Returns the number of bytes; 0: not one. */
static size_t read_str(const struct types *t, uint64_t addr, char *to)
{
	uint8_t head[40], letters[4 * MOST_LETTERS];
	if (addr % 8 || !remote_read(t->remote, addr + (uint64_t)t->layout->more, head, sizeof head))
		return 0;
	uint64_t length = word(head, STR_LENGTH);
	struct str_state state = types_str_state(t->layout, (uint32_t)word(head, STR_STATE));
	uint32_t kind = state.kind;
	if (!state.compact || length == 0 || length > MOST_LETTERS || !state.valid ||
	    !remote_read(t->remote, addr + state.letters, letters, length * kind))
		return 0;
	size_t n = 0;
	for (size_t i = 0; i < length; i++) {
		uint32_t c = 0;
		memcpy(&c, letters + i * kind, kind);
		bool valid = c >= ' ' && c != 0x7f && c < 0x110000 && c >> 11 != 0x1b;
		n += put_utf8(to + n, valid ? c : '?');
	}
	return n;
}

/* Appends the C text at an address, of printable ASCII letters; anything else is not a name. */
static size_t read_text(const struct types *t, uint64_t addr, char *to)
{
	for (size_t n = 0; n < MOST_LETTERS;) {
		/* a name may end right before memory that is not mapped: read as far as the next multiple of 16 */
		char part[16];
		size_t size = 16 - (addr + n) % 16;
		if (!remote_read(t->remote, addr + n, part, size))
			return 0;
		for (size_t i = 0; i < size && n < MOST_LETTERS; i++) {
			if (part[i] == '\0')
				return n;
			if (part[i] < ' ' || part[i] > '~')
				return 0;
			to[n++] = part[i];
		}
	}
	return 0;
}

bool types_entries(const struct types *t, uint64_t keys, struct dict_entries *e)
{
	const struct heap_layout *o = t->layout;
	uint8_t head[40];
	if (keys % 8 || !remote_read(t->remote, keys, head, sizeof head))
		return false;
	uint64_t indices, n = word(head, o->keys_entries_count);
	if (o->keys == KEYS_SIZED) {
		uint64_t size = word(head, 8), width = size <= 0xff ? 1 : size <= 0xffff ? 2 : 4;
		indices = size * width;
		*e = (struct dict_entries){ .size = 24, .key = 8 };
	} else {
		uint8_t logarithm = head[9];
		bool general = head[10] == 0;
		indices = logarithm < 32 ? UINT64_C(1) << logarithm : UINT64_MAX;
		*e = (struct dict_entries){ .size = general ? 24 : 16, .key = general ? 8 : 0 };
	}
	if (indices >> 32 || n >> 32)
		return false;
	e->at = keys + (uint64_t)o->keys_indices + indices;
	e->n = n < MOST_ENTRIES ? (uint32_t)n : MOST_ENTRIES;
	return true;
}

/* Appends the str that a dict has under a name. Returns the number of bytes; 0: none. */
static size_t read_item(const struct types *t, uint64_t dict, const char *name, char *to)
{
	uint8_t head[DICT_END];
	struct dict_entries e;
	if (dict % 8 || dict == 0 ||
	    !remote_read(t->remote, dict + (uint64_t)t->layout->more, head, sizeof head) ||
	    word(head, DICT_VALUES) || !types_entries(t, word(head, DICT_KEYS), &e))
		return 0;
	for (uint32_t i = 0; i < e.n; i++) {
		uint8_t entry[24];
		char key[4 * MOST_LETTERS];
		if (!remote_read(t->remote, e.at + (uint64_t)i * e.size, entry, e.size))
			return 0;
		uint64_t k = word(entry, (int)e.key), value = word(entry, (int)e.key + 8);
		if (k && value && read_str(t, k, key) == strlen(name) && memcmp(key, name, strlen(name)) == 0)
			return read_str(t, value, to);
	}
	return 0;
}

/* "app.Request", as type.__module__ and type.__qualname__ have it; "dict" of builtins. Returns 0 if it has no name. */
static size_t read_name(const struct types *t, uint64_t addr, const struct head *h, char *to)
{
	if (!(h->flags & TYPE_IS_HEAP))
		return read_text(t, h->name, to);
	uint64_t qualname;
	if (!remote_read(t->remote, types_keys_at(t, addr) - 8, &qualname, sizeof qualname))
		return 0;
	size_t n = read_item(t, h->dict, "__module__", to);
	if (n == 8 && memcmp(to, "builtins", 8) == 0)
		n = 0;
	if (n)
		to[n++] = '.';
	size_t more = read_str(t, qualname, to + n);
	return more ? n + more : 0;
}

static bool is_identifier(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != '_' && !(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= 'A' && p[i] <= 'Z') &&
		    !(i && p[i] >= '0' && p[i] <= '9'))
			return false;
	return n > 0;
}

uint32_t types_identifier(struct types *t, uint64_t str)
{
	char text[4 * MOST_LETTERS];
	uint32_t state;
	uint64_t at = str + (uint64_t)(STR_STATE + t->layout->more);
	if (str % 8 || !str || !remote_read(t->remote, at, &state, sizeof state) ||
	    !types_str_state(t->layout, state).interned)
		return 0;
	size_t n = read_str(t, str, text);
	return is_identifier(text, n) ? texts_number(t->texts, text, n) : 0;
}

uint32_t types_module_name(struct types *t, uint64_t module)
{
	char text[4 * MOST_LETTERS];
	uint64_t name;
	uint64_t at = module + (uint64_t)(t->layout->module_name + t->layout->more);
	if (!remote_read(t->remote, at, &name, sizeof name) || !name)
		return 0;
	size_t n = read_str(t, name, text);
	for (size_t begin = 0; begin < n;) {
		size_t part = 0;
		while (begin + part < n && text[begin + part] != '.')
			part++;
		if (!is_identifier(text + begin, part))
			return 0;
		begin += part + 1;
	}
	return n ? texts_number(t->texts, text, n) : 0;
}

void types_name_values(struct types *t, struct type *type)
{
	struct dict_entries e;
	uint64_t keys, key;
	if (type->named)
		return;
	type->named = true;
	if (!(type->flags & TYPE_IS_HEAP) ||
	    !remote_read(t->remote, types_keys_at(t, type->addr), &keys, sizeof keys) || !keys ||
	    !types_entries(t, keys, &e))
		return;
	type->names = xcalloc((size_t)e.n + 1, sizeof *type->names);
	for (uint32_t i = 0; i < e.n; i++)
		if (remote_read(t->remote, e.at + (uint64_t)i * e.size + e.key, &key, sizeof key))
			type->names[i] = types_identifier(t, key);
	type->n_names = e.n;
}

/* ---------------------------------------------------------------- types */

static bool is_name(struct mt_str name, const char *text)
{
	return strlen(text) == name.n && memcmp(text, name.p, name.n) == 0;
}

static enum owner owner_by_name(struct mt_str name)
{
	static const struct { const char *name; enum owner owner; } owners[] = {
		{ "set", OWNS_SET }, { "frozenset", OWNS_SET }, { "bytearray", OWNS_BYTEARRAY },
		{ "frozendict", OWNS_DICT },
		{ "array.array", OWNS_ARRAY }, { "collections.deque", OWNS_DEQUE }, { "numpy.ndarray", OWNS_NDARRAY },
		{ "frame", HAS_FRAME }, { "generator", HAS_FRAME }, { "coroutine", HAS_FRAME },
		{ "async_generator", HAS_FRAME },
		{ "module", IS_MODULE }, { "weakref", REFERS_WEAKLY }, { "weakref.ReferenceType", REFERS_WEAKLY },
	};
	for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
		if (is_name(name, owners[i].name))
			return owners[i].owner;
	return OWNS_NOTHING;
}

/* By its flags, or because a class it is derived from is known by name. */
static enum owner find_owner(struct types *t, const struct type *type)
{
	static const struct { uint64_t flag; enum owner owner; } flags[] = {
		{ TYPE_LIST, OWNS_LIST }, { TYPE_DICT, OWNS_DICT }, { TYPE_STR, OWNS_STR }, { TYPE_TYPE, OWNS_TYPE },
	};
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (type->flags & flags[i].flag)
			return flags[i].owner;
	uint64_t base = type->base;
	enum owner owner = owner_by_name(texts_text(t->texts, type->labels[PART_OBJECT]));
	for (int i = 0; base && owner == OWNS_NOTHING && i < MOST_BASES; i++) {
		struct head h;
		char name[9 * MOST_LETTERS];
		if (!read_head(t, base, &h))
			break;
		owner = owner_by_name((struct mt_str){ name, read_name(t, base, &h, name) });
		base = h.base;
	}
	return owner;
}

static bool has_address(const void *at, uint32_t n, const void *addr)
{
	return ((struct type *const *)at)[n]->addr == *(const uint64_t *)addr;
}

static struct type *add(struct types *t, uint64_t addr, const struct head *h, struct mt_str name)
{
	struct type *type = xcalloc(1, sizeof *type);
	*type = (struct type){ .addr = addr, .flags = h->flags, .base = h->base, .basic_size = h->basic_size,
			       .item_size = h->item_size };
	type->prefix = (h->flags & TYPE_HAS_GC ? (uint32_t)t->layout->gc_head : 0) +
		       (h->flags & t->layout->pre_flags ? PRE_BYTES : 0);
	type->labels[PART_OBJECT] = texts_number(t->texts, name.p, name.n);
	type->owner = find_owner(t, type);
	type->optional = is_name(name, "datetime.datetime") || is_name(name, "datetime.time") ? 8 : 0;	/* its tzinfo */
	type->weak = h->weak;
	type->number = t->n;
	GROW(t->at, (size_t)t->n, t->cap);
	index_put(&t->index, index_hash(addr, 0), has_address, t->at, &addr, t->n);
	t->at[t->n++] = type;
	return type;
}

struct type *types_at(struct types *t, uint64_t addr)
{
	uint64_t hash = index_hash(addr, 0);
	uint32_t n = index_find(&t->index, hash, has_address, t->at, &addr);
	if (n != INDEX_NONE)
		return t->at[n];
	uint64_t *none = &t->not_types[hash % NOT_TYPES];
	if (addr % 8 || addr == 0 || *none == addr || t->n >= MOST_TYPES)
		return NULL;
	struct head h;
	char name[9 * MOST_LETTERS];
	size_t size = read_head(t, addr, &h) && is_type(t, addr, &h) ? read_name(t, addr, &h, name) : 0;
	if (size)
		return add(t, addr, &h, (struct mt_str){ name, size });
	*none = addr;
	return NULL;
}

uint32_t types_label(struct types *t, struct type *type, enum part part)
{
	static const char *const names[] = {
		[PART_ITEMS] = "items", [PART_KEYS] = "keys", [PART_VALUES] = "values", [PART_TABLE] = "table",
		[PART_BUFFER] = "buffer", [PART_TEXT] = "text", [PART_BLOCK] = "block",
		[PART_DIMENSIONS] = "dimensions",
	};
	if (!type->labels[part]) {
		struct mt_str name = texts_text(t->texts, type->labels[PART_OBJECT]);
		char *text = xasprintf("%.*s [%s]", (int)name.n, name.p, names[part]);
		type->labels[part] = texts_number(t->texts, text, strlen(text));
		free(text);
	}
	return type->labels[part];
}

bool types_init(struct types *t, const char *release, uint64_t type_type, struct remote *remote, struct texts *texts)
{
	*t = (struct types){ .remote = remote, .type_type = type_type, .texts = texts };
	const char *build = strchr(release, ' ');
	int free_threaded = build && strcmp(build, " free-threaded") == 0;
	for (size_t i = 0; i < sizeof heap_layouts / sizeof *heap_layouts; i++)
		if (strncmp(release, heap_layouts[i].release, strlen(heap_layouts[i].release)) == 0 &&
		    free_threaded == heap_layouts[i].free_threaded && (!build || free_threaded))
			t->layout = &heap_layouts[i];
	if (!t->layout || !type_type)
		return false;
	t->not_types = xcalloc(NOT_TYPES, sizeof *t->not_types);
	return true;
}

static void type_free(struct type *type)
{
	free(type->names);
	free(type);
}

void types_clear(struct types *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		type_free(t->at[i]);
	free(t->at);
	free(t->not_types);
	index_clear(&t->index);
	t->n = 0;
	t->at = NULL;
	t->not_types = NULL;
}
