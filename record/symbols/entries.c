/*
 * entries.c - skips quickly over the DWARF entries (DIEs) of a unit
 *
 * An abbreviation is compiled to a few steps: a number of bytes to skip, followed by a value
 * that either has a variable size or is needed.
 *
 * Source: DWARF 5, sections 7.5.2, 7.5.3 (and 2 to 4).
 */
#include "entries.h"

#include <dwarf.h>
#include <stdlib.h>

#include "cursor.h"
#include "xmalloc.h"

/* The purpose of the value that follows the bytes a step skips. */
enum use { NOTHING, LOW, HIGH, HIGH_FROM_LOW, SIBLING };

/* Its encoding. */
enum kind { LAST, NUMBER, LEB, TEXT, BLOCK };	/* LAST: no value, the entry ends */

struct attribute_step {
	uint32_t skip;
	uint8_t kind, size, use;	/* size: of a number, or of a block's length; 0: LEB */
};

struct abbreviation {
	size_t steps;			/* the index of its first step */
	uint16_t tag;
	bool is_parent, has_code;
};

struct entries {
	Dwarf_Die unit;
	struct cursor bytes;		/* the unit from its header. NULL: libdw reads it */
	uint64_t offset;		/* of the header */
	uint8_t address_size, offset_size;
	Dwarf_Half version;
	struct abbreviation *abbreviations;	/* number n has index n - 1 */
	size_t n, cap;
	struct attribute_step *steps;
	size_t n_steps, cap_steps;
};

/* ---------------------------------------------------------------- abbreviations */

/* Sets a step for a form; `size` is set if it is fixed. Returns false if the form is not supported. */
static bool step_of(const struct entries *u, uint64_t form, struct attribute_step *s)
{
	*s = (struct attribute_step){ .kind = NUMBER };
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return true;
	case DW_FORM_data1: case DW_FORM_ref1: case DW_FORM_flag: case DW_FORM_strx1: case DW_FORM_addrx1:
		s->size = 1; return true;
	case DW_FORM_data2: case DW_FORM_ref2: case DW_FORM_strx2: case DW_FORM_addrx2:
		s->size = 2; return true;
	case DW_FORM_strx3: case DW_FORM_addrx3:
		s->size = 3; return true;
	case DW_FORM_data4: case DW_FORM_ref4: case DW_FORM_strx4: case DW_FORM_addrx4: case DW_FORM_ref_sup4:
		s->size = 4; return true;
	case DW_FORM_data8: case DW_FORM_ref8: case DW_FORM_ref_sig8: case DW_FORM_ref_sup8:
		s->size = 8; return true;
	case DW_FORM_data16:
		s->size = 16; return true;
	case DW_FORM_addr:
		s->size = u->address_size; return true;
	case DW_FORM_ref_addr:
		s->size = u->version == 2 ? u->address_size : u->offset_size; return true;
	case DW_FORM_strp: case DW_FORM_line_strp: case DW_FORM_sec_offset: case DW_FORM_strp_sup:
	case DW_FORM_GNU_ref_alt: case DW_FORM_GNU_strp_alt:
		s->size = u->offset_size; return true;
	case DW_FORM_sdata: case DW_FORM_udata: case DW_FORM_ref_udata: case DW_FORM_strx: case DW_FORM_addrx:
	case DW_FORM_loclistx: case DW_FORM_rnglistx:
		s->kind = LEB; return true;
	case DW_FORM_string:
		s->kind = TEXT; return true;
	case DW_FORM_block: case DW_FORM_exprloc:
		s->kind = BLOCK; return true;
	case DW_FORM_block1: s->kind = BLOCK; s->size = 1; return true;
	case DW_FORM_block2: s->kind = BLOCK; s->size = 2; return true;
	case DW_FORM_block4: s->kind = BLOCK; s->size = 4; return true;
	default: return false;
	}
}

static bool is_constant(uint64_t form)
{
	return form == DW_FORM_data1 || form == DW_FORM_data2 || form == DW_FORM_data4 || form == DW_FORM_data8 ||
	       form == DW_FORM_udata;
}

/* Returns false for an unsupported form of a sibling. Bounds in unsupported forms are left to dwarf_ranges(). */
static bool find_use(uint64_t name, uint64_t form, struct attribute_step *s)
{
	if (name == DW_AT_low_pc && form == DW_FORM_addr)
		s->use = LOW;
	else if (name == DW_AT_high_pc && form == DW_FORM_addr)
		s->use = HIGH;
	else if (name == DW_AT_high_pc && is_constant(form))
		s->use = HIGH_FROM_LOW;
	else if (name == DW_AT_sibling)
		s->use = SIBLING;
	return name != DW_AT_sibling || form == DW_FORM_ref1 || form == DW_FORM_ref2 || form == DW_FORM_ref4 ||
	       form == DW_FORM_ref8 || form == DW_FORM_ref_udata;
}

static void add_step(struct entries *u, const struct attribute_step *s)
{
	GROW(u->steps, u->n_steps, u->cap_steps);
	u->steps[u->n_steps++] = *s;
}

/* Reads an abbreviation and its attributes, after its number. */
static bool read_abbreviation(struct entries *u, struct cursor *c)
{
	uint64_t tag = cursor_uleb(c), name, form;
	struct abbreviation a = { .steps = u->n_steps,
				  .tag = (uint16_t)tag,
				  .is_parent = cursor_number(c, 1) == DW_CHILDREN_yes };
	uint32_t skip = 0;
	for (; name = cursor_uleb(c), form = cursor_uleb(c), name || form;) {
		struct attribute_step s;
		if (form == DW_FORM_implicit_const)
			cursor_uleb(c);		/* the value; its sign does not matter */
		if (!step_of(u, form, &s) || !find_use(name, form, &s))
			return false;
		a.has_code = a.has_code || name == DW_AT_high_pc || name == DW_AT_ranges;
		if (s.kind == NUMBER && s.use == NOTHING) {
			skip += s.size;
			continue;
		}
		s.skip = skip;
		skip = 0;
		add_step(u, &s);
	}
	add_step(u, &(struct attribute_step){ .skip = skip, .kind = LAST });
	GROW(u->abbreviations, u->n, u->cap);
	u->abbreviations[u->n++] = a;
	return tag <= UINT16_MAX && !c->bad;
}

/* Reads all abbreviations of a unit, which must be numbered 1, 2, 3, … */
static bool read_abbreviations(struct entries *u, const struct debug_section *s, uint64_t offset)
{
	struct cursor c = { s->at, s->at + s->size, false };
	cursor_skip(&c, offset);
	for (uint64_t number; (number = cursor_uleb(&c)) != 0;)
		if (number != u->n + 1 || !read_abbreviation(u, &c))
			return false;
	return !c.bad;
}

/* ---------------------------------------------------------------- entries */

static void use_value(const struct entries *u, struct debug_entry *e, unsigned use, uint64_t value)
{
	switch (use) {
	case LOW: e->low = value; break;
	case HIGH: case HIGH_FROM_LOW: e->high = value; break;
	case SIBLING: e->sibling = u->offset + value; break;
	}
}

/* Bounds are computed at the end, as a length may come before the address it is added to. */
static void read_values(const struct entries *u, struct cursor *c, const struct attribute_step *s,
			struct debug_entry *e)
{
	unsigned seen = 0;
	for (;; s++) {
		uint64_t value = 0;
		cursor_skip(c, s->skip);
		switch (s->kind) {
		case LAST:
			if (seen & 1 << HIGH_FROM_LOW)
				e->high += e->low;
			e->has_bounds = seen & 1 << LOW && seen & (1 << HIGH | 1 << HIGH_FROM_LOW);
			return;
		case NUMBER: value = cursor_number(c, s->size); break;
		case LEB: value = cursor_uleb(c); break;
		case TEXT: cursor_text(c); break;
		case BLOCK: cursor_skip(c, s->size ? cursor_number(c, s->size) : cursor_uleb(c)); break;
		}
		seen |= 1u << s->use;
		use_value(u, e, s->use, value);
	}
}

/* Reads the entry at an offset; tag 0 ends the children of an entry. False: damaged, or the unit ends. */
static bool read_entry(const struct entries *u, uint64_t offset, struct debug_entry *e)
{
	struct cursor c = u->bytes;
	cursor_skip(&c, offset - u->offset);
	uint64_t number = cursor_uleb(&c);
	*e = (struct debug_entry){ .offset = offset };
	if (number > u->n)
		return false;
	if (number > 0) {
		const struct abbreviation *a = &u->abbreviations[number - 1];
		e->tag = a->tag;
		e->is_parent = a->is_parent;
		e->has_code = a->has_code;
		read_values(u, &c, &u->steps[a->steps], e);
	}
	e->end = u->offset + (uint64_t)(c.at - u->bytes.at);
	return !c.bad;
}

/*
 * Finds the offset after an entry and all its children. Returns false if the unit is damaged. The offset is always
 * after the entry, so every loop over siblings terminates.
 */
static bool pass(const struct entries *u, const struct debug_entry *of, uint64_t *next)
{
	struct debug_entry e;
	*next = of->sibling ? of->sibling : of->end;
	if (of->sibling || !of->is_parent)
		return *next > of->offset;
	for (unsigned level = 1; level > 0;) {
		if (!read_entry(u, *next, &e) || (e.sibling && e.sibling <= e.offset))
			return false;
		*next = e.sibling ? e.sibling : e.end;
		if (e.tag == 0)
			level--;
		else if (e.is_parent && !e.sibling)
			level++;
	}
	return true;
}

/* ---------------------------------------------------------------- by libdw */

static bool ask_libdw(Dwarf_Die *die, struct debug_entry *e)
{
	*e = (struct debug_entry){ .offset = dwarf_dieoffset(die), .tag = (unsigned)dwarf_tag(die) };
	e->has_code = dwarf_hasattr(die, DW_AT_high_pc) || dwarf_hasattr(die, DW_AT_ranges);
	return true;
}

static bool entry_die(const struct entries *u, uint64_t offset, Dwarf_Die *die)
{
	return dwarf_offdie(dwarf_cu_getdwarf(u->unit.cu), offset, die) != NULL;
}

/* ---------------------------------------------------------------- units */

bool entries_at(const struct entries *u, uint64_t offset, struct debug_entry *e)
{
	Dwarf_Die die;
	return u->bytes.at ? read_entry(u, offset, e) && e->tag : entry_die(u, offset, &die) && ask_libdw(&die, e);
}

bool entries_child(const struct entries *u, const struct debug_entry *parent, struct debug_entry *child)
{
	Dwarf_Die die;
	if (u->bytes.at)
		return parent->is_parent && read_entry(u, parent->end, child) && child->tag;
	return entry_die(u, parent->offset, &die) && dwarf_child(&die, &die) == 0 && ask_libdw(&die, child);
}

bool entries_next(const struct entries *u, struct debug_entry *e)
{
	Dwarf_Die die;
	uint64_t next;
	if (u->bytes.at)
		return pass(u, e, &next) && read_entry(u, next, e) && e->tag;
	return entry_die(u, e->offset, &die) && dwarf_siblingof(&die, &die) == 0 && ask_libdw(&die, e);
}

/* Finds the unit's bytes from the length in its header. */
static bool find_bytes(struct entries *u, const struct debug_section *s)
{
	struct cursor c = { s->at, s->at + s->size, false };
	cursor_skip(&c, u->offset);
	const uint8_t *start = c.at;
	uint64_t length = cursor_number(&c, 4);
	if (length == 0xffffffff)
		length = cursor_number(&c, 8);
	if (c.bad || length > cursor_left(&c))
		return false;
	u->bytes = (struct cursor){ start, c.at + length, false };
	return true;
}

struct entries *entries_new(const struct debug_sections *s, Dwarf_Die *unit)
{
	struct entries *u = xcalloc(1, sizeof *u);
	Dwarf_Off abbreviations;
	u->unit = *unit;
	u->offset = dwarf_dieoffset(unit) - dwarf_cuoffset(unit);
	if (!dwarf_cu_die(unit->cu, &u->unit, &u->version, &abbreviations, &u->address_size, &u->offset_size, NULL,
			  NULL) ||
	    u->address_size > 8 || !read_abbreviations(u, &s->abbreviations, abbreviations) || !find_bytes(u, &s->info))
		u->bytes = (struct cursor){ 0 };
	return u;
}

void entries_free(struct entries *u)
{
	if (!u)
		return;
	free(u->abbreviations);
	free(u->steps);
	free(u);
}
