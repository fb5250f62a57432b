/*
 * linetable.c - the line and file of every address in programs, artificial and damaged tables, compared with libdw
 */
#include "linetable.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include "objects.h"

/* The number of comparisons, and their results. */
struct tally { size_t units, read, addresses, files, different; };

/* ---------------------------------------------------------------- comparing */

static bool is_path(const struct line_table *t, uint32_t file, const char *path)
{
	const char *in, *name;
	if (!line_table_file(t, file, &in, &name))
		return path == NULL;
	size_t n = in ? strlen(in) : 0;
	return path && (in ? strncmp(path, in, n) == 0 && path[n] == '/' && strcmp(path + n + 1, name) == 0
			   : strcmp(path, name) == 0);
}

static void compare_address(struct tally *to, const struct line_table *t, Dwarf_Die *unit, uint64_t address)
{
	Dwarf_Line *theirs = dwarf_getsrc_die(unit, address);
	uint32_t line, file;
	int number = 0;
	bool ours = line_table_find(t, address, &line, &file);
	if (theirs)
		dwarf_lineno(theirs, &number);
	to->addresses++;
	to->different += ours != (theirs != NULL) || (ours && (line != (number > 0 ? (uint32_t)number : 0) ||
							       !is_path(t, file, dwarf_linesrc(theirs, NULL, NULL))));
}

/* Compares each address that has a row, its neighbours, and one half way to the next. */
static void compare_lines(struct tally *to, const struct line_table *t, Dwarf_Die *unit, Dwarf_Lines *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		Dwarf_Addr at, next;
		dwarf_lineaddr(dwarf_onesrcline(lines, i), &at);
		next = at;
		if (i + 1 < n)
			dwarf_lineaddr(dwarf_onesrcline(lines, i + 1), &next);
		compare_address(to, t, unit, at - 1);
		compare_address(to, t, unit, at);
		compare_address(to, t, unit, at + 1);
		compare_address(to, t, unit, at + (next - at) / 2);
	}
	compare_address(to, t, unit, 0);
	compare_address(to, t, unit, UINT64_MAX);
}

static void compare_unit(struct tally *to, const struct debug_sections *s, Dwarf_Die *unit)
{
	Dwarf_Attribute a;
	Dwarf_Word offset;
	Dwarf_Lines *lines;
	Dwarf_Files *files;
	size_t n_lines, n_files;
	uint8_t address_size;
	if (!dwarf_attr(unit, DW_AT_stmt_list, &a) || dwarf_formudata(&a, &offset) != 0 ||
	    !dwarf_diecu(unit, &(Dwarf_Die){ 0 }, &address_size, NULL))
		return;
	const char *in = dwarf_attr(unit, DW_AT_comp_dir, &a) ? dwarf_formstring(&a) : NULL;
	struct line_table *t = line_table_read(s, offset, address_size, in);
	to->units++;
	to->read += t != NULL;
	if (t && dwarf_getsrclines(unit, &lines, &n_lines) == 0 && dwarf_getsrcfiles(unit, &files, &n_files) == 0) {
		compare_lines(to, t, unit, lines, n_lines);
		for (size_t i = 0; i <= n_files; i++, to->files++)
			to->different += !is_path(t, i, dwarf_filesrc(files, i, NULL, NULL));
		to->different += line_table_files(t) != n_files;
	}
	line_table_free(t);
}

static void compare_units(void *to, const struct debug_sections *s, Dwarf *dwarf)
{
	Dwarf_Off at = 0, next;
	size_t header;
	for (; dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) == 0; at = next) {
		Dwarf_Die unit;
		if (dwarf_offdie(dwarf, at + header, &unit))
			compare_unit(to, s, &unit);
	}
}

static struct tally compare_file(const char *path)
{
	struct tally to = { 0 };
	struct debug_sections s;
	int fd = open(path, O_RDONLY);
	Dwarf *dwarf = fd < 0 ? NULL : dwarf_begin(fd, DWARF_C_READ);
	if (dwarf) {
		debug_sections_find(&s, dwarf_getelf(dwarf));
		compare_units(&to, &s, dwarf);
		dwarf_end(dwarf);
	}
	if (fd >= 0)
		close(fd);
	return to;
}

static bool is_same(const struct tally *t)
{
	return t->units > 0 && t->read == t->units && t->addresses > 0 && t->different == 0;
}

/* ---------------------------------------------------------------- programs */

/* Compiles by one compiler, with each kind of debug information. */
static bool programs_are_same(const char *compile, const char *const *options, size_t n)
{
	bool same = true;
	for (size_t i = 0; i < n; i++) {
		struct tally t = { 0 };
		if (shell("%s -O2 %s -o %s/program", compile, options[i], folder))
			t = compare_file(in_folder("program"));
		if (!is_same(&t))
			printf("# %s: %zu units, %zu read, %zu addresses and %zu files compared, %zu different\n",
			       options[i], t.units, t.read, t.addresses, t.files, t.different);
		same = same && is_same(&t);
	}
	return same;
}

static void add_interpreter(void *to, const char *path)
{
	struct tally t = compare_file(path), *all = to;
	all->units += t.units;
	all->read += t.read;
	all->addresses += t.addresses;
	all->different += t.different;
}

static void check_interpreters(void)
{
	struct tally all = { 0 };
	each_interpreter(add_interpreter, &all);
	if (all.units)
		CHECK("every address of an interpreter has the line and file that libdw finds", is_same(&all));
	else
		printf("ok every address of an interpreter has libdw's line and file # skip no libpython with debug "
		       "information\n");
}

/* ---------------------------------------------------------------- damage */

static void check_damage(void)
{
	struct tally cuts = { 0 }, flips = { 0 };
	for (size_t i = 0; i < 6; i++) {
		struct image m;
		if (!shell("cc -O2 %s -o %s/program tests/native/known.c", kinds[i], folder) ||
		    !read_image(&m, in_folder("program"))) {
			CHECK("tests/native/known.c compiles", false);
			continue;
		}
		cut(&m, m.lines, compare_units, &cuts);
		cut(&m, m.line_strings, compare_units, &cuts);
		flip(&m, m.lines, compare_units, &flips);
		free(m.bytes);
	}
	CHECK("a table that is cut off is rejected, or read as by libdw",
	      cuts.units > 1000 && cuts.read < cuts.units && cuts.different == 0);
	CHECK("a table with changed bits and bytes is rejected, or read as by libdw",
	      flips.units > 10000 && flips.read > 1000 && flips.read < flips.units && flips.addresses > 10000 &&
		  flips.different == 0);
}

/*
 * ---------------------------------------------------------------- valid tables that no compiler makes
 */

struct bytes { uint8_t *at; size_t n; };

static void put(struct bytes *b, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		b->at[b->n++] = (uint8_t)(v >> 8 * i);
}

static void put_uleb(struct bytes *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		put(b, (v & 0x7f) | 0x80, 1);
	put(b, v, 1);
}

static void put_sleb(struct bytes *b, int64_t v)
{
	for (; v < -64 || v > 63; v >>= 7)
		put(b, ((uint64_t)v & 0x7f) | 0x80, 1);
	put(b, (uint64_t)v & 0x7f, 1);
}

static void put_text(struct bytes *b, const char *s)
{
	memcpy(b->at + b->n, s, strlen(s) + 1);
	b->n += strlen(s) + 1;
}

static const char *any_name(void)
{
	static const char *const names[] = { "a.c", "b/b.c", "/abs/c.c", "../d.h", "e" };
	return names[any(N(names))];
}

/* The offsets of two texts in .debug_str and .debug_line_str of the file below. */
static void put_part(struct bytes *b, uint64_t form, unsigned wide)
{
	switch (form) {
	case DW_FORM_string: put_text(b, any_name()); break;
	case DW_FORM_strp:
	case DW_FORM_line_strp: put(b, any(2) * 5, wide); break;
	case DW_FORM_udata: put_uleb(b, any(2)); break;
	case DW_FORM_data1: put(b, any(2), 1); break;
	case DW_FORM_data2: put(b, any(2), 2); break;
	case DW_FORM_data4: put(b, any(2), 4); break;
	case DW_FORM_data8: put(b, any(2), 8); break;
	case DW_FORM_data16: put(b, 0x1234, 8); put(b, 0x5678, 8); break;
	case DW_FORM_block: put_uleb(b, 3); put(b, 0xabcdef, 3); break;
	}
}

static void put_entries(struct bytes *b, unsigned wide, bool files)
{
	static const uint8_t texts[] = { DW_FORM_string, DW_FORM_strp, DW_FORM_line_strp };
	static const uint8_t numbers[] = { DW_FORM_udata, DW_FORM_data1, DW_FORM_data2, DW_FORM_data4, DW_FORM_data8 };
	static const uint8_t others[] = { DW_FORM_udata,  DW_FORM_data4, DW_FORM_data8,
					  DW_FORM_data16, DW_FORM_block, DW_FORM_string };
	uint8_t contents[8], forms[8];
	unsigned n = 0, entries = 2 + any(5);
	for (unsigned other = any(3); other > 0; other--, n++)
		contents[n] = DW_LNCT_timestamp + any(3), forms[n] = others[any(N(others))];
	contents[n] = DW_LNCT_path, forms[n++] = texts[any(N(texts))];
	if (files)
		contents[n] = DW_LNCT_directory_index, forms[n++] = numbers[any(N(numbers))];
	put(b, n, 1);
	for (unsigned i = 0; i < n; i++) {
		put_uleb(b, contents[i]);
		put_uleb(b, forms[i]);
	}
	put_uleb(b, entries);
	for (unsigned i = 0; i < entries * n; i++)
		put_part(b, forms[i % n], wide);
}

static void put_old_files(struct bytes *b)
{
	unsigned folders = any(4);
	for (unsigned i = 0; i < folders; i++)
		put_text(b, any_name());
	put(b, 0, 1);
	for (unsigned i = any(6); i > 0; i--) {
		put_text(b, any_name());
		put_uleb(b, any(folders + 1));
		put_uleb(b, any(100000));
		put_uleb(b, any(100000));
	}
	put(b, 0, 1);
}

static void put_extended(struct bytes *b)
{
	put(b, 0, 1);
	switch (any(4)) {
	case 0: put(b, 2, 1); put(b, DW_LNE_set_discriminator, 1); put_uleb(b, any(100)); break;
	case 1: put(b, 1, 1); put(b, DW_LNE_end_sequence, 1); break;
	default: put(b, 9, 1); put(b, DW_LNE_set_address, 1); put(b, any(5) ? any(300) : 0, 8); break;
	}
}

/* Sequences that overlap, nest, go backwards, are empty, have no end; lines below 1; files that do not exist. */
static void put_program(struct bytes *b, unsigned opcode_base)
{
	for (unsigned i = any(120); i > 0; i--) {
		unsigned opcode = any(3) ? any(opcode_base) : opcode_base + any(256 - opcode_base);
		if (opcode == 0) {
			put_extended(b);
			continue;
		}
		put(b, opcode, 1);
		if (opcode >= opcode_base)
			continue;
		switch (opcode) {
		case DW_LNS_advance_pc: put_uleb(b, any(200)); break;
		case DW_LNS_advance_line: put_sleb(b, (int)any(3000) - 1500); break;
		case DW_LNS_set_file: put_uleb(b, any(9)); break;
		case DW_LNS_set_column:
		case DW_LNS_set_isa: put_uleb(b, any(200)); break;
		case DW_LNS_fixed_advance_pc: put(b, any(300), 2); break;
		}
	}
}

/* `off`: by how much the header's stated length exceeds its actual length. */
static void put_table(struct bytes *b, unsigned off)
{
	static const uint8_t operands[] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1 };
	unsigned version = 2 + any(4), wide = any(2) ? 8 : 4, opcode_base = 10 + any(4);
	if (wide == 8)
		put(b, 0xffffffff, 4);
	size_t length_at = b->n;
	put(b, 0, wide);
	put(b, version, 2);
	if (version == 5)
		put(b, 8, 2);
	size_t header_at = b->n;
	put(b, 0, wide);
	put(b, any(2) ? 1 : 4, 1);
	if (version >= 4)
		put(b, 1, 1);
	put(b, any(2), 1);
	put(b, (uint8_t)-any(8), 1);
	put(b, 1 + any(20), 1);
	put(b, opcode_base, 1);
	for (unsigned i = 0; i < opcode_base - 1; i++)
		put(b, operands[i], 1);
	if (version == 5) {
		put_entries(b, wide, false);
		put_entries(b, wide, true);
	} else {
		put_old_files(b);
	}
	struct bytes length = { b->at + length_at, 0 }, header = { b->at + header_at, 0 };
	put(&header, b->n - header_at - wide + off, wide);
	put_program(b, opcode_base);
	put(&length, b->n - length_at - wide, wide);
}

/* A unit with only a line table, for which room is left. */
static const char unit_source[] =
	".section .debug_abbrev,\"\",%progbits\n"
	".byte 1, 0x11, 0, 0x10, 0x17, 0x1b, 8, 0, 0, 0\n"		/* a compile_unit with stmt_list and comp_dir */
	".section .debug_info,\"\",%progbits\n"
	".4byte 2f - 1f\n1:\n.2byte 5\n.byte 1, 8\n.4byte 0\n.byte 1\n.4byte 0\n.asciz \"/compiled/here\"\n2:\n"
	".section .debug_str,\"\",%progbits\n.asciz \"left\"\n.asciz \"/str\"\n"
	".section .debug_line_str,\"\",%progbits\n.asciz \"line\"\n.asciz \"right\"\n"
	".section .debug_line,\"\",%progbits\n.fill 4096\n";

static struct tally compare_made_up(struct image *m, unsigned rounds, unsigned off)
{
	struct tally t = { 0 };
	for (; rounds > 0; rounds--) {
		struct bytes b = { (uint8_t *)m->bytes + m->lines->sh_offset, 0 };
		put_table(&b, off);
		m->lines->sh_size = b.n;
		look_at(m, compare_units, &t);
	}
	return t;
}

static void check_made_up(void)
{
	struct image m;
	FILE *f = fopen(in_folder("unit.s"), "w");
	fputs(unit_source, f);
	fclose(f);
	if (!shell("cc -shared -nostdlib -o %s/unit.so %s/unit.s", folder, folder) ||
	    !read_image(&m, in_folder("unit.so"))) {
		CHECK("a unit with only a line table can be assembled", false);
		return;
	}
	struct tally t = compare_made_up(&m, 4000, 0), off = compare_made_up(&m, 100, 1);
	CHECK("tables of every version and form, with sequences in any order, are read as by libdw",
	      t.units == 4000 && t.read == t.units && t.addresses > 100000 && t.files > 10000 && t.different == 0);
	CHECK("a table whose header has another length than stated is rejected", off.units == 100 && off.read == 0);
	free(m.bytes);
}

int main(void)
{
	elf_version(EV_CURRENT);
	if (!mkdtemp(folder))
		return 1;
	CHECK("every address of a C program has libdw's line and file, with every kind of debug information",
	      programs_are_same(a_c_program, kinds, N(kinds)));
	CHECK("so has every address of a C++ program", programs_are_same(a_cxx_program, few_kinds, N(few_kinds)));
	check_interpreters();
	check_made_up();
	check_damage();
	shell("rm -r %s", folder);
	return check_done();
}
