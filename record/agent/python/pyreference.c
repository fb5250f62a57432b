/*
 * pyreference.c - a reference implementation of the Python stack for tests: slow and without state
 *
 * Only in builds with -DPYSTACK_VERIFY. It shares no walking code with pystack.c
 * and has no cache, so a mistake would have to be made twice to pass.
 */
#include "pystack.h"

#include "agent.h"
#include "memory.h"
#include "nodes.h"
#include "pycode.h"

#ifdef PYSTACK_VERIFY

#define DEPTH_MAX (1u << 20)
#define READ_ANEW 200u		/* for so many of the newest frames the content is read again, to find stale numbers */

static __thread uintptr_t *frames;

static bool is_interpreters(const struct py_layout *o, uintptr_t frame)
{
	return o->evaluator == EVALUATOR_SHIM && *(uint8_t *)(frame + (uintptr_t)o->f_owner) >= 3;
}

static uint32_t all_frames(const struct py_layout *o, uintptr_t ts)
{
	uintptr_t frame = *(uintptr_t *)(ts + (uintptr_t)o->ts_frame);
	if (frame && o->cframe_frame >= 0)
		frame = *(uintptr_t *)(frame + (uintptr_t)o->cframe_frame);
	uint32_t n = 0;
	while (frame && n < DEPTH_MAX) {
		if (!is_interpreters(o, frame))
			frames[n++] = frame;
		frame = *(uintptr_t *)(frame + (uintptr_t)o->f_back);
	}
	return n;
}

static int32_t byte_at(const struct py_layout *o, uintptr_t frame, uintptr_t code)
{
	if (o->instr != INSTR_ADDRESS) {
		int32_t i = *(int32_t *)(frame + (uintptr_t)o->f_instr);
		return i < 0 ? -1 : o->instr == INSTR_BYTE ? i : 2 * i;
	}
	uintptr_t start = code + (uintptr_t)o->co_bytecode;
	if (o->f_tlbc >= 0) {
		int64_t *copies = *(int64_t **)(code + (uintptr_t)o->co_tlbc);
		int32_t i = *(int32_t *)(frame + (uintptr_t)o->f_tlbc);
		if (copies && i >= 0 && i < copies[0])
			start = (uintptr_t)copies[1 + i];
	}
	int64_t at = (int64_t)(*(uintptr_t *)(frame + (uintptr_t)o->f_instr) - start);
	return at < 0 ? -1 : (int32_t)at;
}

uint32_t pystack_reference(const struct python *p, uintptr_t ts)
{
	const struct py_layout *o = &p->layout;
	if (!frames && !(frames = pages_new(DEPTH_MAX * sizeof *frames)))
		return NODE_ROOT;
	uint32_t node = NODE_ROOT;
	for (uint32_t i = all_frames(o, ts); i-- > 0; ) {
		uintptr_t code = *(uintptr_t *)(frames[i] + (uintptr_t)o->f_code);
		code &= ~(uintptr_t)o->code_tags;
		bool hidden;
		uint32_t id;
		const struct code_entry *e;
		if (i < READ_ANEW) {
			id = code_content_id(code, &hidden);
		} else if (code_lookup(code, &e) == CODE_OK) {
			id = e->id;
			hidden = e->hidden;
		} else {
			return NODE_ROOT;
		}
		if (!hidden)
			node = node_child(node, id, byte_at(o, frames[i], code));
	}
	return node;
}

#endif
