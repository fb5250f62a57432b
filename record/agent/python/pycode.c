/*
 * pycode.c - code objects and their numbers
 *
 * Two open-addressing tables, both written under one lock: `addresses` (from address
 * to number, read without the lock) and `contents` (from fingerprint of the content
 * to number). They double when they grow. The pages of an old address table are
 * released but stay mapped, so a late reader finds an empty table and
 * then takes the lock.
 */
#include "pycode.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"
#include "memory.h"
#include "pytext.h"
#include "ring.h"
#include "system_call.h"
#include "wire.h"

#define FIRST_SIZE 2048u		/* entries; always a power of two */
#define TEXT_MAX (16u << 10)		/* a name or a file name */
#define EMPTY ((uintptr_t)0)
#define DEAD ((uintptr_t)1)		/* an entry whose object died: probing continues after it */

#define PAGE 4096u

/* The head has a page of its own, so that the rest can be released. */
struct address_table {
	uint32_t mask, used;		/* used: live and dead entries */
	char pad[PAGE - 8];
	struct code_entry e[];
};

/* 128 bits from two different mixes. The content itself is not kept: equal fingerprints count as equal contents. */
struct fingerprint { uint64_t a, b; };
struct content { struct fingerprint print; uint32_t id, hidden; };
struct content_table {
	uint32_t mask, used;
	struct content e[];
};

static struct lock lock;
static struct address_table *addresses;
static struct content_table *contents;
static uint32_t last_id;
static const struct python *python;
static void (*python_dealloc)(void *);
static pid_t pid;			/* the process that the tables belong to */
static __thread bool busy;

uint32_t code_death_count;
uintptr_t code_dead[CODE_DEAD_KEPT];

bool code_busy(void)
{
	return busy;
}

/* ---------------------------------------------------------------- the content of a code object */

struct code_text {
	uint32_t name_size, file_size, table_size;
	int32_t first_line;
	bool hidden;
	const uint8_t *table;
	char name[TEXT_MAX], file[TEXT_MAX];
};
static struct code_text text;		/* under the lock */

static void text_read(struct code_text *t, uintptr_t code)
{
	const struct py_layout *o = &python->layout;
	uintptr_t file = LOAD(code, o->co_filename), name = LOAD(code, o->co_name), lines = LOAD(code, o->co_lines);
	uintptr_t shown = o->co_qualname >= 0 ? LOAD(code, o->co_qualname) : name;
	t->file_size = (uint32_t)text_utf8(o, file, t->file, TEXT_MAX);
	t->name_size = (uint32_t)text_utf8(o, shown, t->name, TEXT_MAX);
	t->first_line = LOAD_INT(code, o->co_firstlineno);
	t->table = NULL;
	t->table_size = 0;
	if (lines) {
		t->table = (const uint8_t *)(lines + (uintptr_t)o->bytes_data);
		t->table_size = (uint32_t)LOAD(lines, o->bytes_size);
	}
	/* The code object of _Py_InitCleanup uses one string for file and name. */
	t->hidden = o->hides_init && file == name && t->name_size == 8 && memcmp(t->name, "__init__", 8) == 0;
}

static struct fingerprint mix(struct fingerprint f, uint64_t w)
{
	f.a = (f.a ^ w) * 0x9fb21c651e98df25u;
	f.a ^= f.a >> 32;
	f.b = (f.b + w) * 0xd6e8feb86659fd93u;
	f.b = f.b << 27 | f.b >> 37;
	return f;
}

static struct fingerprint mix_bytes(struct fingerprint f, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t w;
	f = mix(f, n);
	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		f = mix(f, w);
	}
	w = 0;
	for (size_t i = 0; i < n; i++)
		w = w << 8 | p[i];
	return mix(f, w);
}

static struct fingerprint fingerprint(const struct code_text *t)
{
	struct fingerprint f =
	    mix((struct fingerprint){ 0x243f6a8885a308d3u, 0x13198a2e03707344u }, (uint32_t)t->first_line);
	f = mix_bytes(f, t->file, t->file_size);
	f = mix_bytes(f, t->name, t->name_size);
	f = mix_bytes(f, t->table, t->table_size);
	return mix(mix(f, f.b), f.a);
}

/* ---------------------------------------------------------------- contents */

static struct content *content_slot(struct content_table *t, struct fingerprint f)
{
	uint32_t i = (uint32_t)f.a & t->mask;
	while (t->e[i].id && (t->e[i].print.a != f.a || t->e[i].print.b != f.b))
		i = (i + 1) & t->mask;
	return &t->e[i];
}

/* Makes room for one more entry. Returns false if the table is full and there is no memory. */
static bool contents_grow(void)
{
	uint32_t size = contents ? contents->mask + 1 : 0;
	if (contents && contents->used < size / 4 * 3)
		return true;
	uint32_t new_size = size ? size * 2 : FIRST_SIZE;
	struct content_table *t = pages_new(sizeof *t + new_size * sizeof t->e[0]);
	if (!t)
		return contents && contents->used < size / 16 * 15;
	t->mask = new_size - 1;
	for (uint32_t i = 0; i < size; i++)
		if (contents->e[i].id)
			*content_slot(t, contents->e[i].print) = contents->e[i];
	if (contents) {
		t->used = contents->used;
		pages_free(contents, sizeof *t + size * sizeof t->e[0]);
	}
	contents = t;
	return true;
}

/* Sends a code object to the collector, without its line table if that does not fit in a message. */
static void content_put(uint32_t id, const struct code_text *t)
{
	struct wire_code head = {
		.id = id, .first_line = t->first_line, .name_size = t->name_size, .file_size = t->file_size,
		.table_size = t->table_size, .lines = (uint8_t)python->layout.lines,
	};
	if (t->table_size > WIRE_MESSAGE_MAX - sizeof head - 2 * TEXT_MAX)
		head.table_size = head.lines = WIRE_LINES_NONE;
	struct piece pieces[] = {
		{ &head, sizeof head }, { t->name, t->name_size }, { t->file, t->file_size },
		{ t->table, head.table_size },
	};
	ring_message(WIRE_CODE, id, pieces, sizeof pieces / sizeof pieces[0]);
}

static const struct content *content_intern(uintptr_t code)
{
	if (!contents_grow())
		return NULL;
	text_read(&text, code);
	struct fingerprint f = fingerprint(&text);
	struct content *c = content_slot(contents, f);
	if (c->id == 0) {
		*c = (struct content){ .print = f, .id = ++last_id, .hidden = text.hidden };
		contents->used++;
		if (!text.hidden)
			content_put(c->id, &text);
	}
	return c;
}

/* ---------------------------------------------------------------- addresses */

static uint32_t address_hash(uintptr_t code)
{
	return (uint32_t)((code >> 4) * 0x9e3779b97f4a7c15u >> 32);
}

/* Returns the entry of this address, or NULL. Needs no lock. */
static struct code_entry *address_find(struct address_table *t, uintptr_t code)
{
	for (uint32_t i = address_hash(code) & t->mask;; i = (i + 1) & t->mask) {
		uintptr_t p = __atomic_load_n(&t->e[i].code, __ATOMIC_ACQUIRE);
		if (p == code)
			return &t->e[i];
		if (p == EMPTY)
			return NULL;
	}
}

/* Stores the address last, so that a reader that sees it also sees the rest. */
static struct code_entry *address_add(struct address_table *t, uintptr_t code, uint32_t id, uint32_t hidden)
{
	uint32_t i = address_hash(code) & t->mask;
	while (t->e[i].code > DEAD)
		i = (i + 1) & t->mask;
	if (t->e[i].code == EMPTY)
		t->used++;
	t->e[i].id = id;
	t->e[i].hidden = hidden;
	__atomic_store_n(&t->e[i].code, code, __ATOMIC_RELEASE);
	return &t->e[i];
}

/* Late readers then read zeroes. */
static void address_table_retire(struct address_table *t)
{
	size_t size = ((size_t)t->mask + 1) * sizeof t->e[0];
	if (system_call(SYS_madvise, t->e, size, MADV_DONTNEED) < 0)
		memset(t->e, 0, size);		/* the pages are locked in memory */
}

static bool addresses_grow(void)
{
	struct address_table *old = addresses;
	uint32_t size = old ? old->mask + 1 : 0;
	if (old && old->used < size / 2)
		return true;
	uint32_t new_size = size ? size * 2 : FIRST_SIZE;
	struct address_table *t = pages_new(sizeof *t + new_size * sizeof t->e[0]);
	if (!t)
		return old && old->used < size / 16 * 15;
	t->mask = new_size - 1;
	for (uint32_t i = 0; i < size; i++)
		if (old->e[i].code > DEAD)
			address_add(t, old->e[i].code, old->e[i].id, old->e[i].hidden);
	__atomic_store_n(&addresses, t, __ATOMIC_RELEASE);
	if (old)
		address_table_retire(old);
	return true;
}

static COLD enum code_result code_intern(uintptr_t code, const struct code_entry **e)
{
	if (LOAD(code, python->layout.ob_type) != python->code_type)
		return CODE_NOT_CODE;
	lock_take(&lock);
	struct code_entry *found = addresses ? address_find(addresses, code) : NULL;	/* another thread was first */
	if (!found && addresses_grow()) {
		const struct content *c = content_intern(code);
		if (c)
			found = address_add(addresses, code, c->id, c->hidden);
	}
	lock_drop(&lock);
	*e = found;
	return found ? CODE_OK : CODE_NO_MEMORY;
}

enum code_result code_lookup(uintptr_t code, const struct code_entry **e)
{
	struct address_table *t = __atomic_load_n(&addresses, __ATOMIC_ACQUIRE);
	*e = t ? address_find(t, code) : NULL;
	return LIKELY(*e != NULL) ? CODE_OK : code_intern(code, e);
}

/* ---------------------------------------------------------------- death */

static void code_forget(uintptr_t code)
{
	struct address_table *t = addresses;
	struct code_entry *e = address_find(t, code);
	if (!e)			/* a new session has begun since the caller checked */
		return;
	uint32_t i = (uint32_t)(e - t->e);
	__atomic_store_n(&t->e[i].code, DEAD, __ATOMIC_RELEASE);
	if (t->e[(i + 1) & t->mask].code == EMPTY)	/* no probe goes past these dead entries any more */
		for (; t->e[i].code == DEAD; i = (i - 1) & t->mask) {
			__atomic_store_n(&t->e[i].code, EMPTY, __ATOMIC_RELEASE);
			t->used--;
		}
	uint32_t n = code_death_count + 1;
	__atomic_store_n(&code_dead[n % CODE_DEAD_KEPT], code, __ATOMIC_RELAXED);
	__atomic_store_n(&code_death_count, n, __ATOMIC_RELEASE);
}

/*
 * Replaces code_dealloc. It runs whenever the target frees a code object, so for an object
 * that was on no recorded stack it costs only a probe. A forked child that is not
 * recorded still comes here, and a thread of its parent may have held the
 * lock at the fork: hence the check of the pid.
 */
static void code_dealloc(void *object)
{
	uintptr_t code = (uintptr_t)object;
	struct address_table *t = __atomic_load_n(&addresses, __ATOMIC_ACQUIRE);
	if (t && address_find(t, code) && system_call(SYS_getpid) == pid) {
		busy = true;		/* a signal handler that allocates must not wait for this lock */
		__asm__ volatile("" ::: "memory");
		lock_take(&lock);
		code_forget(code);
		lock_drop(&lock);
		__asm__ volatile("" ::: "memory");
		busy = false;
	}
	python_dealloc(object);
}

void code_watch(const struct python *p)
{
	python = p;
	pid = (pid_t)system_call(SYS_getpid);
	void (**slot)(void *) = (void (**)(void *))(p->code_type + (uintptr_t)p->layout.tp_dealloc);
#ifdef PYSTACK_VERIFY
	if (code_stale)
		return;
#endif
	if (*slot == code_dealloc)
		return;
	python_dealloc = *slot;
	__atomic_store_n(slot, code_dealloc, __ATOMIC_RELEASE);
}

/* The parent's other threads may have been changing the tables at the fork: they are abandoned, not freed. */
void code_forked(void)
{
	lock = (struct lock){ 0 };
	addresses = NULL;
	contents = NULL;
	last_id = 0;
	pid = (pid_t)system_call(SYS_getpid);
}

void code_unwatch(void)
{
	if (!python)
		return;
	void (**slot)(void *) = (void (**)(void *))(python->code_type + (uintptr_t)python->layout.tp_dealloc);
	if (*slot == code_dealloc)	/* otherwise another hook has replaced ours */
		__atomic_store_n(slot, python_dealloc, __ATOMIC_RELEASE);
}

void code_restarted(void)
{
	lock_take(&lock);
	if (addresses) {
		address_table_retire(addresses);
		addresses->used = 0;
	}
	if (contents)
		pages_free(contents, sizeof *contents + ((size_t)contents->mask + 1) * sizeof contents->e[0]);
	contents = NULL;
	last_id = 0;
	lock_drop(&lock);
}

#ifdef PYSTACK_VERIFY
bool code_stale;

uint32_t code_content_id(uintptr_t code, bool *hidden)
{
	lock_take(&lock);
	text_read(&text, code);
	*hidden = text.hidden;
	uint32_t id = contents ? content_slot(contents, fingerprint(&text))->id : 0;
	lock_drop(&lock);
	return id;
}
#endif
