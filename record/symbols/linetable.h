/*
 * linetable.h - compact DWARF line tables: from an address to a line and a file
 *
 * Gives the same results as libdw's dwarf_getsrc_die(), dwarf_lineno(), dwarf_linesrc() and
 * dwarf_filesrc(), in a fiftieth of the memory and less time. A table
 * is read once, into rows of 3 to 4 bytes; rows that cannot change a result
 * are dropped. Supports tables of DWARF 2 to 5, of 32 and 64 bits, as compilers and
 * assemblers write them. Other tables, including damaged ones, are not read: the
 * caller uses libdw, which decides whether it is an error.
 */
#ifndef LINETABLE_H
#define LINETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sections.h"

struct line_table;

/*
 * Reads the table at `offset` of .debug_line, of a unit compiled in `folder`
 * (its DW_AT_comp_dir; NULL: unknown), with addresses of `address_size` bytes. NULL: not
 * supported. `folder` and the sections must outlive it.
 */
struct line_table *line_table_read(const struct debug_sections *s, uint64_t offset, unsigned address_size,
				   const char *folder);
void line_table_free(struct line_table *t);

/* Finds the row that covers an address: its line (0: none) and file number. Returns false if there is none. */
bool line_table_find(const struct line_table *t, uint64_t address, uint32_t *line, uint32_t *file);

/* Returns the upper bound of file numbers. */
size_t line_table_files(const struct line_table *t);

/*
 * Stores the path of file number n: *name if *folder is NULL, otherwise *folder
 * "/" *name, which may be relative. Returns false if there is no such file.
 */
bool line_table_file(const struct line_table *t, uint32_t n, const char **folder, const char **name);

#endif
