/*
 * sections.h - the sections of debug information that are read here, and not by libdw
 */
#ifndef SECTIONS_H
#define SECTIONS_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

/* Size 0: there is none. */
struct debug_section { const uint8_t *at; size_t size; };

/* Unpacked: .debug_info, .debug_abbrev, .debug_line, .debug_line_str, .debug_str. */
struct debug_sections { struct debug_section info, abbreviations, lines, line_strings, strings; };

/*
 * The sections of a file that libdw has opened (which unpacks them), as long as
 * the Elf is not closed. None, if the file's byte order is not little-endian.
 */
void debug_sections_find(struct debug_sections *s, Elf *elf);

#endif
