/*
 * linetable.c - a DWARF line table. The input: flags, the size of the texts, the texts, .debug_line
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "symbols/linetable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

/* Returns an exact copy, so that reading past its end is detected. */
static struct debug_section section(const uint8_t *from, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);
	memcpy(p, from, n);
	return (struct debug_section){ p, n };
}

static void look(const struct line_table *t)
{
	const char *folder, *name;
	uint32_t line, file;
	size_t length = 0;
	for (uint64_t at = 0; at < 4096; at += 3)
		if (line_table_find(t, at, &line, &file) && line_table_file(t, file, &folder, &name))
			length += strlen(name);
	for (uint32_t i = 0; i <= line_table_files(t); i++)
		if (line_table_file(t, i, &folder, &name))
			length += strlen(name) + (folder ? strlen(folder) : 0);
	if (length > 1u << 30)
		abort();
}

static void run(void *arg)
{
	const struct input *in = arg;
	uint8_t flags = in->data[0];
	size_t texts = in->data[1] < in->size - 2 ? in->data[1] : in->size - 2;
	struct debug_sections s = { .strings = section(in->data + 2, texts) };
	s.line_strings = s.strings;
	s.lines = section(in->data + 2 + texts, in->size - 2 - texts);
	struct line_table *t = line_table_read(&s, 0, flags & 1 ? 4 : 8, flags & 2 ? "/folder" : NULL);
	if (t)
		look(t);
	line_table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 2)
		fuzz_run(run, &(struct input){ data, size });
	return 0;
}
