/*
 * cfi.h - steps from a frame to its caller by the unwind tables that every object contains
 *
 * A frame is described by three registers: instruction, stack and frame
 * pointer. For each instruction, the tables (.eh_frame) describe where to find
 * those of the caller. Rules that were read are cached in a table of 64-bit words,
 * which are loaded and stored whole, so no thread waits or sees half a rule.
 */
#ifndef CFI_H
#define CFI_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"
#include "libc.h"

#if defined(__x86_64__)
#define CFI_CALL_BYTES 1u	/* that far before a return address is certainly a byte of the call */
#define CFI_ADDRESS_BITS 47
#define CFI_ALIGN_BITS 0
#elif defined(__aarch64__)
#define CFI_CALL_BYTES 4u
#define CFI_ADDRESS_BITS 48
#define CFI_ALIGN_BITS 2
#else
#error "unwinding is not implemented for this machine"
#endif

struct cfi_frame {
	/* an address inside the call instruction; after a signal: the interrupted instruction */
	uintptr_t pc;
	uintptr_t sp;		/* its value after the call returns */
	uintptr_t fp;		/* rbp or x29: the frame pointer register, even if used for something else */
	uintptr_t ip_slot;	/* where pc's return address was read; 0: not read from a slot of its own */
	uintptr_t fp_slot;	/* where fp was read; 0: it is unchanged from the callee */
};

#if defined(__x86_64__)
enum { CFI_REGISTERS = 17, CFI_FP = 6, CFI_SP = 7, CFI_RA = 16 };
#else
enum { CFI_REGISTERS = 33, CFI_FP = 29, CFI_SP = 31, CFI_RA = 30 };
#endif

/* The part of the stack that may be read; and other registers that a signal saved, for the next step only. */
struct cfi_bounds {
	uintptr_t low, high;
	uint64_t known;			/* bit per register; 0: the last step did not pass a signal */
	uintptr_t reg[CFI_REGISTERS];
};

enum cfi_step {
	CFI_END,	/* there is no caller, or it cannot be found */
	CFI_CALLER,	/* f is the caller; it is determined by the callee, *ip_slot and *fp_slot */
	CFI_COMPLEX,	/* f is the caller; finding it took more reads */
	CFI_SIGNAL,	/* f was interrupted by a signal, perhaps on another stack, to which *bounds now apply.
			   Make the next step with cfi_step_slow() */
};

/* Sets the bounds for a thread whose stack pointer is sp: up to the end of its stack. */
static inline void cfi_stack(struct cfi_bounds *b, uintptr_t sp)
{
	/*
	 * The C library's thread control block is above a thread's stack; the first thread's stack ends where the
	 * kernel put it.
	 */
	uintptr_t tcb = (uintptr_t)__builtin_thread_pointer(), end = libc_stack_end,
		  high = UINTPTR_MAX;
	if (tcb > sp)
		high = tcb;
	if (end > sp && end < high)
		high = end;
	b->low = sp;
	b->high = high == UINTPTR_MAX || high - sp < 16 ? sp + 16 : high & ~(uintptr_t)7;
	b->known = 0;
}

/* Discards all rules, because code was unloaded. Thread-safe. */
void cfi_flush(void);

/* For rules that are not in the table, or do not fit in a word. */
COLD enum cfi_step cfi_step_slow(struct cfi_frame *f, struct cfi_bounds *bounds);

/*
 * A rule: the tag of its address (33 bits), how to find the caller's stack
 * pointer (3), its offset (18, signed), where the frame pointer is saved (9,
 * 0: nowhere), and whether the return address is next to the saved frame pointer
 * instead of directly below the caller's stack pointer (1). Offsets count words of 8 bytes.
 */
#define CFI_LOG2_RULES 14
extern uint64_t cfi_rules[1u << CFI_LOG2_RULES];

enum cfi_how { CFI_EMPTY, CFI_FROM_SP, CFI_FROM_FP, CFI_FROM_SLOT, CFI_OUTERMOST, CFI_INTERPRET };

#define CFI_TAG_BITS (47 - CFI_LOG2_RULES)
#define CFI_HOW(rule) ((enum cfi_how)((rule) >> 33 & 7))
#define CFI_OFFSET(rule) ((int64_t)((rule) << 10) >> 46)	/* bits 36 to 53 */
#define CFI_FP_SAVED(rule) ((rule) >> 54 & 511)
#define CFI_PAIR(rule) ((rule) >> 63)

/* A bijection of 47 bits: the upper bits are the index, the rest is the tag. */
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
 * The same on a copy of the frame: if a caller passes only addresses of
 * copies, it can keep its own frame in registers, which halves the time of a step.
 */
static inline __attribute__((always_inline)) enum cfi_step cfi_step_copied(struct cfi_frame *f,
									   struct cfi_bounds *bounds)
{
	struct cfi_frame copy = *f;
	enum cfi_step step = cfi_step_slow(&copy, bounds);
	*f = copy;
	return step;
}

/* Steps one frame outwards. Reads only within *bounds. f is undefined after CFI_END. */
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
	default:	/* including an empty entry whose tag happens to match */
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

/* Returns whether the rule for pc is cached and depends only on the stack pointer. */
static inline bool cfi_is_by_sp(uintptr_t pc)
{
	uint64_t hash = cfi_hash(pc), rule = __atomic_load_n(cfi_rule_place(hash), __ATOMIC_RELAXED);
	return ((rule ^ hash) & CFI_TAG_MASK) == 0 && CFI_HOW(rule) == CFI_FROM_SP;
}

/*
 * Stores the frame to start from: on x86-64 the caller of the function that uses this
 * (which then has a frame pointer, so that two loads suffice), elsewhere that function itself.
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
		/* x30 is clobbered so that the return address is on the stack, as no step reads that register. */ \
		__asm__ volatile("adr %0, .\n\tmov %1, sp\n\tmov %2, x29" \
				 : "=&r"((f)->pc), "=&r"((f)->sp), "=&r"((f)->fp) : : "x30"); \
		(f)->ip_slot = (f)->fp_slot = 0; \
	} while (0)
#endif

#endif
