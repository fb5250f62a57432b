/*
 * sections.c - finds the debug sections that we read without libdw
 */
#include "sections.h"

#include <gelf.h>
#include <stdbool.h>
#include <string.h>

/* Returns whether it is ".debug_line" for "debug_line", or ".zdebug_line", its name while it is compressed. */
static bool is_named(const char *name, const char *what)
{
	return name[0] == '.' && strcmp(name + 1 + (name[1] == 'z'), what) == 0;
}

static struct debug_section *place_of(struct debug_sections *s, const char *name)
{
	return is_named(name, "debug_info") ? &s->info :
	       is_named(name, "debug_abbrev") ? &s->abbreviations :
	       is_named(name, "debug_line") ? &s->lines :
	       is_named(name, "debug_line_str") ? &s->line_strings :
	       is_named(name, "debug_str") ? &s->strings : NULL;
}

/* Like libdw, takes the first of two sections with one name, and none that belongs to a group. */
static void take_section(struct debug_sections *s, const char *name, Elf_Scn *section)
{
	struct debug_section *to = place_of(s, name);
	GElf_Shdr header;
	if (!to || to->at || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS ||
	    header.sh_flags & (SHF_GROUP | SHF_COMPRESSED))
		return;
	Elf_Data *data = elf_getdata(section, NULL);
	/* Skip a section that is still compressed; the old format does not show in its flags. */
	if (!data || !data->d_buf || (name[1] == 'z' && data->d_size >= 4 && memcmp(data->d_buf, "ZLIB", 4) == 0))
		return;
	*to = (struct debug_section){ data->d_buf, data->d_size };
}

void debug_sections_find(struct debug_sections *s, Elf *elf)
{
	GElf_Ehdr header;
	size_t names;
	*s = (struct debug_sections){ 0 };
	if (!elf || !gelf_getehdr(elf, &header) || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    elf_getshdrstrndx(elf, &names) != 0)
		return;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)) != NULL;) {
		GElf_Shdr of;
		const char *name = gelf_getshdr(section, &of) ? elf_strptr(elf, names, of.sh_name) : NULL;
		if (name)
			take_section(s, name, section);
	}
}
