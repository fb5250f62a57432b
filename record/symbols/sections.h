/*
 * sections.h - finds the debug sections that we read without libdw
 */
#ifndef SECTIONS_H
#define SECTIONS_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

/* Size 0: the file has none. */
struct debug_section { const uint8_t *at; size_t size; };

/* Decompressed: .debug_info, .debug_abbrev, .debug_line, .debug_line_str, .debug_str. */
struct debug_sections { struct debug_section info, abbreviations, lines, line_strings, strings; };

/*
 * Finds the sections of a file that libdw has opened (which decompresses them); valid until
 * the Elf is closed. Finds none if the file is not little-endian.
 */
void debug_sections_find(struct debug_sections *s, Elf *elf);

#endif
