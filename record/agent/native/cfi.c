/*
 * cfi.c - reads unwind tables
 *
 * An object's .eh_frame_hdr is a sorted table of functions. Its entry refers to
 * a function's description (FDE), which shares a part with others (CIE). Both contain
 * short programs that define, for each instruction, how to find the caller's
 * registers. Normally only the frame pointer and the return address are
 * needed, but the step after a signal may need any register.
 *
 * Source: DWARF 5, 6.4 (call frame information) and 2.5 (expressions);
 *         Linux Standard Base Core 5.0, 10.6 (.eh_frame, .eh_frame_hdr);
 *         DWARF for the Arm 64-bit Architecture (return address signing).
 */
#include "cfi.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "loaded.h"

#define DEEPEST_REMEMBER 8
#define DEEPEST_EXPRESSION 16
#define MOST_OPERATIONS 512	/* per expression; reaching it means a loop */

uint64_t cfi_rules[1u << CFI_LOG2_RULES] __attribute__((aligned(64)));

/* ---------------------------------------------------------------- reading values */

struct cursor { const uint8_t *p, *end; };

static uint64_t take_bytes(struct cursor *c, unsigned n)
{
	uint64_t v = 0;
	if ((size_t)(c->end - c->p) < n) {
		c->p = c->end;
		return 0;
	}
	memcpy(&v, c->p, n);
	c->p += n;
	return v;
}

static uint64_t take_uleb(struct cursor *c)
{
	uint64_t v = 0;
	for (unsigned shift = 0; c->p < c->end; shift += 7) {
		uint8_t b = *c->p++;
		if (shift < 64)
			v |= (uint64_t)(b & 127) << shift;
		if (!(b & 128))
			break;
	}
	return v;
}

static int64_t take_sleb(struct cursor *c)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t b = 0;
	while (c->p < c->end) {
		b = *c->p++;
		if (shift < 64)
			v |= (uint64_t)(b & 127) << shift;
		shift += 7;
		if (!(b & 128))
			break;
	}
	if (shift < 64 && (b & 64))
		v |= ~0ull << shift;
	return (int64_t)v;
}

/* Reads a pointer encoded as `encoding` (DW_EH_PE_…). Indirection is ignored: no address of a function is indirect. */
static uintptr_t take_pointer(struct cursor *c, uint8_t encoding, uintptr_t data)
{
	uintptr_t here = (uintptr_t)c->p, v;
	if (encoding == 0xff)
		return 0;
	switch (encoding & 15) {
	case 1: v = take_uleb(c); break;
	case 2: v = take_bytes(c, 2); break;
	case 3: v = take_bytes(c, 4); break;
	case 9: v = (uintptr_t)take_sleb(c); break;
	case 10: v = (uintptr_t)(int64_t)(int16_t)take_bytes(c, 2); break;
	case 11: v = (uintptr_t)(int64_t)(int32_t)take_bytes(c, 4); break;
	default: v = take_bytes(c, 8); break;
	}
	if (v == 0)
		return 0;
	if ((encoding & 0x70) == 0x10)
		v += here;
	else if ((encoding & 0x70) == 0x30)
		v += data;
	return v;
}

/* ---------------------------------------------------------------- finding a function's description */

struct description {
	uintptr_t start, end;		/* of the function */
	struct cursor common, own;	/* the two programs */
	uint64_t code_unit;
	uint64_t data_unit;		/* a signed number, with which is calculated as it wraps */
	unsigned return_register;
	uint8_t encoding;
	bool signal;
};

/* Reads the CIE, the part that the functions of a source file share. */
static bool read_common(struct description *d, const uint8_t *cie, bool *augmented)
{
	uint32_t size;
	memcpy(&size, cie, 4);
	struct cursor c = { cie + 8, cie + 4 + size };
	unsigned version = (unsigned)take_bytes(&c, 1);
	const char *letters = (const char *)c.p;
	c.p += strnlen(letters, (size_t)(c.end - c.p)) + 1;
	if ((version != 1 && version != 3) || c.p > c.end)
		return false;
	d->code_unit = take_uleb(&c);
	d->data_unit = (uint64_t)take_sleb(&c);
	d->return_register = (unsigned)(version == 1 ? take_bytes(&c, 1) : take_uleb(&c));
	d->encoding = 0;
	d->signal = false;
	*augmented = *letters == 'z';
	if (*augmented) {
		size_t n = take_uleb(&c);
		if (n > (size_t)(c.end - c.p))
			return false;
		struct cursor a = { c.p, c.p + n };
		c.p += n;
		for (const char *l = letters + 1; *l; l++)
			if (*l == 'R')
				d->encoding = (uint8_t)take_bytes(&a, 1);
			else if (*l == 'L')
				take_bytes(&a, 1);
			else if (*l == 'P') {
				uint8_t encoding = (uint8_t)take_bytes(&a, 1);
				take_pointer(&a, encoding, 0);
			} else if (*l == 'S')
				d->signal = true;
	}
	d->common = c;
	return true;
}

/* Searches an object's table: pairs of function and FDE, both relative to the table, sorted by function. */
static const uint8_t *find_fde(const uint8_t *header, uintptr_t pc)
{
	if (header[0] != 1 || header[3] != 0x3b)
		return NULL;
	struct cursor c = { header + 4, header + 64 };
	take_pointer(&c, header[1], (uintptr_t)header);
	uint64_t n = take_pointer(&c, header[2], (uintptr_t)header), low = 0, high = n;
	const struct { int32_t function, fde; } *table = (const void *)c.p;
	int64_t at = (int64_t)(pc - (uintptr_t)header);
	while (low < high) {
		uint64_t middle = (low + high) / 2;
		if (table[middle].function <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? header + table[low - 1].fde : NULL;
}

static bool describe(struct description *d, uintptr_t pc)
{
	struct loaded object;
	if (!loaded_at(pc, &object) || !object.unwind_table)
		return false;
	const uint8_t *fde = find_fde(object.unwind_table, pc);
	uint32_t size, back;
	if (!fde)
		return false;
	memcpy(&size, fde, 4);
	memcpy(&back, fde + 4, 4);
	bool augmented;
	if (size == 0xffffffff || back == 0 || !read_common(d, fde + 4 - back, &augmented))
		return false;
	struct cursor c = { fde + 8, fde + 4 + size };
	d->start = take_pointer(&c, d->encoding, 0);
	d->end = d->start + take_pointer(&c, d->encoding & 15, 0);
	if (augmented) {
		size_t n = take_uleb(&c);
		if (n > (size_t)(c.end - c.p))
			return false;
		c.p += n;
	}
	d->own = c;
	return pc >= d->start && pc < d->end;
}

/* ---------------------------------------------------------------- a row: the rules at one instruction */

enum saved { SAME, UNDEFINED, AT_OFFSET, IS_OFFSET, AT_EXPRESSION, IS_EXPRESSION, IN_REGISTER };

struct register_rule {
	uint8_t saved;			/* enum saved */
	int64_t offset;			/* from the caller's stack pointer; or a register */
	struct cursor expression;
};

struct unwind_row {
	bool by_expression;		/* the caller's stack pointer (CFA) is given by `expression` */
	unsigned base;			/* register, if not by_expression */
	int64_t offset;
	struct cursor expression;
	bool signed_ra;			/* aarch64: the return address carries a signature */
	struct register_rule reg[CFI_REGISTERS];
};

struct program {
	const struct description *d;
	struct unwind_row *row;
	struct unwind_row initial, kept[DEEPEST_REMEMBER];
	unsigned n_kept;
	uintptr_t at;
};

static struct cursor take_block(struct cursor *c)
{
	size_t n = take_uleb(c);
	if (n > (size_t)(c->end - c->p))
		n = (size_t)(c->end - c->p);
	struct cursor block = { c->p, c->p + n };
	c->p += n;
	return block;
}

static void save_at(struct unwind_row *r, uint64_t reg, uint8_t saved, int64_t offset)
{
	if (reg < CFI_REGISTERS)
		r->reg[reg] = (struct register_rule){ .saved = saved, .offset = offset };
}

static void save_by(struct unwind_row *r, uint64_t reg, uint8_t saved, struct cursor expression)
{
	if (reg < CFI_REGISTERS)
		r->reg[reg] = (struct register_rule){ .saved = saved, .expression = expression };
}

static void define_base(struct unwind_row *r, uint64_t reg)
{
	r->base = reg < CFI_REGISTERS ? (unsigned)reg : CFI_REGISTERS;
	r->by_expression = false;
}

/* Runs one instruction that has no operand in its own byte. Returns false if it is unknown. */
static bool run_instruction(struct program *p, struct cursor *c, uint8_t op)
{
	struct unwind_row *r = p->row;
	uint64_t unit = p->d->data_unit;
	uint64_t reg;
	switch (op) {
	case 0x00: break;							/* nop */
	case 0x01: p->at = take_pointer(c, p->d->encoding, 0); break;		/* set_loc */
	case 0x02: p->at += take_bytes(c, 1) * p->d->code_unit; break;		/* advance_loc1, 2, 4 */
	case 0x03: p->at += take_bytes(c, 2) * p->d->code_unit; break;
	case 0x04: p->at += take_bytes(c, 4) * p->d->code_unit; break;
	case 0x05:								/* offset_extended */
		reg = take_uleb(c);
		save_at(r, reg, AT_OFFSET, (int64_t)(take_uleb(c) * unit));
		break;
	case 0x06:								/* restore_extended */
		reg = take_uleb(c);
		if (reg < CFI_REGISTERS)
			r->reg[reg] = p->initial.reg[reg];
		break;
	case 0x07: save_at(r, take_uleb(c), UNDEFINED, 0); break;
	case 0x08: save_at(r, take_uleb(c), SAME, 0); break;
	case 0x09:								/* register */
		reg = take_uleb(c);
		save_at(r, reg, IN_REGISTER, (int64_t)take_uleb(c));
		break;
	case 0x0a:								/* remember_state */
		if (p->n_kept == DEEPEST_REMEMBER)
			return false;
		p->kept[p->n_kept++] = *r;
		break;
	case 0x0b:								/* restore_state */
		if (p->n_kept == 0)
			return false;
		*r = p->kept[--p->n_kept];
		break;
	case 0x0c: define_base(r, take_uleb(c)); r->offset = (int64_t)take_uleb(c); break;	/* def_cfa */
	case 0x0d: define_base(r, take_uleb(c)); break;				/* def_cfa_register */
	case 0x0e: r->offset = (int64_t)take_uleb(c); break;			/* def_cfa_offset */
	case 0x0f: r->by_expression = true; r->expression = take_block(c); break;
	case 0x10: reg = take_uleb(c); save_by(r, reg, AT_EXPRESSION, take_block(c)); break;
	case 0x11: reg = take_uleb(c); save_at(r, reg, AT_OFFSET, (int64_t)((uint64_t)take_sleb(c) * unit)); break;
	case 0x12: define_base(r, take_uleb(c)); r->offset = (int64_t)((uint64_t)take_sleb(c) * unit); break;
	case 0x13: r->offset = (int64_t)((uint64_t)take_sleb(c) * unit); break;
	case 0x14: reg = take_uleb(c); save_at(r, reg, IS_OFFSET, (int64_t)(take_uleb(c) * unit)); break;
	case 0x15: reg = take_uleb(c); save_at(r, reg, IS_OFFSET, (int64_t)((uint64_t)take_sleb(c) * unit)); break;
	case 0x16: reg = take_uleb(c); save_by(r, reg, IS_EXPRESSION, take_block(c)); break;
	case 0x2d: r->signed_ra = !r->signed_ra; break;				/* AARCH64_negate_ra_state */
	case 0x2e: take_uleb(c); break;						/* GNU_args_size */
	case 0x2f: reg = take_uleb(c); save_at(r, reg, AT_OFFSET, (int64_t)-(take_uleb(c) * unit)); break;
	default: return false;
	}
	return true;
}

/* Runs a program up to the instruction at pc. */
static bool run(struct program *p, struct cursor c, uintptr_t pc)
{
	while (c.p < c.end) {
		uint8_t op = *c.p++, low = op & 63;
		switch (op >> 6) {
		case 1: p->at += low * p->d->code_unit; break;
		case 2: save_at(p->row, low, AT_OFFSET, (int64_t)(take_uleb(&c) * p->d->data_unit)); break;
		case 3:
			if (low < CFI_REGISTERS)
				p->row->reg[low] = p->initial.reg[low];
			break;
		default:
			if (!run_instruction(p, &c, op))
				return false;
		}
		if (p->at > pc)
			break;
	}
	return true;
}

/* Finds the row for pc. A separate function, as the programs' state is large and callers seldom need it. */
static __attribute__((noinline)) bool find_row(struct unwind_row *r, uintptr_t pc, struct description *d)
{
	struct program p;
	if (!describe(d, pc))
		return false;
	memset(r, 0, sizeof *r);
	p.d = d;
	p.row = r;
	p.n_kept = 0;
	p.at = 0;
	memset(&p.initial, 0, sizeof p.initial);
	if (!run(&p, d->common, UINTPTR_MAX))
		return false;
	p.initial = *r;
	p.at = d->start;
	return run(&p, d->own, pc);
}

/* ---------------------------------------------------------------- rules that fit in a word */

/* Recognises the value at frame pointer + offset: functions that align their stack keep the CFA there (gcc: DRAP). */
static bool is_fp_slot(struct cursor e, int64_t *offset)
{
	if (e.p == e.end || *e.p++ != 0x70 + CFI_FP)
		return false;
	*offset = take_sleb(&e);
	return e.end - e.p == 1 && *e.p == 0x06;
}

static uint64_t pack(uint64_t tag, enum cfi_how how, int64_t offset, int64_t fp_saved, bool pair)
{
	return tag | (uint64_t)how << 33 | ((uint64_t)offset & 0x3ffff) << 36 | (uint64_t)fp_saved << 54 |
	       (uint64_t)pair << 63;
}

/* Stores how many words below the CFA the frame pointer is saved (0: it is not, to 511). False: not that simple. */
static bool simple_fp(const struct register_rule *fp, int64_t *words)
{
	*words = 0;
	if (fp->saved == SAME)
		return true;
	*words = -fp->offset / 8;
	return fp->saved == AT_OFFSET && fp->offset % 8 == 0 && *words >= 1 && *words <= 511;
}

static uint64_t pack_row(uint64_t tag, const struct unwind_row *r, const struct description *d)
{
	const struct register_rule *ra = &r->reg[CFI_RA], *fp = &r->reg[CFI_FP];
	int64_t fp_words, offset = r->offset;
	enum cfi_how how = r->base == CFI_SP ? CFI_FROM_SP : CFI_FROM_FP;
	if (ra->saved == UNDEFINED)
		return pack(tag, CFI_OUTERMOST, 0, 0, false);
	if (r->by_expression && is_fp_slot(r->expression, &offset))
		how = CFI_FROM_SLOT;
	else if (r->by_expression || (r->base != CFI_SP && r->base != CFI_FP))
		how = CFI_INTERPRET;
	bool pair = ra->offset != -8;
	bool simple = !d->signal && how != CFI_INTERPRET && d->return_register == CFI_RA && ra->saved == AT_OFFSET &&
		      simple_fp(fp, &fp_words) && offset % 8 == 0 && offset / 8 >= -(1 << 17) && offset / 8 < 1 << 17 &&
		      (!pair || (fp->saved == AT_OFFSET && ra->offset == fp->offset + 8)) && !r->signed_ra;
	return simple ? pack(tag, how, offset / 8, fp_words, pair) : pack(tag, CFI_INTERPRET, 0, 0, false);
}

void cfi_flush(void)
{
	for (size_t i = 0; i < sizeof cfi_rules / sizeof *cfi_rules; i++)
		__atomic_store_n(&cfi_rules[i], 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* ---------------------------------------------------------------- expressions */

struct machine {
	uintptr_t reg[CFI_REGISTERS];
	uint64_t known;			/* bit per register */
	const struct cfi_bounds *bounds;
	bool failed;
};

static uintptr_t register_value(struct machine *m, uint64_t reg)
{
	if (reg < CFI_REGISTERS && m->known >> reg & 1)
		return m->reg[reg];
	m->failed = true;
	return 0;
}

static uintptr_t read_word(struct machine *m, uintptr_t p)
{
	if (cfi_readable(m->bounds, p))
		return *(volatile uintptr_t *)p;
	m->failed = true;
	return 0;
}

/* Applies an operation to the two topmost values. Returns false if op is not one. */
static bool binary(uint8_t op, uintptr_t a, uintptr_t b, uintptr_t *result)
{
	intptr_t x = (intptr_t)a, y = (intptr_t)b;
	switch (op) {
	case 0x1a: *result = a & b; break;
	case 0x1c: *result = a - b; break;
	case 0x1e: *result = a * b; break;
	case 0x21: *result = a | b; break;
	case 0x22: *result = a + b; break;
	case 0x24: *result = b < 64 ? a << b : 0; break;
	case 0x25: *result = b < 64 ? a >> b : 0; break;
	case 0x26: *result = (uintptr_t)(x >> (b < 64 ? b : 63)); break;
	case 0x27: *result = a ^ b; break;
	case 0x29: *result = x == y; break;
	case 0x2a: *result = x >= y; break;
	case 0x2b: *result = x > y; break;
	case 0x2c: *result = x <= y; break;
	case 0x2d: *result = x < y; break;
	case 0x2e: *result = x != y; break;
	default: return false;
	}
	return true;
}

/* Decodes an operation that pushes a constant. Returns false if op is not one. */
static bool constant(uint8_t op, struct cursor *e, uintptr_t *value)
{
	switch (op) {
	case 0x08: *value = take_bytes(e, 1); break;
	case 0x09: *value = (uintptr_t)(int64_t)(int8_t)take_bytes(e, 1); break;
	case 0x0a: *value = take_bytes(e, 2); break;
	case 0x0b: *value = (uintptr_t)(int64_t)(int16_t)take_bytes(e, 2); break;
	case 0x0c: *value = take_bytes(e, 4); break;
	case 0x0d: *value = (uintptr_t)(int64_t)(int32_t)take_bytes(e, 4); break;
	case 0x0e: case 0x0f: *value = take_bytes(e, 8); break;
	case 0x10: *value = take_uleb(e); break;
	case 0x11: *value = (uintptr_t)take_sleb(e); break;
	default:
		*value = op - 0x30u;	/* lit0 to lit31 */
		return op >= 0x30 && op < 0x50;
	}
	return true;
}

/* Evaluates an expression, starting with `cfa` on the stack if `has_cfa`. Sets m->failed if it cannot. */
static uintptr_t evaluate(struct machine *m, struct cursor e, bool has_cfa, uintptr_t cfa)
{
	uintptr_t s[DEEPEST_EXPRESSION + 2] = { 0 };	/* two more at the bottom, so two can always be read */
	unsigned n = 2;
	const uint8_t *start = e.p;
	if (has_cfa)
		s[n++] = cfa;
	for (int operations = 0; e.p < e.end; operations++) {
		uint8_t op = *e.p++;
		if (n < 2 || n == DEEPEST_EXPRESSION + 2 || operations == MOST_OPERATIONS) {
			m->failed = true;
			break;
		}
		uintptr_t v;
		if (constant(op, &e, &v)) {
			s[n++] = v;
		} else if (op >= 0x70 && op < 0x90) {			/* breg */
			s[n++] = register_value(m, op - 0x70u) + (uintptr_t)take_sleb(&e);
		} else if (op == 0x92) {				/* bregx */
			uint64_t reg = take_uleb(&e);
			s[n++] = register_value(m, reg) + (uintptr_t)take_sleb(&e);
		} else if (binary(op, s[n - 2], s[n - 1], &v)) {
			s[--n - 1] = v;
		} else if (op == 0x28 || op == 0x2f) {			/* bra, skip */
			int16_t by = (int16_t)take_bytes(&e, 2);
			if (op == 0x2f || s[--n] != 0)
				e.p += by;
			if (e.p < start || e.p > e.end)
				m->failed = true;
		} else {
			switch (op) {
			case 0x06: s[n - 1] = read_word(m, s[n - 1]); break;
			case 0x12: s[n] = s[n - 1]; n++; break;		/* dup */
			case 0x13: n--; break;				/* drop */
			case 0x14: s[n] = s[n - 2]; n++; break;		/* over */
			case 0x16: v = s[n - 1]; s[n - 1] = s[n - 2]; s[n - 2] = v; break;
			case 0x1f: s[n - 1] = 0 - s[n - 1]; break;
			case 0x20: s[n - 1] = ~s[n - 1]; break;
			case 0x23: s[n - 1] += take_uleb(&e); break;	/* plus_uconst */
			case 0x96: break;				/* nop */
			default: m->failed = true;
			}
		}
		if (m->failed)
			break;
	}
	if (n < 3)
		m->failed = true;
	return m->failed ? 0 : s[n - 1];
}

/* ---------------------------------------------------------------- a step by a row */

/* Returns the caller's value of a register. *slot: the address it was read from, or 0. */
static uintptr_t restore(struct machine *m, const struct unwind_row *r, unsigned reg, uintptr_t cfa, uintptr_t *slot)
{
	const struct register_rule *p = &r->reg[reg];
	uintptr_t at;
	*slot = 0;
	switch (p->saved) {
	case SAME: return register_value(m, reg);
	case IS_OFFSET: return cfa + (uintptr_t)p->offset;
	case IS_EXPRESSION: return evaluate(m, p->expression, true, cfa);
	case IN_REGISTER: return register_value(m, (uint64_t)p->offset);
	case UNDEFINED: m->failed = true; return 0;
	case AT_OFFSET: at = cfa + (uintptr_t)p->offset; break;
	default: at = evaluate(m, p->expression, true, cfa); break;
	}
	*slot = at;
	return read_word(m, at);
}

/* Keeps the registers that a signal frame saved, besides the three that every step restores. */
static void keep_interrupted(struct cfi_bounds *b, const struct machine *m, const struct unwind_row *r, uintptr_t cfa)
{
	struct machine from = *m;
	for (unsigned i = 0; i < CFI_REGISTERS; i++) {
		uintptr_t slot;
		if (r->reg[i].saved == SAME || r->reg[i].saved == UNDEFINED)
			continue;
		from.failed = false;
		b->reg[i] = restore(&from, r, i, cfa, &slot);
		if (!from.failed)
			b->known |= 1ull << i;
	}
}

static void set_register(struct machine *m, unsigned reg, uintptr_t value)
{
	m->reg[reg] = value;
	m->known |= 1ull << reg;
}

static enum cfi_step step_by_row(struct cfi_frame *f, struct cfi_bounds *bounds, const struct unwind_row *r,
				 const struct description *d)
{
	bool exact = bounds->known != 0;		/* pc is the interrupted instruction, not a return address */
	struct machine m = { .bounds = bounds, .known = bounds->known };
	if (exact)
		memcpy(m.reg, bounds->reg, sizeof m.reg);
	bounds->known = 0;
	set_register(&m, CFI_SP, f->sp);
	set_register(&m, CFI_FP, f->fp);
#if defined(__x86_64__)
	set_register(&m, CFI_RA, exact ? f->pc : f->pc + CFI_CALL_BYTES);
#endif
	uintptr_t cfa, sp, ip_slot, fp_slot, sp_slot;
	cfa = r->by_expression ? evaluate(&m, r->expression, false, 0)
			       : register_value(&m, r->base) + (uintptr_t)r->offset;
	if (m.failed || d->return_register >= CFI_REGISTERS || r->reg[d->return_register].saved == UNDEFINED ||
	    (!d->signal && cfa < f->sp + (exact ? 0 : 1)))
		return CFI_END;
	uintptr_t ip = restore(&m, r, d->return_register, cfa, &ip_slot), fp = restore(&m, r, CFI_FP, cfa, &fp_slot);
	sp = r->reg[CFI_SP].saved == SAME ? cfa : restore(&m, r, CFI_SP, cfa, &sp_slot);
	if (r->signed_ra)
		ip &= (1ull << 48) - 1;
	if (m.failed || ip < 4096 || ip >> CFI_ADDRESS_BITS)
		return CFI_END;
	*f = (struct cfi_frame){ d->signal ? ip : ip - CFI_CALL_BYTES, sp, fp, ip_slot, fp_slot };
	if (!d->signal)
		return CFI_COMPLEX;
	struct cfi_bounds old = *bounds;
	cfi_stack(bounds, sp);
	m.bounds = &old;
	keep_interrupted(bounds, &m, r, cfa);
	return CFI_SIGNAL;
}

/* The caller's stack pointer is stored at an offset from the frame pointer; frequent in vector code. */
static enum cfi_step step_from_slot(struct cfi_frame *f, const struct cfi_bounds *bounds, uint64_t rule)
{
	uintptr_t at = f->fp + (uintptr_t)(CFI_OFFSET(rule) * 8), saved = CFI_FP_SAVED(rule) * 8;
	if (!cfi_readable(bounds, at))
		return CFI_END;
	uintptr_t cfa = *(volatile uintptr_t *)at, fp_slot = cfa - saved,
		  ip_slot = CFI_PAIR(rule) ? fp_slot + 8 : cfa - 8;
	if (cfa <= f->sp || !cfi_readable(bounds, ip_slot) || (saved && !cfi_readable(bounds, fp_slot)))
		return CFI_END;
	uintptr_t ip = *(volatile uintptr_t *)ip_slot, fp = saved ? *(volatile uintptr_t *)fp_slot : f->fp;
	if (ip < 4096 || ip >> CFI_ADDRESS_BITS)
		return CFI_END;
	*f = (struct cfi_frame){ ip - CFI_CALL_BYTES, cfa, fp, ip_slot, saved ? fp_slot : 0 };
	return CFI_COMPLEX;
}

/*
 * The code that a signal handler returns to has no description on some systems, or
 * one that skips the interrupted function. On aarch64 it is recognised by its
 * instructions, as in libgcc: "mov x8, 139; svc 0". The kernel's
 * frame, a siginfo_t and a ucontext_t, is then at the stack pointer.
 */
#if defined(__aarch64__)
static bool is_signal_return(uintptr_t pc)
{
	const uint32_t *code = (const uint32_t *)(pc + CFI_CALL_BYTES);
	return ((uintptr_t)code & 4095) <= 4096 - 8 && code[0] == 0xd2801168 && code[1] == 0xd4000001;
}

static enum cfi_step step_from_signal(struct cfi_frame *f, struct cfi_bounds *bounds)
{
	const ucontext_t *u = (const void *)(f->sp + sizeof(siginfo_t));
	if (!cfi_readable(bounds, (uintptr_t)u) || !cfi_readable(bounds, (uintptr_t)(&u->uc_mcontext.pc + 1)))
		return CFI_END;
	*f = (struct cfi_frame){ u->uc_mcontext.pc, u->uc_mcontext.sp, u->uc_mcontext.regs[CFI_FP], 0, 0 };
	cfi_stack(bounds, f->sp);
	memcpy(bounds->reg, u->uc_mcontext.regs, CFI_SP * sizeof *bounds->reg);
	bounds->known = (1ull << CFI_SP) - 1;
	return CFI_SIGNAL;
}
#else
static bool is_signal_return(uintptr_t pc)
{
	(void)pc;
	return false;
}

static enum cfi_step step_from_signal(struct cfi_frame *f, struct cfi_bounds *bounds)
{
	(void)f, (void)bounds;
	return CFI_END;
}
#endif

COLD enum cfi_step cfi_step_slow(struct cfi_frame *f, struct cfi_bounds *bounds)
{
	struct description d;
	struct unwind_row r;
	uint64_t hash = cfi_hash(f->pc), tag = hash & CFI_TAG_MASK, *place = cfi_rule_place(hash);
	uint64_t rule = __atomic_load_n(place, __ATOMIC_RELAXED);
	if ((rule ^ hash) & CFI_TAG_MASK)
		rule = 0;
	if (CFI_HOW(rule) == CFI_FROM_SLOT && bounds->known == 0)
		return step_from_slot(f, bounds, rule);
	if (bounds->known == 0 && is_signal_return(f->pc)) {
		__atomic_store_n(place, pack(tag, CFI_INTERPRET, 0, 0, false), __ATOMIC_RELAXED);
		return step_from_signal(f, bounds);
	}
	bool found = find_row(&r, f->pc, &d);
	if (CFI_HOW(rule) == CFI_EMPTY) {
		rule = found ? pack_row(tag, &r, &d) : pack(tag, CFI_OUTERMOST, 0, 0, false);
		__atomic_store_n(place, rule, __ATOMIC_RELAXED);
		if (found && bounds->known == 0 && CFI_HOW(rule) != CFI_INTERPRET)
			return CFI_HOW(rule) == CFI_FROM_SLOT ? step_from_slot(f, bounds, rule) : cfi_step(f, bounds);
	}
	return found ? step_by_row(f, bounds, &r, &d) : CFI_END;
}
