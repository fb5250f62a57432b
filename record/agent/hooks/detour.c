/*
 * detour.c - sends calls of a function elsewhere, by a jump at its entry
 *
 * The instructions that the jump overwrites are copied to a page within its reach, followed by a jump back. Those that
 * begin functions are few: whatever is not known here is left alone, and so are branches into what is
 * overwritten. The jump is stored as one aligned word, so a thread that arrives meanwhile sees the old code or
 * the new.
 *
 * Source: Hunt, Brubacher: "Detours: Binary Interception of Win32 Functions", USENIX Windows NT Symposium 1999.
 */
#include "detour.h"

#include "agent.h"

#if defined(__x86_64__)

#include <string.h>
#include <sys/mman.h>

#include "system_call.h"

#define PAGE 4096ul
#define STUB_BYTES 128u		/* at 0: to the hook; at STUB_REAL: the function without its hook */
#define STUB_REAL 32u
#define LONGEST 15u		/* of an instruction */
#define REACH 0x7fff0000l
#define STEP (16ul << 20)

enum form {
	UNKNOWN,
	PLAIN,
	RELATIVE,	/* it has an address relative to the next instruction, in the 4 bytes at `at` */
	BRANCH,		/* a conditional jump; its distance is in the last bytes, from `at` on */
	JUMP,		/* an unconditional one */
};

struct instruction {
	enum form form;
	uint8_t size, at;
};

/* Returns the number of bytes of an operand that begins with a ModRM byte, and whether it is relative. */
static uint8_t operand_size(const uint8_t *modrm, bool *relative)
{
	uint8_t mod = *modrm >> 6, rm = *modrm & 7;
	*relative = mod == 0 && rm == 5;
	if (mod == 3)
		return 1;
	uint8_t sib = rm == 4;
	if (mod == 1)
		return (uint8_t)(2 + sib);
	bool wide = mod == 2 || *relative || (sib && (modrm[1] & 7) == 5);
	return (uint8_t)(1 + sib + (wide ? 4 : 0));
}

static struct instruction with_operand(const uint8_t *code, size_t at, uint8_t immediate)
{
	bool relative;
	uint8_t size = operand_size(code + at, &relative);
	return (struct instruction){
		relative ? RELATIVE : PLAIN, (uint8_t)(at + size + immediate), (uint8_t)(at + 1),
	};
}

static struct instruction read_two_bytes(const uint8_t *code, size_t at)
{
	switch (code[at]) {
	/* endbr64, nop, imul, movzx, movsx */
	case 0x1e: case 0x1f: case 0xaf: case 0xb6: case 0xb7: case 0xbe: case 0xbf:
		return with_operand(code, at + 1, 0);
	}
	if ((code[at] & 0xf0) == 0x80)
		return (struct instruction){ BRANCH, (uint8_t)(at + 5), (uint8_t)(at + 1) };
	return (struct instruction){ UNKNOWN };
}

/* Source: Intel's manual, volume 2, appendix A. */
static struct instruction read_instruction(const uint8_t *code)
{
	size_t at = 0;
	bool narrow = false, wide = false;
	for (; code[at] == 0x66 || code[at] == 0x64 || code[at] == 0xf3; at++) {
		narrow |= code[at] == 0x66;
		if (code[at] == 0xf3 && code[at + 1] != 0x0f)
			return (struct instruction){ UNKNOWN };
	}
	if ((code[at] & 0xf0) == 0x40)
		wide = code[at++] & 8;
	uint8_t op = code[at++];
	if ((op & 0xf0) == 0x50)						/* push, pop */
		return (struct instruction){ PLAIN, (uint8_t)at, 0 };
	if ((op & 0xf0) == 0x70)
		return (struct instruction){ BRANCH, (uint8_t)(at + 1), (uint8_t)at };
	if ((op & 0xf8) == 0xb8 && !narrow)					/* mov of a constant */
		return (struct instruction){ PLAIN, (uint8_t)(at + (wide ? 8 : 4)), 0 };
	if ((op & 0xc4) == 0)							/* add, or, and, sub, xor, cmp */
		return with_operand(code, at, 0);
	if ((op & 0xc7) == 5 && !narrow)					/* the same with a constant */
		return (struct instruction){ PLAIN, (uint8_t)(at + 4), 0 };
	switch (op) {
	/* movslq, test, mov, lea, shl */
	case 0x63: case 0x84: case 0x85: case 0x88: case 0x89: case 0x8a: case 0x8b: case 0x8d: case 0xd1: case 0xd3:
		return with_operand(code, at, 0);
	case 0x80: case 0x83: case 0xc1:
		return with_operand(code, at, 1);
	case 0x81: case 0xc7:
		return narrow ? (struct instruction){ UNKNOWN } : with_operand(code, at, 4);
	case 0xff:								/* push */
		return (code[at] >> 3 & 7) == 6 ? with_operand(code, at, 0) : (struct instruction){ UNKNOWN };
	case 0xe9:
		return (struct instruction){ JUMP, (uint8_t)(at + 4), (uint8_t)at };
	case 0xeb:
		return (struct instruction){ JUMP, (uint8_t)(at + 1), (uint8_t)at };
	case 0x0f:
		return read_two_bytes(code, at);
	}
	return (struct instruction){ UNKNOWN };
}

static bool is_near(int64_t distance)
{
	return distance >= -REACH && distance <= REACH;
}

static uint8_t *put_distance(uint8_t *to, uintptr_t target)
{
	int64_t distance = (int64_t)(target - ((uintptr_t)to + 4));
	int32_t near = (int32_t)distance;
	if (!is_near(distance))
		return NULL;
	memcpy(to, &near, 4);
	return to + 4;
}

static int64_t distance_of(const uint8_t *code, struct instruction i)
{
	if (i.size - i.at == 1)
		return (int8_t)code[i.at];
	int32_t wide;
	memcpy(&wide, code + i.at, 4);
	return wide;
}

/* Copies one instruction, for another place. Returns the end of the copy, or NULL. */
static uint8_t *copy(uint8_t *to, const uint8_t *code, struct instruction i, uintptr_t begin)
{
	if (i.form == PLAIN) {
		memcpy(to, code, i.size);
		return to + i.size;
	}
	uintptr_t target = (uintptr_t)code + i.size + (uintptr_t)distance_of(code, i);
	if (i.form == RELATIVE) {
		memcpy(to, code, i.size);
		int64_t distance = (int64_t)(target - ((uintptr_t)to + i.size));
		int32_t near = (int32_t)distance;
		memcpy(to + i.at, &near, 4);
		return is_near(distance) ? to + i.size : NULL;
	}
	if (target - begin < DETOUR_BYTES + LONGEST)
		return NULL;
	if (i.form == BRANCH) {
		bool is_short = i.size - i.at == 1;
		*to++ = 0x0f;
		*to++ = is_short ? code[i.at - 1] + 0x10 : code[i.at - 1];
	} else {
		*to++ = 0xe9;
	}
	return put_distance(to, target);
}

static uint8_t *put_jump(uint8_t *to, uintptr_t target)
{
	static const uint8_t jump[] = { 0xff, 0x25, 0, 0, 0, 0 };	/* to the address after it */
	memcpy(to, jump, sizeof jump);
	memcpy(to + sizeof jump, &target, 8);
	return to + sizeof jump + 8;
}

/* Returns false if the code at the entry is of an unknown form. */
static bool write_stub(uint8_t *stub, struct detour *d)
{
	static const uint8_t load[] = { 0x49, 0xb9 };	/* mov the next 8 bytes to r9, the sixth argument */
	memcpy(stub, load, sizeof load);
	memcpy(stub + sizeof load, &d->context, 8);
	put_jump(stub + sizeof load + 8, (uintptr_t)d->hook);
	const uint8_t *code = (const uint8_t *)d->entry;
	size_t done = 0;
	uint8_t *to = stub + STUB_REAL;
	for (enum form last = PLAIN; done < DETOUR_BYTES;) {
		struct instruction i = read_instruction(code + done);
		if (i.form == UNKNOWN || last == JUMP || !(to = copy(to, code + done, i, d->entry)))
			return false;
		last = i.form;
		done += i.size;
	}
	put_jump(to, d->entry + done);
	*d->real = stub + STUB_REAL;
	return true;
}

/* Returns pages within reach of [start, end), or NULL. */
static uint8_t *pages_near(uintptr_t start, uintptr_t end, size_t size)
{
	for (uintptr_t away = 0; away < REACH; away += STEP)
		for (int above = 0; above < 2; above++) {
			uintptr_t wish = above ? ((end + PAGE - 1) & ~(PAGE - 1)) + away
					       : (start & ~(PAGE - 1)) - size - away;
			uintptr_t p = (uintptr_t)system_call(SYS_mmap, wish, size, PROT_READ | PROT_WRITE,
							     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p >= -PAGE)
				continue;
			if (is_near((int64_t)(p - end)) && is_near((int64_t)(p + size - start)))
				return (uint8_t *)p;
			system_call(SYS_munmap, p, size);
		}
	return NULL;
}

static bool are_within_words(const struct detour *d, size_t n, uintptr_t start, uintptr_t end)
{
	for (size_t i = 0; i < n; i++)
		if (d[i].entry % 8 + DETOUR_BYTES > 8 || d[i].entry < start || end - d[i].entry < LONGEST * 2)
			return false;
	return true;
}

static void put_detour(uintptr_t entry, uintptr_t stub)
{
	uint64_t *at = (uint64_t *)(entry & ~7ul), word = *at;
	int32_t distance = (int32_t)(stub - (entry + DETOUR_BYTES));
	uint8_t *bytes = (uint8_t *)&word + entry % 8;
	bytes[0] = 0xe9;
	memcpy(bytes + 1, &distance, 4);
	__atomic_store_n(at, word, __ATOMIC_RELEASE);
}

bool detours_make(struct detour *d, size_t n, uintptr_t start, uintptr_t end)
{
	size_t size = (n * STUB_BYTES + PAGE - 1) & ~(PAGE - 1);
	if (!n || !are_within_words(d, n, start, end))
		return false;
	uint8_t *stubs = pages_near(start, end, size);
	if (!stubs)
		return false;
	uintptr_t first = UINTPTR_MAX, last = 0;
	bool good = true;
	for (size_t i = 0; i < n && good; i++) {
		good = write_stub(stubs + i * STUB_BYTES, &d[i]);
		first = d[i].entry < first ? d[i].entry & ~(PAGE - 1) : first;
		last = d[i].entry > last ? d[i].entry | (PAGE - 1) : last;
	}
	size_t code = last + 1 - first;
	good = good && system_call(SYS_mprotect, stubs, size, PROT_READ | PROT_EXEC) == 0 &&
	       system_call(SYS_mprotect, first, code, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
	if (!good) {
		system_call(SYS_munmap, stubs, size);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		put_detour(d[i].entry, (uintptr_t)stubs + i * STUB_BYTES);
	system_call(SYS_mprotect, first, code, PROT_READ | PROT_EXEC);
	return true;
}

bool detour_is_at(uintptr_t entry)
{
	const uint8_t *code = (const uint8_t *)entry;
	int32_t distance;
	memcpy(&distance, code + 1, 4);
	const uint8_t *stub = code + DETOUR_BYTES + distance;
	return *code == 0xe9 && ((uintptr_t)stub & (STUB_BYTES - 1)) == 0;
}

#else

/* On other machines these functions are not hooked. */
bool detours_make(struct detour *d, size_t n, uintptr_t start, uintptr_t end)
{
	(void)d, (void)n, (void)start, (void)end;
	return false;
}

bool detour_is_at(uintptr_t entry)
{
	(void)entry;
	return false;
}

#endif
