/*
 * entries.c - allocators inside objects, whose functions no slot leads to: records their blocks
 *
 * polars and other programs in Rust have a jemalloc of their own, Arrow has another one, and C++'s operators in a
 * jemalloc, tcmalloc or mimalloc that replaces malloc do not call malloc. Their functions are called directly, and
 * often only the symbol table of the file has their names (families.h). Each gets a jump to a hook at its entry
 * (detour.h): all of an allocator's or none.
 *
 * The jump may be placed only while no other thread is in the first instructions of such a function. So it is done
 * before the allocator has handed out anything: when the object makes its first mapping (jemalloc does so in its
 * constructor), or, if the agent was loaded late, when the dlopen that loads the object returns. An allocator that
 * was in use before, by several threads, is not hooked, and its mappings are recorded instead.
 *
 * The jumps stay after a session: while nothing is recorded, the hooks only pass calls on.
 */
#include "entries.h"

#include <errno.h>
#include <string.h>

#include "detour.h"
#include "families.h"
#include "got.h"
#include "memory.h"
#include "object.h"
#include "record.h"
#include "symtab.h"

#define MOST_FUNCTIONS 256	/* that are hooked */
#define MOST_OBJECTS 128	/* that were examined */
#define MOST_EARLY 16
#define MOST_NAME 48

/* ---------------------------------------------------------------- objects that were examined */

static struct function functions[MOST_FUNCTIONS];
static size_t n_functions;

/* detour: a jump that is in it, if it has such an allocator; 0: it has none. */
struct examined {
	uintptr_t start, end, detour;
};

static struct examined objects[MOST_OBJECTS];
static uint32_t n_objects, closes;	/* closes: the value of native_closes that these are true for */
static struct lock lock;
/* begun: first mappings are acted upon. missed: one could not be, and the next one of its object is not the first. */
static bool begun, missed;
static uintptr_t early[MOST_EARLY];	/* callers before it was begun */
static uint32_t n_early;

static const struct examined *find_examined(uintptr_t address)
{
	uint32_t n = __atomic_load_n(&n_objects, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < n; i++)
		if (address - objects[i].start < objects[i].end - objects[i].start)
			return &objects[i];
	return NULL;
}

static int keep_loaded(struct dl_phdr_info *info, size_t size, void *kept)
{
	struct object o;
	(void)size;
	if (!object_read(&o, info))
		return 0;
	for (uint32_t i = 0; i < n_objects; i++)
		if (objects[i].start == o.start && objects[i].end == o.end &&
		    (!objects[i].detour || detour_is_at(objects[i].detour)))
			((bool *)kept)[i] = true;
	return 0;
}

/* Removes objects that were unloaded. Called with the lock. */
static void forget_unloaded(void)
{
	uint32_t now = __atomic_load_n(&native_closes, __ATOMIC_ACQUIRE), n = 0;
	if (closes == now)
		return;
	bool kept[MOST_OBJECTS] = { false };
	dl_iterate_phdr(keep_loaded, kept);
	for (uint32_t i = 0; i < n_objects; i++)
		if (kept[i])
			objects[n++] = objects[i];
	__atomic_store_n(&n_objects, n, __ATOMIC_RELEASE);
	closes = now;
}

/* ---------------------------------------------------------------- finding and hooking them */

/* Functions that an object may have. All of this is used with the lock. */
static struct candidates {
	char text[SYMTAB_MOST][MOST_NAME];
	const char *names[SYMTAB_MOST];
	const struct family *family[SYMTAB_MOST];
	const struct entry *entry[SYMTAB_MOST];
	uintptr_t addresses[SYMTAB_MOST];
	size_t n;
	struct detour detours[SYMTAB_MOST];
} found;

static void add_names(const struct family *f)
{
	for (const struct entry *e = f->entries; e->name && found.n < SYMTAB_MOST; e++) {
		size_t i = found.n++;
		strcpy(found.text[i], f->prefix);
		strcat(found.text[i], e->name);
		found.names[i] = found.text[i];
		found.family[i] = f;
		found.entry[i] = e;
		found.addresses[i] = 0;
	}
}

/* Whether it is another name of a function before it. */
static bool is_alias(size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (found.addresses[k] == found.addresses[i])
			return true;
	return false;
}

/* Returns the function of that name among the first n to be hooked, or NULL. */
static const struct function *prepared(const char *name, size_t n)
{
	for (size_t i = 0; i < found.n; i++)
		for (size_t k = 0; k < n && strcmp(found.names[i], name) == 0; k++)
			if (found.detours[k].entry == found.addresses[i])
				return &functions[n_functions + k];
	return NULL;
}

/* Prepares the detours of a family's functions. Returns how many; 0: it is not complete. */
static size_t prepare(const struct family *f)
{
	size_t n = 0;
	bool allocates = false, releases = false;
	for (size_t i = 0; i < found.n; i++) {
		const struct entry *e = found.entry[i];
		if (found.family[i] != f || !found.addresses[i] || is_alias(i))
			continue;
		if (n_functions + n == MOST_FUNCTIONS)
			return 0;
		struct function *function = &functions[n_functions + n];
		*function = (struct function){ .kind = e->kind ? e->kind : f->kind };
		if (e->quiet && !(function->quiet = prepared(e->quiet, n)))
			return 0;
		allocates |= !entry_releases(e);
		releases |= entry_releases(e);
		found.detours[n++] = (struct detour){
			.entry = found.addresses[i], .hook = (void *)(uintptr_t)e->hook, .context = function,
			.real = (void **)(void *)&function->real,
		};
	}
	return allocates && releases ? n : 0;
}

static int find_code(struct dl_phdr_info *info, size_t size, void *context)
{
	struct examined *code = context;
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr;
		if (p->p_type == PT_LOAD && p->p_flags & PF_X && code->detour - from < p->p_memsz) {
			code->start = from;
			code->end = from + p->p_memsz;
			return 1;
		}
	}
	return 0;
}

/* Hooks a family's functions; returns the entry of one, or 0. */
static uintptr_t hook_family(const struct family *f)
{
	size_t n = prepare(f);
	struct examined code = { .detour = found.detours[0].entry };
	if (n && dl_iterate_phdr(find_code, &code) && detours_make(found.detours, n, code.start, code.end)) {
		n_functions += n;
		return code.detour;
	}
	for (size_t i = 0; i < found.n; i++)
		if (found.family[i] == f)
			found.addresses[i] = 0;		/* others may have these functions by another name */
	return 0;
}

struct place {
	uintptr_t address;
	struct object o;
	const char *file;
};

static int find_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct place *p = context;
	(void)size;
	p->file = info->dlpi_name;
	return object_read(&p->o, info) && p->address - p->o.start < p->o.end - p->o.start;
}

/* Whether none of its functions is hooked: our own, the C library's, and those of Python's own allocators (pymem.c). */
static bool is_exempt(const struct object *o)
{
	return (uintptr_t)&lock - o->start < o->end - o->start || strncmp(o->soname, "libc.so", 7) == 0 ||
	       strncmp(o->soname, "ld-linux", 8) == 0 || object_symbol(o, "Py_IsInitialized");
}

/* Whether malloc is this object's. */
static bool is_malloc(const struct object *o)
{
	uintptr_t malloc_here = object_symbol(o, "malloc");
	return malloc_here && malloc_here == (uintptr_t)got_real("malloc");
}

/* Called with the lock. */
static void examine(const struct place *p)
{
	if (n_objects == MOST_OBJECTS)
		return;
	uintptr_t detour = 0;
	bool exempt = is_exempt(&p->o), replaces = !exempt && is_malloc(&p->o);
	found.n = 0;
	for (size_t f = 0; f < N_FAMILIES && !exempt; f++)
		if (replaces || !families[f].replaces)
			add_names(&families[f]);
	for (size_t i = 0; i < found.n; i++)
		found.addresses[i] = object_symbol(&p->o, found.names[i]);
	if (found.n)
		symtab_find(&p->o, p->file, found.names, found.n, found.addresses);
	for (size_t f = 0; f < N_FAMILIES && found.n; f++) {
		uintptr_t one = hook_family(&families[f]);
		detour = one ? one : detour;
	}
	objects[n_objects] = (struct examined){ p->o.start, p->o.end, detour };
	__atomic_store_n(&n_objects, n_objects + 1, __ATOMIC_RELEASE);
}

static void examine_at(uintptr_t address)
{
	struct place p = { .address = address };
	if (!find_examined(address) && dl_iterate_phdr(find_object, &p))
		examine(&p);
}

/* ---------------------------------------------------------------- when */

static void with_lock(void (*act)(void *), void *argument)
{
	int e = errno;
	uint8_t guard = guard_set(GUARD_DROP);
	/* Not waiting: a caller may hold a lock of the loader that the lock's holder waits for. */
	if (lock_try(&lock)) {
		forget_unloaded();
		act(argument);
		lock_drop(&lock);
	} else {
		missed = true;
	}
	guard_reset(guard);
	errno = e;
}

/* An allocator maps memory. */
static bool is_mapping_object(const struct object *o)
{
	for (int table = 0; table < 2; table++) {
		const ElfW(Rela) *r = table ? o->rela : o->jump;
		for (size_t i = 0, n = table ? o->n_rela : o->n_jump; i < n; i++) {
			const ElfW(Sym) *symbol = &o->symbols[ELF64_R_SYM(r[i].r_info)];
			const char *name = o->strings + symbol->st_name;
			if (symbol->st_shndx == SHN_UNDEF && name[0] == 'm' &&
			    (strcmp(name, "mmap") == 0 || strcmp(name, "mmap64") == 0))
				return true;
		}
	}
	return false;
}

static int examine_loaded(struct dl_phdr_info *info, size_t size, void *every)
{
	struct place p = { .file = info->dlpi_name };
	(void)size;
	if (object_read(&p.o, info) && !find_examined(p.o.start) && !is_exempt(&p.o) &&
	    (is_malloc(&p.o) || (*(bool *)every && is_mapping_object(&p.o))))
		examine(&p);
	return 0;
}

static void begin(void *late)
{
	for (uint32_t i = 0; i < n_early && i < MOST_EARLY; i++)
		examine_at(early[i]);
	dl_iterate_phdr(examine_loaded, late);
}

COLD void entries_begin(void)
{
	bool late = got_late();
	if (*libc_single_threaded || !late)
		with_lock(begin, &late);
	begun = true;
}

static int note_last(struct dl_phdr_info *info, size_t size, void *last)
{
	(void)size;
	*(uintptr_t *)last = (uintptr_t)info->dlpi_phdr;
	return 0;
}

/* New objects are listed after the others. */
uintptr_t entries_mark(void)
{
	uintptr_t last = 0;
	dl_iterate_phdr(note_last, &last);
	return last;
}

static int examine_new(struct dl_phdr_info *info, size_t size, void *mark)
{
	struct place p = { .file = info->dlpi_name };
	uintptr_t *last = mark;
	(void)size;
	if (!*last && object_read(&p.o, info) && !find_examined(p.o.start) && is_mapping_object(&p.o))
		examine(&p);
	if (*last == (uintptr_t)info->dlpi_phdr)
		*last = 0;
	return 0;
}

static void add(void *mark)
{
	dl_iterate_phdr(examine_new, mark);
}

COLD void entries_add(uintptr_t mark)
{
	if (mark != entries_mark())
		with_lock(add, &mark);
}

static void examine_caller(void *caller)
{
	if (!missed && !got_late())
		examine_at(*(uintptr_t *)caller);
}

static COLD bool own_first(uintptr_t caller)
{
	if (!begun) {
		uint32_t i = __atomic_fetch_add(&n_early, 1, __ATOMIC_RELAXED);
		if (i < MOST_EARLY)
			early[i] = caller;
		return false;
	}
	with_lock(examine_caller, &caller);
	const struct examined *x = find_examined(caller);
	return x && x->detour;
}

bool entries_own(uintptr_t caller)
{
	/* An object was unloaded since, and another may be at its addresses now. */
	bool current = __atomic_load_n(&closes, __ATOMIC_ACQUIRE) == __atomic_load_n(&native_closes, __ATOMIC_ACQUIRE);
	const struct examined *x = current ? find_examined(caller) : NULL;
	return x ? x->detour != 0 : own_first(caller);
}

void entries_forked(void)
{
	lock = (struct lock){ 0 };
}
