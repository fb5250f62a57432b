/*
 * symbols.c - an object file: its symbols, DWARF, line tables
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "symbols/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
#ifndef __AFL_COMPILER
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

/* Returns a random number from 0 to n - 1. */
static size_t any(unsigned *state, size_t n)
{
	*state = *state * 1103515245u + 12345u;
	return n ? (*state >> 8) % n : 0;
}

static int is_debug(const Elf64_Shdr *names, const Elf64_Shdr *s, const uint8_t *data, size_t size)
{
	uint64_t at = names->sh_offset + s->sh_name;
	return at < size && size - at > 8 && memcmp(data + at, ".debug_", 7) == 0;
}

/* Changes a few bytes of one section only: otherwise most inputs would not be ELF files. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
	Elf64_Ehdr e;
	if (size < sizeof e || seed % 16 == 0)
		return LLVMFuzzerMutate(data, size, most);
	memcpy(&e, data, sizeof e);
	if (e.e_shoff > size || e.e_shnum == 0 || e.e_shnum > (size - e.e_shoff) / sizeof(Elf64_Shdr) ||
	    e.e_shstrndx >= e.e_shnum)
		return LLVMFuzzerMutate(data, size, most);
	Elf64_Shdr s, names;
	memcpy(&names, data + e.e_shoff + e.e_shstrndx * sizeof s, sizeof s);
	for (int tries = 0; tries < 60; tries++) {
		memcpy(&s, data + e.e_shoff + any(&seed, e.e_shnum) * sizeof s, sizeof s);
		if (s.sh_type == SHT_NOBITS || s.sh_size == 0 || s.sh_offset > size || s.sh_size > size - s.sh_offset)
			continue;
		if (tries < 40 && !is_debug(&names, &s, data, size))
			continue;
		size_t n = 1 + any(&seed, s.sh_size < 64 ? s.sh_size : 64), at = any(&seed, s.sh_size - n + 1);
		LLVMFuzzerMutate(data + s.sh_offset + at, n, n);
		return size;
	}
	return LLVMFuzzerMutate(data, size, most);
}
#endif

static void run(void *arg)
{
	struct symbols *s = symbols_new();
	struct object *o = symbols_object(s, "/nowhere/libx.so", arg, NULL, 0);
	for (uint64_t at = 0x200; at < 0x500; at += 5) {	/* the address of the seeds' code */
		const struct location *l;
		size_t n = symbols_locate(s, o, at, &l);
		for (size_t i = 0; i < n; i++)	/* terminated texts */
			if (strlen(l[i].name) + strlen(l[i].file) > 1 << 24)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsetenv("DEBUGINFOD_URLS");
	fuzz_run(run, (void *)(uintptr_t)fuzz_file(data, size));
	return 0;
}
