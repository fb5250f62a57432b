/*
 * cfi.h - from a frame to its caller, by the unwind tables that every object brings along
 *
 * A frame is described by three registers: where it executes, its stack
 * pointer, its frame pointer. The tables (.eh_frame) tell for each instruction
 * where the caller's are. Rules once read are kept in a table of 64-bit words,
 * read and written whole, so no thread ever waits or sees half a rule.
 */
#ifndef CFI_H
#define CFI_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"

#if defined(__x86_64__)
#define CFI_CALL_BYTES 1u	/* how far before a return address something of the call surely lies */
#define CFI_ADDRESS_BITS 47
#define CFI_ALIGN_BITS 0
#elif defined(__aarch64__)
#define CFI_CALL_BYTES 4u
#define CFI_ADDRESS_BITS 48
#define CFI_ALIGN_BITS 2
#else
#error "no rules for this machine's frames"
#endif

struct cfi_frame {
	/* an address inside the call that is under way; after a signal: the instruction itself */
	uintptr_t pc;
	uintptr_t sp;		/* as it will be when the call returns */
	uintptr_t fp;		/* rbp, x29: the frame pointer register, whatever it is used for */
	uintptr_t ip_slot;	/* where pc's return address was read; 0: not in a slot of its own */
	uintptr_t fp_slot;	/* where fp was read; 0: it is the callee's */
};

#if defined(__x86_64__)
enum { CFI_REGISTERS = 17, CFI_FP = 6, CFI_SP = 7, CFI_RA = 16 };
#else
enum { CFI_REGISTERS = 33, CFI_FP = 29, CFI_SP = 31, CFI_RA = 30 };
#endif

/* Stack that may be read; and what a signal saved of other registers, for the one step that may ask for them. */
struct cfi_bounds {
	uintptr_t low, high;
	uint64_t known;			/* bit per register, 0: no signal was just passed */
	uintptr_t reg[CFI_REGISTERS];
};

enum cfi_step {
	CFI_END,	/* no caller, or none that can be found */
	CFI_CALLER,	/* f is the caller: what it is follows from the callee, *ip_slot and *fp_slot */
	CFI_COMPLEX,	/* f is the caller, and more was read to find it */
	CFI_SIGNAL,	/* f is what a signal interrupted, perhaps on another stack: *bounds are that one's.
			   The next step is to be made by cfi_step_slow() */
};

/* The bounds for a thread whose stack pointer is sp: to the end of its stack. */
static inline void cfi_stack(struct cfi_bounds *b, uintptr_t sp)
{
	extern void *__libc_stack_end;
	/*
	 * A thread's own block of the C library lies above its stack; the first thread's stack ends where the kernel
	 * put it.
	 */
	uintptr_t tcb = (uintptr_t)__builtin_thread_pointer(), end = (uintptr_t)__libc_stack_end + 8,
		  high = UINTPTR_MAX;
	if (tcb > sp)
		high = tcb;
	if (end > sp && end < high)
		high = end;
	b->low = sp;
	b->high = high == UINTPTR_MAX || high - sp < 16 ? sp + 16 : high & ~(uintptr_t)7;
	b->known = 0;
}

/* Forget all rules: code went away. Any thread. */
void cfi_flush(void);

/* The rule is not in the table, or cannot be kept in a word. */
COLD enum cfi_step cfi_step_slow(struct cfi_frame *f, struct cfi_bounds *bounds);

/*
 * A rule: the tag of its address (33 bits), how to find the caller's stack
 * pointer (3), its offset (18, signed), where the frame pointer is saved (9,
 * 0: nowhere), and whether the return address lies right under the caller's
 * stack pointer or beside the frame pointer (1). Offsets count 8 bytes.
 */
#define CFI_LOG2_RULES 14
extern uint64_t cfi_rules[1u << CFI_LOG2_RULES];

enum cfi_how { CFI_EMPTY, CFI_FROM_SP, CFI_FROM_FP, CFI_FROM_SLOT, CFI_OUTERMOST, CFI_INTERPRET };

#define CFI_TAG_BITS (47 - CFI_LOG2_RULES)
#define CFI_HOW(rule) ((enum cfi_how)((rule) >> 33 & 7))
#define CFI_OFFSET(rule) ((int64_t)((rule) << 10) >> 46)	/* bits 36 to 53 */
#define CFI_FP_SAVED(rule) ((rule) >> 54 & 511)
#define CFI_PAIR(rule) ((rule) >> 63)

/* 47 bits, one to one: what is not the index is the tag. */
static inline uint64_t cfi_hash(uintptr_t pc)
{
	return (pc >> CFI_ALIGN_BITS) * 0x9E3779B97F4A7C15u & ((1ull << 47) - 1);
}

static inline uint64_t *cfi_rule_place(uint64_t hash)
{
	return &cfi_rules[hash >> CFI_TAG_BITS];
}

#define CFI_TAG_MASK ((1ull << CFI_TAG_BITS) - 1)

static inline bool cfi_readable(const struct cfi_bounds *b, uintptr_t p)
{
	return LIKELY(p >= b->low && p <= b->high - 8 && (p & 7) == 0);
}

/*
 * The same, with the frame copied: a caller that hands this only addresses of
 * copies can keep its frame in registers, which halves the time of a step.
 */
static inline __attribute__((always_inline)) enum cfi_step cfi_step_copied(struct cfi_frame *f,
									   struct cfi_bounds *bounds)
{
	struct cfi_frame copy = *f;
	enum cfi_step step = cfi_step_slow(&copy, bounds);
	*f = copy;
	return step;
}

/* One frame outwards. Reads only within *bounds. f is undefined after CFI_END. */
static inline __attribute__((always_inline)) enum cfi_step cfi_step(struct cfi_frame *f, struct cfi_bounds *bounds)
{
	uint64_t hash = cfi_hash(f->pc), rule = __atomic_load_n(cfi_rule_place(hash), __ATOMIC_RELAXED);
	if (UNLIKELY((rule ^ hash) & CFI_TAG_MASK))
		return cfi_step_copied(f, bounds);
	uintptr_t cfa;
	switch (CFI_HOW(rule)) {
	case CFI_FROM_SP:
		cfa = f->sp + (uintptr_t)(CFI_OFFSET(rule) * 8);
		break;
	case CFI_FROM_FP:
		cfa = f->fp + (uintptr_t)(CFI_OFFSET(rule) * 8);
		break;
	case CFI_OUTERMOST:
		return CFI_END;
	default:	/* also an empty entry whose tag matches by accident */
		return cfi_step_copied(f, bounds);
	}
	uintptr_t slot = cfa - 8, fp_slot = cfa - CFI_FP_SAVED(rule) * 8;
	if (CFI_PAIR(rule))
		slot = fp_slot + 8;
	if (UNLIKELY(cfa <= f->sp || !cfi_readable(bounds, slot)))
		return CFI_END;
	if (CFI_FP_SAVED(rule)) {
		if (UNLIKELY(!cfi_readable(bounds, fp_slot)))
			return CFI_END;
		f->fp = *(volatile uintptr_t *)fp_slot;
		f->fp_slot = fp_slot;
	} else {
		f->fp_slot = 0;
	}
	uintptr_t ip = *(volatile uintptr_t *)slot;
	if (UNLIKELY(ip < 4096 || ip >> CFI_ADDRESS_BITS))
		return CFI_END;
	f->pc = ip - CFI_CALL_BYTES;
	f->ip_slot = slot;
	f->sp = cfa;
	return CFI_CALLER;
}

/* Is the rule for pc known to ask for the stack pointer alone? */
static inline bool cfi_is_by_sp(uintptr_t pc)
{
	uint64_t hash = cfi_hash(pc), rule = __atomic_load_n(cfi_rule_place(hash), __ATOMIC_RELAXED);
	return ((rule ^ hash) & CFI_TAG_MASK) == 0 && CFI_HOW(rule) == CFI_FROM_SP;
}

/*
 * A frame to begin with: on x86-64 the caller of the function that uses this
 * (which keeps a frame pointer then, so that two loads do), elsewhere itself.
 */
#if defined(__x86_64__)
#define CFI_BEGIN(f) \
	do { \
		uintptr_t *frame_ = __builtin_frame_address(0); \
		(f)->pc = frame_[1] - CFI_CALL_BYTES; \
		(f)->sp = (uintptr_t)(frame_ + 2); \
		(f)->fp = frame_[0]; \
		(f)->ip_slot = (uintptr_t)(frame_ + 1); \
		(f)->fp_slot = (uintptr_t)frame_; \
	} while (0)
#else
#define CFI_BEGIN(f) \
	do { \
		/* x30: the return address shall be on the stack by now, for no step asks for that register. */ \
		__asm__ volatile("adr %0, .\n\tmov %1, sp\n\tmov %2, x29" \
				 : "=&r"((f)->pc), "=&r"((f)->sp), "=&r"((f)->fp) : : "x30"); \
		(f)->ip_slot = (f)->fp_slot = 0; \
	} while (0)
#endif

#endif
