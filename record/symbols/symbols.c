/*
 * symbols.c - functions, files and lines by libdw
 *
 * libdw's own searches walk a whole compilation unit for every address. Here the
 * functions of a unit are collected once, when the first address in it is
 * looked up, and the functions inlined into one when the first address in that is; an
 * object's symbols are sorted once. Line tables, which need much memory in libdw, are
 * read by linetable.c, or by libdw if it does not support them. Entries are skipped
 * by entries.c, and libdw reads those that matter.
 */
#include "symbols.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_file.h"
#include "entries.h"
#include "linetable.h"
#include "mapped_pages.h"
#include "sections.h"
#include "texts.h"
#include "xmalloc.h"

#define DEEPEST_SCOPE 256	/* nesting of blocks and inlined functions */

struct symbol {
	uint64_t start;
	const char *name;
	uint32_t size;
	unsigned char rank;		/* of two at one address, the more global one is used */
};

/* The address range of a function or an inlined function. */
struct scope {
	uint64_t low, high;
	Dwarf_Off die;
};

struct scopes {
	struct scope *at;
	size_t n, cap;
};

/*
 * An outermost function, and once it is read the scopes within it, in the order of the tree: outer before
 * inner.
 */
struct function {
	struct scope whole;
	bool read;
	struct scopes within;		/* itself first */
};

struct unit {
	Dwarf_Die die;
	bool in_c, lines_read;
	struct entries *entries;	/* NULL: not read yet */
	struct function *functions;
	size_t n, cap;
	struct line_table *lines;	/* NULL: libdw reads it */
	const char **paths;		/* by file number, as far as they were needed */
};

/* Part of a unit: units need not be contiguous. */
struct range { uint64_t low, high; size_t unit; };

struct dwfl_object {
	struct elf_file file;
	Dwarf *dwarf;
	struct debug_sections sections;
	bool symbols_read, units_read;
	bool names_only;		/* its debug information is not used */
	bool read;			/* since pages were last released */
	uint64_t dwarf_bias;		/* of the debug information, like file.bias of the file */
	struct symbol *symbols;
	size_t n_symbols, cap_symbols;
	struct unit *units;
	size_t n_units, cap_units;
	struct range *ranges;
	size_t n_ranges, cap_ranges;
};

struct symbols {
	struct object *objects;
	struct texts texts;		/* demangled or generated names */
	struct location *found;
	size_t n_found, cap_found;
	struct mapped_pages pages;
};

/* ---------------------------------------------------------------- names */

static const char *keep(struct symbols *s, const char *text)
{
	return texts_keep(&s->texts, text, strlen(text));
}

/* Returns the demangled name. Rust is tried first, as its older names look like those of C++. */
static const char *demangled(struct symbols *s, const char *name)
{
	char *text = NULL;
	if (name[0] == '_' && (name[1] == 'Z' || name[1] == 'R')) {
		text = rust_demangle(name, DMGL_PARAMS | DMGL_ANSI);
		if (!text)
			text = cplus_demangle_v3(name, DMGL_PARAMS | DMGL_ANSI);
	}
	const char *kept = keep(s, text ? text : name);
	free(text);
	return kept;
}

/* ---------------------------------------------------------------- the symbol table */

/* Returns a name without the version that a symbol table may append: "fopen@@GLIBC_2.2.5". */
static const char *symbol_name(struct symbols *s, const char *name)
{
	const char *version = strchr(name, '@');
	if (!version || version == name)
		return demangled(s, name);
	char *bare = xasprintf("%.*s", (int)(version - name), name);
	const char *kept = demangled(s, bare);
	free(bare);
	return kept;
}

static int symbol_order(const void *x, const void *y)
{
	const struct symbol *a = x, *b = y;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->rank != b->rank ? (a->rank < b->rank ? -1 : 1) : strcmp(a->name, b->name);
}

static void read_symbols(struct dwfl_object *d)
{
	Elf *elf = NULL;
	d->symbols_read = true;
	int n = dwfl_module_getsymtab(d->file.module);
	for (int i = 1; i < n; i++) {
		GElf_Sym sym;
		GElf_Addr at;
		const char *name = dwfl_module_getsym_info(d->file.module, i, &sym, &at, NULL, &elf, NULL);
		int type = GELF_ST_TYPE(sym.st_info), bind = GELF_ST_BIND(sym.st_info);
		if (!name || !*name || sym.st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_GNU_IFUNC))
			continue;
		GROW(d->symbols, d->n_symbols, d->cap_symbols);
		d->symbols[d->n_symbols++] = (struct symbol){
			.start = at,
			.name = name,
			.size = sym.st_size < UINT32_MAX ? (uint32_t)sym.st_size : UINT32_MAX,
			.rank = bind == STB_LOCAL ? 0 : bind == STB_WEAK ? 1 : 2,
		};
	}
	elf_file_release(&d->file, elf);
	if (d->n_symbols)
		qsort(d->symbols, d->n_symbols, sizeof *d->symbols, symbol_order);
}

/* Returns the symbol that covers an address of libdw, or NULL. */
static const char *find_symbol(struct dwfl_object *d, uint64_t address)
{
	if (!d->symbols_read)
		read_symbols(d);
	size_t low = 0, high = d->n_symbols;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (d->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* Aliases and parts of a function may be in between. */
	for (size_t back = 0; back < 16 && low > back; back++) {
		const struct symbol *s = &d->symbols[low - 1 - back];
		if (address - s->start < s->size || (s->size == 0 && back == 0))
			return s->name;
	}
	return NULL;
}

/* ---------------------------------------------------------------- debug information */

static int range_order(const void *x, const void *y)
{
	const struct range *a = x, *b = y;
	return a->low != b->low ? (a->low < b->low ? -1 : 1) : 0;
}

static bool is_c(int language)
{
	return language == DW_LANG_C || language == DW_LANG_C89 || language == DW_LANG_C99 || language == DW_LANG_C11;
}

static void read_units(struct dwfl_object *d)
{
	Dwarf_Die *cu = NULL;
	Dwarf_Addr bias;
	d->units_read = true;
	d->dwarf = dwfl_module_getdwarf(d->file.module, &d->dwarf_bias);
	Dwarf *shared = d->dwarf ? dwarf_getalt(d->dwarf) : NULL;
	if (shared)
		elf_cntl(dwarf_getelf(shared), ELF_C_FDREAD);
	elf_file_release(&d->file, d->dwarf ? dwarf_getelf(d->dwarf) : NULL);
	debug_sections_find(&d->sections, d->dwarf ? dwarf_getelf(d->dwarf) : NULL);
	while (d->dwarf && (cu = dwfl_module_nextcu(d->file.module, cu, &bias)) != NULL) {
		Dwarf_Addr base, low, high;
		if (dwarf_tag(cu) != DW_TAG_compile_unit)
			continue;
		GROW(d->units, d->n_units, d->cap_units);
		d->units[d->n_units] = (struct unit){ .die = *cu, .in_c = is_c(dwarf_srclang(cu)) };
		for (ptrdiff_t at = 0; (at = dwarf_ranges(cu, at, &base, &low, &high)) > 0;) {
			GROW(d->ranges, d->n_ranges, d->cap_ranges);
			d->ranges[d->n_ranges++] = (struct range){ low, high, d->n_units };
		}
		d->n_units++;
	}
	if (d->n_ranges)
		qsort(d->ranges, d->n_ranges, sizeof *d->ranges, range_order);
}

static void add_scope(struct scopes *to, uint64_t low, uint64_t high, Dwarf_Off die)
{
	GROW(to->at, to->n, to->cap);
	to->at[to->n++] = (struct scope){ low, high, die };
}

static void add_scopes(struct dwfl_object *d, struct scopes *to, const struct debug_entry *e)
{
	Dwarf_Die die;
	Dwarf_Addr base, low, high;
	if (e->has_bounds)
		add_scope(to, e->low, e->high, e->offset);
	else if (e->has_code && dwarf_offdie(d->dwarf, e->offset, &die))
		for (ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &low, &high)) > 0;)
			add_scope(to, low, high, e->offset);
}

/* Returns whether it may contain functions without being one. C's types cannot, and are most of a C unit's entries. */
static bool is_container(const struct unit *u, unsigned tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module ||
	       (!u->in_c && (tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type));
}

/* The same, inside a function. */
static bool is_block(const struct unit *u, unsigned tag)
{
	return tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block ||
	       is_container(u, tag);
}

static void read_functions(struct dwfl_object *d, struct unit *u, const struct debug_entry *parent, unsigned depth)
{
	struct debug_entry e;
	struct scopes parts = { 0 };
	if (depth == DEEPEST_SCOPE || !entries_child(u->entries, parent, &e))
		return;
	do {
		parts.n = 0;
		if (e.tag == DW_TAG_subprogram)	/* without parts: a declaration, or only an abstract instance */
			add_scopes(d, &parts, &e);
		else if (is_container(u, e.tag))
			read_functions(d, u, &e, depth + 1);
		for (size_t i = 0; i < parts.n; i++) {
			GROW(u->functions, u->n, u->cap);
			u->functions[u->n++] = (struct function){ .whole = parts.at[i] };
		}
	} while (entries_next(u->entries, &e));
	free(parts.at);
}

static void read_scopes(struct dwfl_object *d, const struct unit *u, struct scopes *to,
			const struct debug_entry *parent, unsigned depth)
{
	struct debug_entry e;
	if (depth == DEEPEST_SCOPE || !entries_child(u->entries, parent, &e))
		return;
	do {
		size_t before = to->n;
		if (e.tag == DW_TAG_subprogram || e.tag == DW_TAG_inlined_subroutine)
			add_scopes(d, to, &e);
		if (to->n > before || e.tag == DW_TAG_inlined_subroutine || is_block(u, e.tag))
			read_scopes(d, u, to, &e, depth + 1);
	} while (entries_next(u->entries, &e));
}

static const struct scopes *scopes_of(struct dwfl_object *d, const struct unit *u, struct function *f)
{
	struct debug_entry e;
	if (!f->read && entries_at(u->entries, f->whole.die, &e)) {
		add_scopes(d, &f->within, &e);
		read_scopes(d, u, &f->within, &e, 0);
	}
	f->read = true;
	return &f->within;
}

static bool covers(const struct scope *s, uint64_t address)
{
	return address >= s->low && address < s->high;
}

/* Returns the scopes of the function at an address, including those of its other addresses. NULL: none. */
static const struct scopes *find_scopes(struct dwfl_object *d, struct unit *u, uint64_t address)
{
	for (size_t i = u->n; i-- > 0;)
		if (covers(&u->functions[i].whole, address))
			return scopes_of(d, u, &u->functions[i]);
	/* A nested function (GNU C, Ada, Fortran) has code of its own, elsewhere. */
	for (size_t i = u->n; i-- > 0;) {
		const struct scopes *s = scopes_of(d, u, &u->functions[i]);
		for (size_t k = s->n; k-- > 0;)
			if (covers(&s->at[k], address))
				return s;
	}
	return NULL;
}

static struct unit *find_unit(struct dwfl_object *d, uint64_t address)
{
	if (!d->units_read)
		read_units(d);
	size_t low = 0, high = d->n_ranges;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (d->ranges[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address >= d->ranges[low - 1].high)
		return NULL;
	struct unit *u = &d->units[d->ranges[low - 1].unit];
	struct debug_entry whole;
	if (!u->entries) {
		u->entries = entries_new(&d->sections, &u->die);
		if (entries_at(u->entries, dwarf_dieoffset(&u->die), &whole))
			read_functions(d, u, &whole, 0);
	}
	return u;
}

/* Returns an attribute's text, of the function or of the abstract instance that it refers to. */
static const char *text_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute a;
	return dwarf_attr_integrate(die, name, &a) ? dwarf_formstring(&a) : NULL;
}

static const char *function_name(struct symbols *s, Dwarf_Die *die)
{
	const char *name = text_of(die, DW_AT_linkage_name);
	if (!name)
		name = text_of(die, DW_AT_MIPS_linkage_name);
	if (!name)
		name = text_of(die, DW_AT_name);
	return name ? demangled(s, name) : NULL;
}

static const char *unit_folder(struct unit *u)
{
	Dwarf_Attribute a;
	return dwarf_attr(&u->die, DW_AT_comp_dir, &a) ? dwarf_formstring(&a) : NULL;
}

/* File names are relative to the compiler's working directory. */
static const char *whole_path(struct symbols *s, struct unit *u, const char *file)
{
	if (!file)
		return "";
	const char *folder = file[0] == '/' ? NULL : unit_folder(u);
	if (!folder)
		return keep(s, file);
	char *path = xasprintf("%s/%s", folder, file);
	const char *kept = keep(s, path);
	free(path);
	return kept;
}

static unsigned number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute a;
	Dwarf_Word v;
	return dwarf_attr(die, name, &a) && dwarf_formudata(&a, &v) == 0 ? (unsigned)v : 0;
}

/* Returns the unit's line table, or NULL: use libdw. */
static const struct line_table *lines_of(struct dwfl_object *d, struct unit *u)
{
	Dwarf_Attribute a;
	Dwarf_Word offset;
	Dwarf_Die die;
	uint8_t address_size;
	if (u->lines_read)
		return u->lines;
	u->lines_read = true;
	if (dwarf_attr(&u->die, DW_AT_stmt_list, &a) && dwarf_formudata(&a, &offset) == 0 &&
	    dwarf_diecu(&u->die, &die, &address_size, NULL))
		u->lines = line_table_read(&d->sections, offset, address_size, unit_folder(u));
	if (u->lines)
		u->paths = xcalloc(line_table_files(u->lines) + 1, sizeof *u->paths);
	return u->lines;
}

static const char *numbered_file(struct symbols *s, struct unit *u, uint32_t number)
{
	const char *folder, *name;
	if (!line_table_file(u->lines, number, &folder, &name))
		return "";
	if (u->paths[number])
		return u->paths[number];
	char *path = folder ? xasprintf("%s/%s", folder, name) : NULL;
	u->paths[number] = whole_path(s, u, path ? path : name);
	free(path);
	return u->paths[number];
}

static void place_by_line_table(struct symbols *s, struct dwfl_object *d, struct unit *u, uint64_t address,
				struct location *l)
{
	const struct line_table *lines = lines_of(d, u);
	Dwarf_Line *line = lines ? NULL : dwarf_getsrc_die(&u->die, address);
	uint32_t file;
	int number = 0;
	if (lines && line_table_find(lines, address, &l->line, &file))
		l->file = numbered_file(s, u, file);
	if (!line)
		return;
	dwarf_lineno(line, &number);
	l->line = number > 0 ? (uint32_t)number : 0;
	l->file = whole_path(s, u, dwarf_linesrc(line, NULL, NULL));
}

static void place_by_call(struct symbols *s, struct dwfl_object *d, struct unit *u, Dwarf_Die *inlined,
			  struct location *l)
{
	Dwarf_Files *files;
	size_t n;
	unsigned file = number_of(inlined, DW_AT_call_file);
	l->line = number_of(inlined, DW_AT_call_line);
	if (lines_of(d, u))
		l->file = numbered_file(s, u, file);
	else if (dwarf_getsrcfiles(&u->die, &files, &n) == 0 && file < n)
		l->file = whole_path(s, u, dwarf_filesrc(files, file, NULL, NULL));
}

/* Finds the functions at the address, innermost first. Returns false if the debug information has none. */
static bool locate_by_dwarf(struct symbols *s, struct dwfl_object *d, uint64_t address)
{
	Dwarf_Die inner = { 0 };
	struct unit *u = find_unit(d, address);
	const struct scopes *scopes = u ? find_scopes(d, u, address) : NULL;
	for (size_t i = scopes ? scopes->n : 0; i-- > 0;) {
		Dwarf_Die die;
		if (!covers(&scopes->at[i], address) || !dwarf_offdie(d->dwarf, scopes->at[i].die, &die))
			continue;
		const char *name = function_name(s, &die);
		struct location l = { .name = name ? name : "?", .file = "" };
		if (s->n_found == 0)
			place_by_line_table(s, d, u, address, &l);
		else
			place_by_call(s, d, u, &inner, &l);
		GROW(s->found, s->n_found, s->cap_found);
		s->found[s->n_found++] = l;
		inner = die;
		if (dwarf_tag(&die) == DW_TAG_subprogram)
			break;
	}
	return s->n_found > 0;
}

/* ---------------------------------------------------------------- objects */

/*
 * The C library and its loader are in every process, and their lines are of
 * little interest. Their debug information, where it is installed, is compressed;
 * decompressing it takes longer than everything else here.
 */
static bool is_c_library(const char *name)
{
	static const char *const names[] = { "libc.so.", "libc-2.", "ld-linux", "ld-2." };
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(base, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static struct dwfl_object *open_object(const char *name, const char *path, const uint8_t *id, size_t id_size)
{
	struct dwfl_object *d = xcalloc(1, sizeof *d);
	if (!elf_file_open(&d->file, name, path, id, id_size)) {
		free(d);
		return NULL;
	}
	d->names_only = is_c_library(name);
	return d;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

struct object *symbols_object(struct symbols *s, const char *name, const char *path, const uint8_t *id, size_t id_size)
{
	char hex[sizeof s->objects->build_id] = "";
	for (size_t i = 0; i < id_size && 2 * i + 2 < sizeof hex; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	struct stat file = { 0 };
	if (!*hex && stat(path, &file) < 0)
		file = (struct stat){ 0 };
	for (struct object *o = s->objects; o; o = o->next)
		if (strcmp(o->build_id, hex) == 0 && strcmp(o->name, name) == 0 && is_same_file(&o->file, &file))
			return o;
	struct object *o = xcalloc(1, sizeof *o);
	o->name = xstrdup(name);
	o->file = file;
	strcpy(o->build_id, hex);
	o->data = open_object(name, path, id, id_size);
	o->next = s->objects;
	s->objects = o;
	return o;
}

/* "libx.so+0x1234" */
static const char *bare_name(struct symbols *s, const struct object *o, uint64_t address)
{
	const char *slash = strrchr(o->name, '/');
	char *text = xasprintf("%s+0x%llx", slash ? slash + 1 : o->name, (unsigned long long)address);
	const char *kept = keep(s, text);
	free(text);
	return kept;
}

static void release_pages(struct symbols *s)
{
	GElf_Addr bias;

	mapped_pages_begin(&s->pages);
	for (const struct object *o = s->objects; o; o = o->next) {
		if (!o->data || !o->data->read)
			continue;
		o->data->read = false;
		Elf *file = dwfl_module_getelf(o->data->file.module, &bias);
		Elf *debug = o->data->dwarf ? dwarf_getelf(o->data->dwarf) : NULL;
		mapped_pages_release(&s->pages, file);
		if (debug != file)
			mapped_pages_release(&s->pages, debug);
	}
	mapped_pages_end(&s->pages);
}

size_t symbols_locate(struct symbols *s, struct object *o, uint64_t address, const struct location **locations)
{
	struct dwfl_object *d = o->data;
	const char *name = NULL;
	s->n_found = 0;
	if (d)
		d->read = true;
	if (d && !d->names_only && !d->units_read)
		read_units(d);
	if (!d || d->names_only || !locate_by_dwarf(s, d, address + d->file.bias - d->dwarf_bias)) {
		name = d ? find_symbol(d, address + d->file.bias) : NULL;
		GROW(s->found, s->n_found, s->cap_found);
		s->found[s->n_found++] =
		    (struct location){ name ? symbol_name(s, name) : bare_name(s, o, address), "", 0 };
	}
	if (mapped_pages_many(&s->pages))
		release_pages(s);
	*locations = s->found;
	return s->n_found;
}

struct symbols *symbols_new(void)
{
	return xcalloc(1, sizeof(struct symbols));
}
