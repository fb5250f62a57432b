/*
 * linetable.c - compact DWARF line tables: from an address to a line and a file
 *
 * Source: DWARF 5, section 6.2 (and 2 to 4 where the header differs). Where the
 *         standard leaves it open, we do as libdw does: which of several rows at one
 *         address counts, and that a row extends to the next one of the whole
 *         unit, whatever its sequence.
 *
 * Reading stops at anything invalid; nothing is repaired or
 * guessed, as libdw is used in that case.
 */
#include "linetable.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "xmalloc.h"

#define END 0x80000000u		/* in a row's file: the address is the first after a sequence */

struct line_row {
	uint64_t address;
	int32_t line;
	uint32_t file;
};

/* Rows while they are read. runs: the indices where sorted runs begin. */
struct rows {
	struct line_row *at;
	size_t n, cap;
	size_t *runs;
	size_t n_runs, cap_runs;
};

struct file { const char *folder, *name; };

#define BLOCK 32		/* rows, at most */
#define FAR (1ull << 32)	/* a distance of addresses at which another begins */

/* A block: its first row's address, and where its rows are in `bytes`. */
struct block { uint64_t address; uint64_t at; };

struct line_table {
	struct block *blocks;
	size_t n_blocks, cap_blocks;
	uint8_t *bytes;
	size_t n_bytes, cap_bytes;
	struct file *files;
	size_t n_files, cap_files;
};

/* Reads an offset and returns the text at it in another section. */
static const char *text_at(struct cursor *c, const struct debug_section *s, unsigned offset_size)
{
	uint64_t offset = cursor_number(c, offset_size);
	if (offset >= s->size) {	/* also where there is no such section */
		cursor_fail(c);
		return "";
	}
	struct cursor there = { s->at + offset, s->at + s->size, false };
	const char *text = cursor_text(&there);
	if (there.bad)
		cursor_fail(c);
	return text;
}

/* ---------------------------------------------------------------- the header */

struct header {
	const struct debug_sections *sections;
	unsigned version, offset_size, address_size;
	uint8_t step;			/* bytes per unit of address advance */
	int8_t line_base;
	uint8_t line_range, opcode_base;
};

/* Checks that each standard opcode has the standard number of operands, and that none is unknown. */
static bool opcodes_are_known(struct cursor *c, unsigned opcode_base)
{
	static const uint8_t operands[] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1 };
	if (opcode_base <= DW_LNS_fixed_advance_pc || opcode_base > DW_LNS_set_isa + 1)
		return false;
	for (unsigned i = 0; i < opcode_base - 1; i++)
		if (cursor_number(c, 1) != operands[i])
			return false;
	return true;
}

/* Reads the header up to the names. *c then ends at the end of this table; *program is where the names should end. */
static bool read_header(struct cursor *c, struct header *h, const uint8_t **program)
{
	uint64_t length = cursor_number(c, h->offset_size = 4);
	if (length == 0xffffffff)
		length = cursor_number(c, h->offset_size = 8);
	if (length > cursor_left(c))
		return false;
	c->end = c->at + length;
	h->version = cursor_number(c, 2);
	if (h->version < 2 || h->version > 5)
		return false;
	if (h->version == 5 && (cursor_number(c, 1) != h->address_size || cursor_number(c, 1) != 0)) /* no segments */
		return false;
	length = cursor_number(c, h->offset_size);
	if (length > cursor_left(c))
		return false;
	*program = c->at + length;
	h->step = cursor_number(c, 1);
	if (h->version >= 4 && cursor_number(c, 1) != 1) /* several operations per instruction: not supported */
		return false;
	cursor_number(c, 1);		/* whether rows begin statements: not needed */
	h->line_base = (int8_t)cursor_number(c, 1);
	h->line_range = cursor_number(c, 1);
	h->opcode_base = cursor_number(c, 1);
	return h->line_range && h->step && opcodes_are_known(c, h->opcode_base) && !c->bad;
}

/* ---------------------------------------------------------------- files */

/* Needed only while files are read. */
struct folders {
	const char **at;
	size_t n, cap;
};

static void add_folder(struct folders *to, const char *folder)
{
	GROW(to->at, to->n, to->cap);
	to->at[to->n++] = folder;
}

static void put_file(struct line_table *t, const char *folder, const char *name)
{
	GROW(t->files, t->n_files, t->cap_files);
	t->files[t->n_files++] = (struct file){ folder, name };
}

static bool add_file(struct line_table *t, const struct folders *folders, uint64_t folder, const char *name)
{
	if (folder >= folders->n)
		return false;
	put_file(t, *name == '/' ? NULL : folders->at[folder], name);
	return true;
}

/*
 * Up to DWARF 4: texts up to an empty one. Numbers begin at 1; folder 0 is the compiler's working directory, file 0 is
 * named as in libdw.
 */
static bool read_old_files(struct cursor *c, struct line_table *t, struct folders *folders, const char *folder)
{
	add_folder(folders, folder);
	for (const char *s; *(s = cursor_text(c));)
		add_folder(folders, s);
	put_file(t, NULL, "???");
	for (const char *s; *(s = cursor_text(c));) {
		uint64_t in = cursor_uleb(c);
		cursor_uleb(c);		/* its time of modification */
		cursor_uleb(c);		/* its size */
		if (!add_file(t, folders, in, s))
			return false;
	}
	return !c->bad;
}

struct format { uint64_t content, form; };

/*
 * Reads one part of an entry: stores a text in *text, a number in *number, or skips it. False: an unsupported form.
 */
static bool read_part(struct cursor *c, const struct header *h, uint64_t form, const char **text, uint64_t *number)
{
	switch (form) {
	case DW_FORM_string:    *text = cursor_text(c); return true;
	case DW_FORM_line_strp: *text = text_at(c, &h->sections->line_strings, h->offset_size); return true;
	case DW_FORM_strp:      *text = text_at(c, &h->sections->strings, h->offset_size); return true;
	case DW_FORM_udata:     *number = cursor_uleb(c); return true;
	case DW_FORM_data1:     *number = cursor_number(c, 1); return true;
	case DW_FORM_data2:     *number = cursor_number(c, 2); return true;
	case DW_FORM_data4:     *number = cursor_number(c, 4); return true;
	case DW_FORM_data8:     *number = cursor_number(c, 8); return true;
	case DW_FORM_data16:    cursor_skip(c, 16); return true;
	case DW_FORM_block:     cursor_skip(c, cursor_uleb(c)); return true;
	default: return false;
	}
}

static bool read_entry(struct cursor *c, const struct header *h, const struct format *f, unsigned n,
                       const char **name, uint64_t *folder)
{
	*name = NULL;
	*folder = UINT64_MAX;
	for (unsigned i = 0; i < n; i++) {
		const char *text = NULL;
		uint64_t number = UINT64_MAX;
		if (!read_part(c, h, f[i].form, &text, &number))
			return false;
		if (f[i].content == DW_LNCT_path)
			*name = text;
		else if (f[i].content == DW_LNCT_directory_index)
			*folder = number;
	}
	return *name && !c->bad;
}

/* Reads the format of entries, and their number. */
static bool read_formats(struct cursor *c, struct format *f, unsigned *n, uint64_t *entries)
{
	*n = cursor_number(c, 1);
	for (unsigned i = 0; i < *n; i++) {
		f[i].content = cursor_uleb(c);
		f[i].form = cursor_uleb(c);
	}
	*entries = cursor_uleb(c);
	return *n > 0 && !c->bad;
}

/* DWARF 5: entries have any format. Numbers begin at 0. */
static bool read_files(struct cursor *c, const struct header *h, struct line_table *t, struct folders *folders)
{
	struct format f[255];
	unsigned n;
	uint64_t entries, folder;
	const char *name;
	if (!read_formats(c, f, &n, &entries))
		return false;
	for (; entries > 0; entries--) {	/* each has at least one byte, so a wrong count ends with the table */
		if (!read_entry(c, h, f, n, &name, &folder))
			return false;
		add_folder(folders, name);
	}
	if (!read_formats(c, f, &n, &entries))
		return false;
	for (; entries > 0; entries--)
		if (!read_entry(c, h, f, n, &name, &folder) || !add_file(t, folders, folder, name))
			return false;
	return t->n_files > 0;
}

/* ---------------------------------------------------------------- rows */

/* At one address, the end of a sequence comes before the row that follows it. */
static bool is_before(const struct line_row *a, const struct line_row *b)
{
	return a->address != b->address ? a->address < b->address : (a->file & END) > (b->file & END);
}

static void add_row(struct rows *to, const struct line_row *r)
{
	if (to->n == 0 || is_before(r, &to->at[to->n - 1])) {
		GROW(to->runs, to->n_runs, to->cap_runs);
		to->runs[to->n_runs++] = to->n;
	}
	GROW(to->at, to->n, to->cap);
	to->at[to->n++] = *r;
}

/*
 * Of rows at one address in one sequence, the last counts, so it replaces the one before; this saves half of the
 * rows.
 */
static inline void put_row(struct rows *to, const struct line_row *r)
{
	struct line_row *last = to->n ? &to->at[to->n - 1] : NULL;
	if (last && last->address == r->address && !((last->file | r->file) & END))
		*last = *r;
	else
		add_row(to, r);
}

/* Merges rows a and b; of equal ones, those of a come first. */
static void merge(struct line_row *to, const struct line_row *a, const struct line_row *a_end, const struct line_row *b,
		  const struct line_row *b_end)
{
	if (b < b_end && !is_before(b, a_end - 1)) {
		memcpy(to, a, (size_t)(b_end - a) * sizeof *a);		/* a and b are contiguous */
		return;
	}
	while (a < a_end && b < b_end)
		*to++ = is_before(b, a) ? *b++ : *a++;
	memcpy(to, a, (size_t)(a_end - a) * sizeof *a);
	memcpy(to + (a_end - a), b, (size_t)(b_end - b) * sizeof *b);
}

/* Rows within a sequence are in order, mostly; sequences may not be. So sort by merging runs. */
static void sort_rows(struct rows *r)
{
	if (r->n_runs < 2)
		return;
	struct line_row *to = xreallocarray(NULL, r->n, sizeof *to);
	while (r->n_runs > 1) {
		size_t merged = 0;
		for (size_t i = 0; i < r->n_runs; i += 2) {
			size_t start = r->runs[i];
			size_t middle = i + 1 < r->n_runs ? r->runs[i + 1] : r->n;
			size_t end = i + 2 < r->n_runs ? r->runs[i + 2] : r->n;
			merge(to + start, r->at + start, r->at + middle, r->at + middle, r->at + end);
			r->runs[merged++] = start;
		}
		r->n_runs = merged;
		struct line_row *from = r->at;
		r->at = to;
		to = from;
	}
	free(to);
}

/* Drops rows equal to the one before, and rows at the same address as the next one. */
static void drop_rows(struct rows *r)
{
	size_t n = 0;
	if (r->n)
		r->at[r->n - 1].file |= END;		/* some compilers omit it; libdw adds it too */
	for (size_t i = 0; i < r->n; i++) {
		struct line_row *row = &r->at[i];
		if (row->file & END)
			*row = (struct line_row){ row->address, 0, END };
		if (n && r->at[n - 1].address == row->address)
			n--;
		if (!n || r->at[n - 1].file != row->file || r->at[n - 1].line != row->line)
			r->at[n++] = *row;
	}
	r->n = n;
}

static uint8_t *put_uleb(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

#define LONGEST_ROW 30		/* bytes */

/*
 * A row is the distance of its address from the last row's, doubled, and 1 more if its file is another one; the
 * distance of its line, doubled, and negative ones inverted, so that small distances are small numbers; and the file,
 * if it is another one. A block begins as if after a row of its own address, of line 0 and file 0.
 */
static uint8_t *pack_row(uint8_t *p, const struct line_row *last, const struct line_row *row)
{
	int64_t lines = (int64_t)row->line - last->line;
	bool other_file = row->file != last->file;
	uint64_t address = (row->address - last->address) << 1 | other_file;
	uint64_t line = (uint64_t)lines << 1 ^ (uint64_t)(lines >> 63);
	if (!other_file && address < 0x80 && line < 0x80) {
		*p++ = (uint8_t)address;
		*p++ = (uint8_t)line;
		return p;
	}
	p = put_uleb(put_uleb(p, address), line);
	return other_file ? put_uleb(p, row->file) : p;
}

static void unpack_row(struct cursor *c, struct line_row *row)
{
	unsigned bits;
	uint64_t address = cursor_leb(c, &bits), line = cursor_leb(c, &bits);
	row->address += address >> 1;
	row->line = (int32_t)((uint32_t)row->line + (uint32_t)(line >> 1 ^ -(line & 1)));
	if (address & 1)
		row->file = (uint32_t)cursor_leb(c, &bits);
}

static void keep_rows(struct line_table *t, const struct rows *r)
{
	struct line_row last = { 0 };
	size_t in_block = BLOCK;
	for (size_t i = 0; i < r->n; last = r->at[i++], in_block++) {
		if (in_block == BLOCK || r->at[i].address - last.address >= FAR) {
			in_block = 0;
			GROW(t->blocks, t->n_blocks, t->cap_blocks);
			t->blocks[t->n_blocks++] = (struct block){ r->at[i].address, t->n_bytes };
			last = (struct line_row){ .address = r->at[i].address };
		}
		GROW(t->bytes, t->n_bytes + LONGEST_ROW, t->cap_bytes);
		t->n_bytes = (size_t)(pack_row(t->bytes + t->n_bytes, &last, &r->at[i]) - t->bytes);
	}
	t->blocks = xreallocarray(t->blocks, t->n_blocks, sizeof *t->blocks);
	t->bytes = xreallocarray(t->bytes, t->n_bytes, 1);
}

/* ---------------------------------------------------------------- the program */

static const struct line_row first_row = { .line = 1, .file = 1 };

static void run_extended(struct cursor *c, const struct header *h, struct line_row *r, struct rows *to)
{
	uint64_t length = cursor_number(c, 1), opcode = cursor_number(c, 1);
	if (length == 0 || length >= 0x80 || length - 1 > cursor_left(c)) {
		cursor_fail(c);
		return;
	}
	const uint8_t *next = c->at + length - 1;
	switch (opcode) {
	case DW_LNE_end_sequence:
		r->file = END;
		put_row(to, r);
		*r = first_row;
		break;
	case DW_LNE_set_address:
		r->address = cursor_number(c, h->address_size);
		break;
	case DW_LNE_set_discriminator:
		cursor_uleb(c);
		break;
	default:		/* definitions of files (unused by compilers), and vendors' extensions */
		cursor_fail(c);
	}
	if (c->at != next)
		cursor_fail(c);
}

static void add_lines(struct cursor *c, struct line_row *r, int64_t n)
{
	if (n != (int32_t)n || __builtin_add_overflow(r->line, (int32_t)n, &r->line))
		cursor_fail(c);
}

static void run_standard(struct cursor *c, const struct header *h, unsigned opcode, struct line_row *r, struct rows *to)
{
	uint64_t v;
	switch (opcode) {
	case DW_LNS_copy:
		put_row(to, r);
		break;
	case DW_LNS_advance_pc:
		v = cursor_uleb(c);
		if (v > UINT32_MAX / h->step)		/* meant as an advance backwards */
			cursor_fail(c);
		else
			r->address += v * h->step;
		break;
	case DW_LNS_advance_line:
		add_lines(c, r, cursor_sleb(c));
		break;
	case DW_LNS_set_file:
		v = cursor_uleb(c);
		if (v >= END)
			cursor_fail(c);
		else
			r->file = (uint32_t)v;
		break;
	case DW_LNS_set_column:
	case DW_LNS_set_isa:
		cursor_uleb(c);
		break;
	case DW_LNS_const_add_pc:
		r->address += (255u - h->opcode_base) / h->line_range * h->step;
		break;
	case DW_LNS_fixed_advance_pc:
		r->address += cursor_number(c, 2);
		break;
	}
}

static bool run(struct cursor *c, const struct header *h, struct rows *to)
{
	struct line_row r = first_row;
	while (c->at < c->end) {
		unsigned opcode = *c->at++;
		if (opcode >= h->opcode_base) {
			opcode -= h->opcode_base;
			r.address += opcode / h->line_range * h->step;
			add_lines(c, &r, h->line_base + (int)(opcode % h->line_range));
			put_row(to, &r);
		} else if (opcode == 0) {
			run_extended(c, h, &r, to);
		} else {
			run_standard(c, h, opcode, &r, to);
		}
	}
	return !c->bad;
}

/* ---------------------------------------------------------------- tables */

static bool read_table(struct line_table *t, struct cursor *c, struct header *h, const char *folder)
{
	struct folders folders = { 0 };
	struct rows rows = { 0 };
	const uint8_t *program;
	bool good = read_header(c, h, &program) &&
	            (h->version < 5 ? read_old_files(c, t, &folders, folder) : read_files(c, h, t, &folders)) &&
	            c->at == program && run(c, h, &rows);
	if (good) {
		sort_rows(&rows);
		drop_rows(&rows);
		keep_rows(t, &rows);
	}
	free(folders.at);
	free(rows.at);
	free(rows.runs);
	return good;
}

struct line_table *line_table_read(const struct debug_sections *s, uint64_t offset, unsigned address_size,
				   const char *folder)
{
	if (offset >= s->lines.size || (address_size != 4 && address_size != 8))
		return NULL;
	struct line_table *t = xcalloc(1, sizeof *t);
	struct cursor c = { s->lines.at + offset, s->lines.at + s->lines.size, false };
	struct header h = { .sections = s, .address_size = address_size };
	if (read_table(t, &c, &h, folder))
		return t;
	line_table_free(t);
	return NULL;
}

void line_table_free(struct line_table *t)
{
	if (!t)
		return;
	free(t->blocks);
	free(t->bytes);
	free(t->files);
	free(t);
}

/* Returns the number of blocks that begin at or before an address. */
static size_t blocks_until(const struct line_table *t, uint64_t address)
{
	size_t low = 0, high = t->n_blocks;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (t->blocks[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool line_table_find(const struct line_table *t, uint64_t address, uint32_t *line, uint32_t *file)
{
	size_t n = blocks_until(t, address);
	if (n == 0)
		return false;
	const struct block *b = &t->blocks[n - 1];
	struct cursor c = { t->bytes + b->at, t->bytes + (n < t->n_blocks ? b[1].at : t->n_bytes), false };
	struct line_row row = { .address = b->address }, found = { .file = END };
	while (c.at < c.end) {
		unpack_row(&c, &row);
		if (row.address > address)
			break;
		found = row;
	}
	if (found.file & END)
		return false;
	*line = found.line > 0 ? (uint32_t)found.line : 0;
	*file = found.file;
	return true;
}

size_t line_table_files(const struct line_table *t)
{
	return t->n_files;
}

bool line_table_file(const struct line_table *t, uint32_t n, const char **folder, const char **name)
{
	if (n >= t->n_files)
		return false;
	*folder = t->files[n].folder;
	*name = t->files[n].name;
	return true;
}
