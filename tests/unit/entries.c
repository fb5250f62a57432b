/*
 * entries.c - DWARF entries of programs, an interpreter and damaged files, compared with libdw
 */
#include "entries.h"

#include <dwarf.h>
#include <fcntl.h>
#include "objects.h"

#define DEEPEST 256

/* The number of comparisons, and their results. */
struct tally { size_t units, entries, bounds, different; };

static bool is_same(const struct debug_entry *e, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t range = dwarf_ranges(die, 0, &base, &low, &high);
	return e->offset == dwarf_dieoffset(die) && e->tag == (unsigned)dwarf_tag(die) && (e->has_code || range <= 0) &&
	       (!e->has_bounds || (range == 1 && e->low == low && e->high == high));
}

/* Visits an entry and all its descendants. */
static void compare(struct tally *to, const struct entries *u, const struct debug_entry *e, Dwarf_Die *die)
{
	struct debug_entry child;
	Dwarf_Die their_child;
	bool ours = entries_child(u, e, &child), theirs = dwarf_child(die, &their_child) == 0;
	to->entries++;
	to->bounds += e->has_bounds;
	to->different += !is_same(e, die);
	while (ours && theirs) {
		compare(to, u, &child, &their_child);
		ours = entries_next(u, &child);
		theirs = dwarf_siblingof(&their_child, &their_child) == 0;
	}
	to->different += ours != theirs;
}

/* Calls a function with the entries of each unit. */
static void each_unit(struct tally *to, const struct debug_sections *s, Dwarf *dwarf,
                      void (*f)(struct tally *, const struct entries *, const struct debug_entry *, Dwarf_Die *))
{
	Dwarf_Off at = 0, next;
	size_t header;
	for (; dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) == 0; at = next) {
		Dwarf_Die unit;
		struct debug_entry e;
		if (!dwarf_offdie(dwarf, at + header, &unit))
			continue;
		struct entries *u = entries_new(s, &unit);
		to->units++;
		if (entries_at(u, at + header, &e))
			f(to, u, &e, &unit);
		entries_free(u);
	}
}

/* Reads by our reader; unless `alone`, libdw takes over, which does all if there is no section of abbreviations. */
static struct tally compare_file(const char *path, bool alone)
{
	struct tally to = { 0 };
	struct debug_sections s;
	int fd = open(path, O_RDONLY);
	Dwarf *dwarf = fd < 0 ? NULL : dwarf_begin(fd, DWARF_C_READ);
	if (dwarf) {
		debug_sections_find(&s, dwarf_getelf(dwarf));
		if (!alone)
			s.abbreviations.size = 0;
		each_unit(&to, &s, dwarf, compare);
		dwarf_end(dwarf);
	}
	if (fd >= 0)
		close(fd);
	return to;
}

static bool programs_are_same(const char *compile, const char *const *options, size_t n, bool alone)
{
	bool same = true;
	for (size_t i = 0; i < n; i++) {
		struct tally t = { 0 };
		if (shell("%s -O2 %s -o %s/program", compile, options[i], folder))
			t = compare_file(in_folder("program"), alone);
		if (t.different || t.entries < 100 || (t.bounds > 0) != alone) {
			printf("# %s: %zu units, %zu entries, %zu with bounds, %zu different\n", options[i], t.units,
			       t.entries, t.bounds, t.different);
			same = false;
		}
	}
	return same;
}

static void add_interpreter(void *to, const char *path)
{
	struct tally t = compare_file(path, true), *all = to;
	all->entries += t.entries;
	all->bounds += t.bounds;
	all->different += t.different;
}

static void check_interpreters(void)
{
	struct tally all = { 0 };
	each_interpreter(add_interpreter, &all);
	if (all.entries)
		CHECK("the entries of an interpreter equal libdw's", all.bounds > 1000 && all.different == 0);
	else
		printf("ok the entries of an interpreter are libdw's # skip no libpython with debug information\n");
}

static void compare_units(void *to, const struct debug_sections *s, Dwarf *dwarf)
{
	each_unit(to, s, dwarf, compare);
}

/* As in clang's output: attributes of siblings (forms of 4 bytes) become attributes of types. */
static void check_without_siblings(void)
{
	struct tally t = { 0 };
	struct image m = { 0 };
	size_t changed = 0;
	if (shell("%s -O2 -gdwarf-5 -o %s/program", a_c_program, folder) && read_image(&m, in_folder("program"))) {
		char *at = m.bytes + m.abbreviations->sh_offset;
		for (size_t i = 0; i + 1 < m.abbreviations->sh_size; i++)
			if (at[i] == DW_AT_sibling && at[i + 1] == DW_FORM_ref4)
				at[i] = DW_AT_type, changed++;
		look_at(&m, compare_units, &t);
	}
	CHECK("so do those of a unit without references to siblings",
	      changed > 10 && t.bounds > 10 && t.different == 0);
	free(m.bytes);
}

/* ---------------------------------------------------------------- damage */

/* Offsets must increase, or the walk would not end. */
static void walk(struct tally *to, const struct entries *u, const struct debug_entry *parent, unsigned depth)
{
	struct debug_entry e;
	uint64_t before = parent->offset;
	if (depth == DEEPEST || !entries_child(u, parent, &e))
		return;
	do {
		to->entries++;
		to->different += e.offset <= before;
		before = e.offset;
		walk(to, u, &e, depth + 1);
	} while (entries_next(u, &e));
}

static void walk_unit(struct tally *to, const struct entries *u, const struct debug_entry *e, Dwarf_Die *unit)
{
	(void)unit;
	walk(to, u, e, 0);
}

static void walk_units(void *to, const struct debug_sections *s, Dwarf *dwarf)
{
	each_unit(to, s, dwarf, walk_unit);
}

static void check_damage(void)
{
	struct tally t = { 0 };
	for (size_t i = 0; i < 6; i++) {
		struct image m;
		if (!shell("cc -O2 %s -o %s/program tests/native/known.c", kinds[i], folder) ||
		    !read_image(&m, in_folder("program"))) {
			CHECK("tests/native/known.c compiles", false);
			continue;
		}
		cut(&m, m.info, walk_units, &t);
		cut(&m, m.abbreviations, walk_units, &t);
		flip(&m, m.info, walk_units, &t);
		flip(&m, m.abbreviations, walk_units, &t);
		free(m.bytes);
	}
	CHECK("entries and abbreviations that are cut off or changed are read within bounds, and reading ends",
	      t.units > 10000 && t.entries > 100000 && t.different == 0);
}

int main(void)
{
	elf_version(EV_CURRENT);
	if (!mkdtemp(folder))
		return 1;
	CHECK("the entries of a C program equal libdw's, with every kind of debug information",
	      programs_are_same(a_c_program, kinds, N(kinds), true));
	CHECK("so do those of a C++ program", programs_are_same(a_cxx_program, few_kinds, N(few_kinds), true));
	CHECK("so do those of a unit that our reader does not support",
	      programs_are_same(a_c_program, few_kinds, N(few_kinds), false));
	check_without_siblings();
	check_interpreters();
	check_damage();
	shell("rm -r %s", folder);
	return check_done();
}
