/*
 * linetable.h - DWARF's line tables, small: from an address to a line and a file
 *
 * What libdw's dwarf_getsrc_die(), dwarf_lineno(), dwarf_linesrc() and
 * dwarf_filesrc() answer, at a tenth of the memory and less of the time: a table
 * is read once, into rows of 16 bytes, and a row that could not change an answer
 * is not kept. Tables of DWARF 2 to 5, of 32 and 64 bits, as compilers and
 * assemblers make them. Of others, damaged ones among them, nothing is read: the
 * caller asks libdw, which has the last word on what is an error.
 */
#ifndef LINETABLE_H
#define LINETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sections.h"

struct line_table;

/*
 * The table at `offset` of .debug_line, of a unit that was compiled in `folder`
 * (its DW_AT_comp_dir; NULL: not told) for addresses of so many bytes. NULL: not
 * read. The texts, and those of the sections, must outlive it.
 */
struct line_table *line_table_read(const struct debug_sections *s, uint64_t offset, unsigned address_size,
				   const char *folder);
void line_table_free(struct line_table *t);

/* The row that covers an address: its line (0: none) and the number of its file. False: no row does. */
bool line_table_find(const struct line_table *t, uint64_t address, uint32_t *line, uint32_t *file);

/* Numbers of files are below this. */
size_t line_table_files(const struct line_table *t);

/*
 * The path of file number n, which is *name if *folder is NULL, else *folder
 * "/" *name; it need not be absolute. False: there is no such file.
 */
bool line_table_file(const struct line_table *t, uint32_t n, const char **folder, const char **name);

#endif
