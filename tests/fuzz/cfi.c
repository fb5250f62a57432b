/*
 * cfi.c - arbitrary unwind tables in an object with valid sizes
 *
 * The input: the size of the CIE's body, its body, the FDE's body. The described code and the stack are fixed.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "loaded.h"
#include "native/cfi.h"

#define CODE 0x4000u	/* bytes of code, from the table's header on */
#define WORDS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *header;		/* of the table: the code lies at its address */

uintptr_t libc_stack_end;

bool loaded_at(uintptr_t pc, struct loaded *o)
{
	*o = (struct loaded){ .unwind_table = header };
	return pc - (uintptr_t)header < CODE;
}

static void put(uint8_t **to, const void *from, size_t n)
{
	memcpy(*to, from, n);
	*to += n;
}

static void put_word(uint8_t **to, uint32_t v)
{
	put(to, &v, sizeof v);
}

/* A header with a table of one function; a CIE; an FDE; their stated sizes are exact. */
static void make_table(const uint8_t *cie, size_t cie_size, const uint8_t *fde, size_t fde_size)
{
	size_t total = 64 + 8 + cie_size + 8 + fde_size;
	header = malloc(total);
	memset(header, 0, 64);
	uint8_t *p = header, *body = header + 64;
	put(&p, "\1\x1b\3\x3b", 4);
	put_word(&p, 60);		/* where the CIE is; not used */
	put_word(&p, 1);		/* a table of one */
	put_word(&p, 0);		/* code from the header on */
	put_word(&p, (uint32_t)(64 + 8 + cie_size));
	put_word(&body, (uint32_t)(4 + cie_size));
	put_word(&body, 0);
	put(&body, cie, cie_size);
	put_word(&body, (uint32_t)(4 + fde_size));
	put_word(&body, (uint32_t)(body - (header + 64)));
	put(&body, fde, fde_size);
}

static void walk(uintptr_t pc, uintptr_t *stack)
{
	struct cfi_bounds bounds = { .low = (uintptr_t)stack, .high = (uintptr_t)(stack + WORDS) };
	struct cfi_frame f = { .pc = pc, .sp = (uintptr_t)stack, .fp = (uintptr_t)(stack + 8) };
	for (int i = 0; i < 8; i++) {
		enum cfi_step step = i % 2 ? cfi_step_slow(&f, &bounds) : cfi_step(&f, &bounds);
		/* The code that a signal interrupted runs on a stack known to the kernel. */
		if (step == CFI_END || step == CFI_SIGNAL)
			break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	size_t cie = data[0] < size - 1 ? data[0] : size - 1;
	make_table(data + 1, cie, data + 1 + cie, size - 1 - cie);
	uintptr_t *stack = malloc(WORDS * sizeof *stack);
	for (size_t i = 0; i < WORDS; i++)
		stack[i] = i % 3 ? (uintptr_t)(stack + i % WORDS) : (uintptr_t)header + 8 * i;
	for (uintptr_t at = 1; at < 200; at += 13)
		walk((uintptr_t)header + at, stack);
	cfi_flush();
	free(stack);
	free(header);
	header = NULL;
	return 0;
}
