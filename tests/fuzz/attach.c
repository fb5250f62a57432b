/*
 * attach.c - reading a process from outside: its objects, symbols, stack
 *
 * The input: registers, then memory that begins with an object. Includes target.c, as add_module() is static.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "inject/safety.h"
#include "inject/target.c"

#define AT 0x7e0000000000ull
#define SIZE 65536u
#define REGISTERS 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct target *t, const uint64_t *words)
{
	struct user_regs_struct r = { .cs = 0x33, .orig_rax = words[3] };
	memcpy(&r, words, REGISTERS);
	r.rip = AT + words[0] % SIZE;
	r.rsp = AT + words[1] % (SIZE / 8) * 8;
	r.rbp = AT + words[2] % (SIZE / 8) * 8;
	struct safety *s = safety_new(t);
	struct verdict v;
	safety_judge(s, &r, &v);
	safety_free(s);
}

static void run(void *arg)
{
	const uint8_t *registers = arg;
	uint64_t words[REGISTERS / 8], size;
	memcpy(words, registers, sizeof words);
	struct target t = { .pid = getpid(), .mem = -1 };
	add_module(&t, AT, "/nowhere/libc.so.6");
	if (t.n_modules == 0)
		return;
	if (words[4] & 1)
		t.libc = t.modules;
	else if (words[4] & 2)
		t.loader = t.modules;
	uint64_t at = module_symbol(&t, t.modules, "malloc", &size);
	module_symbol(&t, t.modules, "pthread_create", NULL);
	module_gap_before(&t, t.modules, at);
	judge(&t, words);
	target_clear(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *memory;
	if (!memory)
		memory = mmap((void *)AT, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (memory == MAP_FAILED)
		abort();
	if (size < REGISTERS + 64 || size > REGISTERS + SIZE)
		return 0;
	memcpy(memory, data + REGISTERS, size - REGISTERS);
	memset(memory + size - REGISTERS, 0, SIZE - (size - REGISTERS));
	memcpy(memory, "\177ELF\2\1\1", 7);
	fuzz_run(run, (void *)(uintptr_t)data);
	return 0;
}
