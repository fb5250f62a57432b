/*
 * entries.h - DWARF's entries (DIEs) of a unit, passed over fast
 *
 * To find the functions of a unit, most of its entries are read only to get
 * behind them. libdw does that attribute by attribute for each question anew;
 * here it is done by the unit's abbreviations, which are read once. A unit of
 * forms that are not known here is left to libdw, with the same answers.
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
	bool has_code;			/* it may have: dwarf_ranges() tells where, */
	bool has_bounds;		/* and if it is in one piece these do */
	uint64_t low, high;
	/* entries.c */
	uint64_t behind, sibling;
	bool is_parent;
};

struct entries;

/* Of the unit whose first entry this is. The sections and libdw's unit must outlive it. */
struct entries *entries_new(const struct debug_sections *s, Dwarf_Die *unit);
void entries_free(struct entries *u);

/* The entry at an offset. False: none. */
bool entries_at(const struct entries *u, uint64_t offset, struct debug_entry *e);

/* The first entry within another one. False: there is none. */
bool entries_child(const struct entries *u, const struct debug_entry *parent, struct debug_entry *child);

/* Makes *e the next entry within the one that *e is in. False: it was the last. */
bool entries_next(const struct entries *u, struct debug_entry *e);

#endif
