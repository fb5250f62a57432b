/*
 * entries.h - skips quickly over the DWARF entries (DIEs) of a unit
 *
 * To find the functions of a unit, most of its entries only have to be
 * skipped. libdw does that attribute by attribute, and again for each query;
 * here it is done by the unit's abbreviations, which are read once. A unit
 * with unsupported forms is left to libdw, with the same results.
 */
#ifndef ENTRIES_H
#define ENTRIES_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "sections.h"

struct debug_entry {
	uint64_t offset;		/* in .debug_info */
	unsigned tag;
	bool has_code;			/* it may have code: then dwarf_ranges() finds it … */
	bool has_bounds;		/* … and if it is one range, low and high are set */
	uint64_t low, high;
	/* for entries.c */
	uint64_t end, sibling;
	bool is_parent;
};

struct entries;

/* `unit` is the unit's first entry. The sections and libdw's unit must outlive the result. */
struct entries *entries_new(const struct debug_sections *s, Dwarf_Die *unit);
void entries_free(struct entries *u);

/* Reads the entry at an offset. Returns false if there is none. */
bool entries_at(const struct entries *u, uint64_t offset, struct debug_entry *e);

/* Reads the first child of an entry. Returns false if it has none. */
bool entries_child(const struct entries *u, const struct debug_entry *parent, struct debug_entry *child);

/* Replaces *e by its next sibling. Returns false if it was the last. */
bool entries_next(const struct entries *u, struct debug_entry *e);

#endif
