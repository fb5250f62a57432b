/*
 * pylayout.c - finds the CPython in this process, and its layout
 *
 * Source: _Py_DebugOffsets is declared in Include/internal/pycore_debug_offsets.h
 *         of each release (3.13: pycore_runtime.h).
 */
#include "pylayout.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "agent.h"
#include "object.h"
#include "pytables.h"

_Static_assert(sizeof(void *) == 8, "the layouts are those of 64-bit CPython");

/* ---------------------------------------------------------------- offsets that the interpreter publishes */

enum { RUNTIME, INTERP, TSTATE, ERR_STACKITEM, FRAME, CODE, OBJECT, TYPE, HEAP_TYPE, TUPLE, LIST, SET, DICT, FLOAT,
	LONG, BYTES, STR, GC, GROUPS };

/*
 * The number of words in each group by release, in the order above; the first word of a group is the struct's size. In
 * some releases more groups follow.
 */
static const uint8_t published_words[][GROUPS] = {
	[13] = { 3, 13,  9, 0, 6, 10, 2, 4, 0, 3, 3, 0, 3, 2, 3, 3, 4, 2 },
	[14] = { 3, 16,  9, 0, 8, 11, 2, 4, 0, 3, 3, 4, 3, 2, 3, 3, 4, 2 },
	[15] = { 3, 16, 16, 1, 8, 11, 2, 6, 2, 3, 3, 4, 3, 2, 3, 3, 5, 4 },
};

struct published {
	int minor, free_threaded;
	const uint64_t *group[GROUPS];
	bool bad;
};

/* Returns a field's offset, which must be within its struct. */
static int field(struct published *d, int group, int i)
{
	uint64_t size = d->group[group][0], at = d->group[group][i];
	if (at >= size || size > 1 << 24)
		d->bad = true;
	return (int)at;
}

/*
 * Fields that are not published. They are assumed to be where they were in the known release
 * if their published neighbours are; otherwise walks never stop early, as that
 * relies on them.
 */
static void layout_unpublished(struct py_layout *o, const struct published *d, uint32_t hex)
{
	const uint64_t *ts = d->group[TSTATE];
	bool known = o->ts_frame == 72 && (d->minor < 15 ? o->ts_chunk == 232 : ts[6] == 88 && ts[7] == 96);
	o->ts_tracefunc = !known ? -1 : d->minor < 15 ? 88 : 112;
	o->ts_event = !known ? -1 : d->minor < 15 ? 64 : 68;
	if (hex >= 0x030e05f0)		/* `visited`, after the owner: before 3.14.5 the garbage collector uses it */
		o->f_mark = o->f_owner + 1;
	/*
	 * Without the GIL the garbage collector may read value stacks to their end; from 3.14 they are kept
	 * differently.
	 */
	if (d->minor == 13 && !d->free_threaded && o->f_owner == 70 && d->group[FRAME][4] == 72) {
		o->f_stacktop = 64;
		o->f_values = 72;
	}
}

/* As in py313, except for chunks: see pytables.h. */
static void layout_behaviour(struct py_layout *o, const struct published *d)
{
	o->instr = py313.instr;
	o->evaluator = py313.evaluator;
	o->lines = py313.lines;
	o->mark_fresh = py313.mark_fresh;
	o->hides_init = py313.hides_init;
	o->has_mimalloc = py313.has_mimalloc;
	o->attached_first = py313.attached_first;
	o->chunks_stay = d->minor <= 14;
	o->ts_cframe = o->ts_root_cframe = o->cframe_previous = -1;
}

static void layout_tstate(struct py_layout *o, struct published *d)
{
	o->ts_interp = field(d, TSTATE, 3);
	o->ts_frame = field(d, TSTATE, 4);
	o->ts_thread_id = field(d, TSTATE, d->minor < 15 ? 5 : 8);
	o->ts_chunk = field(d, TSTATE, d->minor < 15 ? 7 : 10);
	o->cframe_frame = -1;
}

static void layout_frame(struct py_layout *o, struct published *d)
{
	o->f_back = field(d, FRAME, 1);
	o->f_code = field(d, FRAME, 2);
	o->f_instr = field(d, FRAME, 3);
	o->f_owner = field(d, FRAME, 5);
	o->f_tlbc = d->minor >= 14 && d->free_threaded ? field(d, FRAME, 7) : -1;
	o->f_gen = o->f_mark = o->f_stacktop = o->f_values = o->f_entry = -1;
	o->shim_owner = 3;
	o->code_tags = d->minor >= 14 ? 3 : 0;
}

static void layout_code(struct py_layout *o, struct published *d)
{
	o->co_filename = field(d, CODE, 1);
	o->co_name = field(d, CODE, 2);
	o->co_qualname = field(d, CODE, 3);
	o->co_lines = field(d, CODE, 4);
	o->co_firstlineno = field(d, CODE, 5);
	o->co_bytecode = field(d, CODE, 9);
	o->co_tlbc = d->minor >= 14 && d->free_threaded ? field(d, CODE, 10) : -1;
}

static void layout_objects(struct py_layout *o, struct published *d)
{
	o->ob_type = field(d, OBJECT, 1);
	o->tp_dealloc = field(d, TYPE, 1) + 24;		/* tp_name, tp_basicsize, tp_itemsize, tp_dealloc */
	o->bytes_size = field(d, BYTES, 1);
	o->bytes_data = field(d, BYTES, 2);
	o->str_state = field(d, STR, 1);
	o->str_length = field(d, STR, 2);
	o->str_ascii = (int)d->group[STR][3];		/* the size of a PyASCIIObject: directly after the struct */
	o->str_compact = o->str_ascii + 16;
	o->str_kind_shift = d->minor >= 14 && d->free_threaded ? 8 : 2;	/* there `interned` is a byte of its own */
	o->rt_finalizing = field(d, RUNTIME, 1);
	o->rt_interpreters = field(d, RUNTIME, 2);
	o->rt_tstate_current = -1;
	o->interp_next = field(d, INTERP, 2);
}

/* Nothing else depends on the collector. */
static void layout_collector(struct py_layout *o, struct published *d)
{
	const uint64_t *gc = d->group[GC];
	o->rt_collecting = o->interp_collecting = -1;
	if (gc[1] < gc[0] && gc[0] < 1 << 16)
		o->interp_collecting = field(d, INTERP, d->minor < 14 ? 4 : 5) + (int)gc[1];
}

static bool is_prerelease(uint32_t hex)
{
	return (hex >> 4 & 15) < 0xc;	/* 0xa alpha, 0xb beta, 0xc candidate, 0xf final */
}

bool layout_published(struct py_layout *o, const void *runtime, uint32_t hex)
{
	const uint64_t *word = runtime;
	unsigned minor = hex >> 16 & 0xff;
	if (memcmp(runtime, "xdebugpy", 8) != 0 || word[1] != hex || hex >> 24 != 3 || minor < 13 || minor > 15 ||
	    is_prerelease(hex) || word[2] > 1)
		return false;
	struct published d = { .minor = (int)minor, .free_threaded = (int)word[2] };
	word += 3;
	for (int i = 0; i < GROUPS; i++) {
		d.group[i] = word;
		word += published_words[minor][i];
	}
	memset(o, 0, sizeof *o);
	o->minor = d.minor;
	o->free_threaded = d.free_threaded;
	layout_behaviour(o, &d);
	layout_tstate(o, &d);
	layout_frame(o, &d);
	layout_code(o, &d);
	layout_objects(o, &d);
	layout_collector(o, &d);
	layout_unpublished(o, &d, hex);
	return !d.bad;
}

/* ---------------------------------------------------------------- finding the interpreter */

struct search {
	struct object program, python;
	bool have_program, unchanged;
};
/* dlpi_adds at the last search that found nothing; in musl it begins with 0. */
static unsigned long long loads_seen = ~0ull;
static unsigned long long unloads_seen;	/* dlpi_subs at the last search */

static int search_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *s = arg;
	if (size >= offsetof(struct dl_phdr_info, dlpi_subs) && info->dlpi_adds == loads_seen) {
		s->unchanged = true;
		return 1;
	}
	if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs)
		unloads_seen = info->dlpi_subs;
	struct object o;
	bool is_program = !s->have_program;	/* the program is listed first */
	s->have_program = true;
	if (!object_read(&o, info))
		return 0;
	if (is_program)
		s->program = o;
	if (object_symbol(&o, "PyGILState_GetThisThreadState")) {
		s->python = o;
		return 1;
	}
	return 0;
}

/* Stores how many objects have been loaded, so that the next search can end at once. */
static int search_count(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)arg;
	if (size >= offsetof(struct dl_phdr_info, dlpi_subs))
		loads_seen = info->dlpi_adds;
	return 1;
}

static int search_unloads(struct dl_phdr_info *info, size_t size, void *arg)
{
	*(bool *)arg = size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs &&
		       info->dlpi_subs != unloads_seen;
	return 1;
}

bool python_gone(void)
{
	bool gone = false;
	dl_iterate_phdr(search_unloads, &gone);
	return gone;
}

/* A program that is linked to fixed addresses may contain a copy of a library's data. */
static uintptr_t data_symbol(const struct search *s, const char *name)
{
	uintptr_t p = object_symbol(&s->program, name);
	return p ? p : object_symbol(&s->python, name);
}

/* ---------------------------------------------------------------- its version */

static char *put_number(char *p, unsigned n)
{
	if (n >= 10)
		p = put_number(p, n / 10);
	*p++ = (char)('0' + n % 10);
	return p;
}

/* "3.15.0b2" from PY_VERSION_HEX. */
static void version_text(char *p, uint32_t hex)
{
	p = put_number(p, hex >> 24);
	*p++ = '.';
	p = put_number(p, hex >> 16 & 0xff);
	*p++ = '.';
	p = put_number(p, hex >> 8 & 0xff);
	uint32_t level = hex >> 4 & 15;
	if (level != 15) {
		if (level == 12)
			*p++ = 'r';
		*p++ = level == 10 ? 'a' : level == 11 ? 'b' : 'c';
		p = put_number(p, hex & 15);
	}
	*p = '\0';
}

/*
 * Up to 3.10 the exact version is known only by a call, which is not allowed yet
 * (python_begun). But each release added functions.
 */
static unsigned minor_by_symbols(const struct object *o)
{
	static const struct { unsigned minor; const char *since; } releases[] = {
		{ 10, "Py_NewRef" }, { 9, "PyFrame_GetBack" }, { 8, "PyCode_NewWithPosOnlyArgs" },
	};
	for (size_t i = 0; i < sizeof releases / sizeof releases[0]; i++)
		if (object_symbol(o, releases[i].since))
			return releases[i].minor;
	return 0;
}

static bool table_layout(struct py_layout *o, unsigned minor)
{
	static const struct py_layout *const tables[] = { &py38, &py39, &py310, &py311, &py312 };
	if (minor < 8 || minor > 12)
		return false;
	*o = *tables[minor - 8];
	return true;
}

/* Py_Version is data, and exists from 3.11. */
static bool python_layout(struct python *p, const struct search *s)
{
	uintptr_t version = data_symbol(s, "Py_Version");
	if (!version) {
		unsigned minor = minor_by_symbols(&s->python);
		version_text(p->version, 3u << 24 | minor << 16 | 0xf0);
		if (minor == 0)
			strcpy(p->version, "before 3.8");
		return table_layout(&p->layout, minor);
	}
	uint32_t hex = (uint32_t)*(const unsigned long *)version;
	version_text(p->version, hex);
	if (hex >> 24 != 3 || is_prerelease(hex) || !p->runtime)
		return false;
	unsigned minor = hex >> 16 & 0xff;
	return minor <= 12 ? table_layout(&p->layout, minor)
			   : layout_published(&p->layout, (const void *)p->runtime, hex);
}

COLD enum python_found python_find(struct python *p)
{
	struct search s = { .unchanged = false };
	dl_iterate_phdr(search_object, &s);
	if (s.unchanged)
		return PYTHON_NONE;
	if (!s.python.gnu_hash) {
		dl_iterate_phdr(search_count, NULL);
		return PYTHON_NONE;
	}
	p->runtime = data_symbol(&s, "_PyRuntime");
	p->code_type = data_symbol(&s, "PyCode_Type");
	p->type_type = data_symbol(&s, "PyType_Type");
	static const char loop_name[] = "_PyEval_EvalFrameDefault";
	const ElfW(Sym) *loop = object_find(&s.python, loop_name, object_hash(loop_name));
	p->loop = loop ? s.python.bias + loop->st_value : 0;
	p->loop_size = loop ? loop->st_size : 0;
	p->thread_state = (void *(*)(void))object_symbol(&s.python, "PyGILState_GetThisThreadState");
	p->attached = (void *(*)(void))object_symbol(&s.python, "PyThreadState_GetUnchecked");
	if (!p->attached)		/* its name before 3.13 */
		p->attached = (void *(*)(void))object_symbol(&s.python, "_PyThreadState_UncheckedGet");
	p->get_version = (const char *(*)(void))object_symbol(&s.python, "Py_GetVersion");
	p->get_allocator = (void (*)(int, void *))object_symbol(&s.python, "PyMem_GetAllocator");
	p->set_allocator = (void (*)(int, void *))object_symbol(&s.python, "PyMem_SetAllocator");
	p->get_arenas = (void (*)(void *))object_symbol(&s.python, "PyObject_GetArenaAllocator");
	p->is_initialized = (int (*)(void))object_symbol(&s.python, "Py_IsInitialized");
	if (!python_layout(p, &s) || !p->runtime || !p->code_type || !p->attached || !p->get_version)
		return PYTHON_REFUSED;
	if (p->layout.free_threaded)
		strcat(p->version, " free-threaded");
	/* A debug build (recognised by this symbol) keeps a flag of its own in the mark's byte. */
	if (p->layout.minor >= 14 && object_symbol(&s.python, "_Py_INCREF_IncRefTotal"))
		p->layout.f_mark = -1;
	return PYTHON_FOUND;
}

bool python_name(struct python *p)
{
	if (p->layout.minor > 10)
		return true;
	const char *text = p->get_version();	/* "3.10.13 (main, …" */
	size_t n = strcspn(text, " ");
	if (n > sizeof p->version - 1)
		n = sizeof p->version - 1;
	memcpy(p->version, text, n);
	p->version[n] = '\0';
	return strpbrk(p->version, "ab") == NULL;
}
