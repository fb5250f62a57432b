/*
 * proofs.h - what allows a walk to stop before the oldest frame
 *
 * If a frame is the same activation as in the last walk, and has not moved
 * since, all older frames are unchanged too. All proofs are off while a debugger
 * is active, as it may move an older frame to another line.
 *
 *   the mark     (3.8 to 3.10, from 3.14.5) a byte of the frame that each
 *                activation resets and no code reads. If it is still set, it is the same
 *                activation. Not for generators, whose frames move.
 *   the operand  (3.11 to 3.13) a frame that called another in the same loop of
 *                the interpreter has popped the call's operands from its value
 *                stack. Their lowest slot is dead until the call
 *                returns, and no new call from that instruction can begin before a
 *                new operand is stored there, since the call reads it. If a stamp in
 *                that slot is still there, and the frame is at that instruction, it is
 *                the same call.
 *   the anchor   (3.11 to 3.14.4) frames are in chunks; a chunk is released when
 *                its first frame ends. If a stamp in the last word of a chunk, which
 *                no frame uses, is still there, execution never left the chunk below
 *                it, so that one's first frame is the same activation.
 *
 * Source in CPython:
 *   the mark     f_trace_lines, which _PyFrame_New_NoTrack() sets (Objects/frameobject.c, to 3.10);
 *                `visited`, which _PyFrame_Initialize() clears (pycore_interpframe.h, from 3.14).
 *   the operand  the instructions that enter a Python function without a C call: CALL_PY_EXACT_ARGS,
 *                CALL_PY_WITH_DEFAULTS, CALL and CALL_FUNCTION_EX through _PyEvalFramePushAndInit(),
 *                CALL_ALLOC_AND_ENTER_INIT, BINARY_SUBSCR_GETITEM, LOAD_ATTR_PROPERTY,
 *                LOAD_ATTR_GETATTRIBUTE_OVERRIDDEN (Python/ceval.c in 3.11, Python/bytecodes.c later); each stores the
 *                lowered stack pointer by _PyFrame_SetStackPointer() before DISPATCH_INLINED. A generator
 *                entered by SEND_GEN or FOR_ITER_GEN pops no operand, and gives no proof.
 *   the anchor   _PyThreadState_PushFrame(), push_chunk() and _PyThreadState_PopFrame() (Python/pystate.c).
 *   debuggers    frame_setlineno() (Objects/frameobject.c).
 */
#ifndef PROOFS_H
#define PROOFS_H

#include "agent.h"
#include "lastwalk.h"
#include "pylayout.h"
#include "pystack.h"

#define INLINE static inline __attribute__((always_inline))

/* ---------------------------------------------------------------- the mark */

/* Returns the byte's value in a new activation: up to 3.10 of f_trace_lines (True), later of `visited`. */
INLINE uint8_t mark_unset(const struct py_layout *o)
{
	return (uint8_t)o->mark_fresh;
}

INLINE bool frame_stays(const struct py_layout *o, uintptr_t f)
{
	return o->f_gen >= 0 ? LOAD(f, o->f_gen) == 0 : LOAD_BYTE(f, o->f_owner) == 0;
}

/* Each thread has its own mark, as threads of a program may share a PyThreadState by turns. */
INLINE bool is_marked(const struct py_layout *o, const struct last_walk *t, uintptr_t f)
{
	return LOAD_BYTE(f, o->f_mark) == t->mark && frame_stays(o, f);
}

/* Replaces only the value of a new activation: a program may have set f_trace_lines to False. */
INLINE void mark(const struct py_layout *o, const struct last_walk *t, uintptr_t f)
{
	if (LOAD_BYTE(f, o->f_mark) == mark_unset(o) && frame_stays(o, f))
		LOAD_BYTE(f, o->f_mark) = t->mark;
}

/* ---------------------------------------------------------------- the operand */

/* One in so many levels is stamped: a walk then compares about as many. */
#define STAMP_EVERY 8u
#define MOST_FRAME_BYTES 0x10000u

INLINE bool operand_stands(const struct level *l)
{
#ifdef PYSTACK_VERIFY
	if (pystack_blind)
		return l->slot != 0;
#endif
	return l->slot != 0 && LOAD(l->frame, l->slot) == l->stamp;
}

/*
 * Stamps the operand of the call by which level `l` runs `callee`. Only if it
 * called within the interpreter's loop, which has no frame of its own between
 * them (3.11: f_entry is not set), and both are on the data stack. Not if the
 * interpreter calls __init__ for a class (`hidden`), as then there was no operand.
 * `slot` is at the height of the value stack that the frame has stored: within the
 * frame, and so below the callee's frame if both are in one chunk.
 */
static __attribute__((noinline)) void operand_stamp(const struct py_layout *o, struct last_walk *t, struct level *l,
						    uintptr_t callee, bool hidden)
{
	uintptr_t f = l->frame;
	l->slot = 0;
	if (hidden || LOAD(callee, o->f_back) != f || LOAD_BYTE(f, o->f_owner) != 0 ||
	    LOAD_BYTE(callee, o->f_owner) != 0 || (o->f_entry >= 0 && LOAD_BYTE(callee, o->f_entry) != 0))
		return;
	int32_t used = LOAD_INT(f, o->f_stacktop);
	if (used < 0 || callee <= f || callee - f > MOST_FRAME_BYTES)
		return;
	uintptr_t slot = (uintptr_t)o->f_values + 8 * (uintptr_t)used;
	if (slot + 8 > callee - f)
		return;
	l->slot = (uint32_t)slot;
	l->stamp = last_walk_stamp(t);
	LOAD(f, slot) = l->stamp;
}

/* ---------------------------------------------------------------- the anchor */

/* A chunk contains a pointer to the chunk below it, its size in bytes, its top, then frames. */
#define CHUNK_BELOW(c) LOAD(c, 0)
#define CHUNK_STAMP(c) LOAD(c, LOAD(c, 8) - 8)
#define CHUNK_FIRST_FRAME(c) ((c) + 24)

INLINE bool has_many_chunks(const struct py_layout *o, uintptr_t ts)
{
	uintptr_t c = LOAD(ts, o->ts_chunk);
	return c && (c = CHUNK_BELOW(c)) != 0 && CHUNK_BELOW(c) != 0;
}

/*
 * Returns the first frame of the chunk below the newest chunk whose stamp is ours, or 0;
 * *kept: how many of our stamps are intact. The stamped chunk's own first frame proves nothing:
 * some releases keep one empty chunk for later, including its stamp.
 */
static COLD uintptr_t find_anchor(const struct py_layout *o, const struct last_walk *t, uintptr_t ts, uint32_t *kept)
{
	uintptr_t c = LOAD(ts, o->ts_chunk);
	for (int looked = 0; looked < 64; looked++, c = CHUNK_BELOW(c)) {
		uintptr_t below = CHUNK_BELOW(c);
		if (!below || !CHUNK_BELOW(below))
			break;
		uint64_t stamp = CHUNK_STAMP(c);
		for (uint32_t i = t->n_chunks; stamp && i > 1 && i + 8 > t->n_chunks; i--)
			if (t->chunks[i - 1].stamp == stamp && t->chunks[i - 1].chunk == c &&
			    t->chunks[i - 2].chunk == below) {
				*kept = i;
				return CHUNK_FIRST_FRAME(below);
			}
	}
	return 0;
}

/* Stamps every chunk above those kept. */
static COLD void stamp_chunks(const struct py_layout *o, struct last_walk *t, uintptr_t ts, uint32_t kept)
{
	uintptr_t known = kept ? t->chunks[kept - 1].chunk : 0;
	uint32_t n = kept;
	for (uintptr_t c = LOAD(ts, o->ts_chunk); c && c != known; c = CHUNK_BELOW(c))
		n++;
	t->n_chunks = kept;
	if (!last_walk_grow_chunks(t, n, kept)) {
		t->n_chunks = 0;
		return;
	}
	t->n_chunks = n;
	for (uintptr_t c = LOAD(ts, o->ts_chunk); c && c != known; c = CHUNK_BELOW(c)) {
		uint64_t stamp = last_walk_stamp(t);
		CHUNK_STAMP(c) = stamp;
		t->chunks[--n] = (struct stamped){ c, stamp };
	}
}

#endif
