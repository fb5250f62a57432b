/*
 * pytables.h - the layouts of CPython 3.8 to 3.15
 *
 * In a header, so that the walks are compiled with constants. The numbers were read from
 * the debug information of the releases, not from other copies of the structs.
 */
#ifndef PYTABLES_H
#define PYTABLES_H

#include "pylayout.h"
#include "wire.h"

#define OBJECTS_38 .ob_type = 8, .bytes_size = 16, .bytes_data = 32, .str_length = 16, .str_state = 32, \
	.str_ascii = 48, .str_compact = 72, .str_kind_shift = 2, .tp_dealloc = 48
/* 3.12 removed the wchar_t representation from str. */
#define OBJECTS_312 .ob_type = 8, .bytes_size = 16, .bytes_data = 32, .str_length = 16, .str_state = 32, \
	.str_ascii = 40, .str_compact = 56, .str_kind_shift = 2, .tp_dealloc = 48
/* The behaviour of each release. */
#define BEHAVES_38 .instr = INSTR_BYTE, .lines = WIRE_LINES_LNOTAB, .evaluator = EVALUATOR_NOTHING, .ts_cframe = -1, \
	.ts_root_cframe = -1, .cframe_previous = -1, .mark_fresh = 1, .chunks_stay = 0, .hides_init = 0, \
	.attached_first = 0
#define BEHAVES_310 .instr = INSTR_UNIT, .lines = WIRE_LINES_PEP626, .evaluator = EVALUATOR_CFRAME, .ts_cframe = 48, \
	.ts_root_cframe = 264, .cframe_previous = 8, .mark_fresh = 1, .chunks_stay = 0, .hides_init = 0, \
	.attached_first = 0
#define BEHAVES_311 .instr = INSTR_ADDRESS, .lines = WIRE_LINES_PEP657, .evaluator = EVALUATOR_ENTRY, .ts_cframe = 56, \
	.ts_root_cframe = 336, .cframe_previous = 16, .mark_fresh = 0, .chunks_stay = 1, .hides_init = 0, \
	.attached_first = 0
#define BEHAVES_312 .instr = INSTR_ADDRESS, .lines = WIRE_LINES_PEP657, .evaluator = EVALUATOR_SHIM, .ts_cframe = -1, \
	.ts_root_cframe = -1, .cframe_previous = -1, .mark_fresh = 0, .chunks_stay = 1, .hides_init = 1, \
	.attached_first = 1
/* Chunks may be kept or moved in other ways. */
#define BEHAVES_315 .instr = INSTR_ADDRESS, .lines = WIRE_LINES_PEP657, .evaluator = EVALUATOR_SHIM, .ts_cframe = -1, \
	.ts_root_cframe = -1, .cframe_previous = -1, .mark_fresh = 0, .chunks_stay = 0, .hides_init = 1, \
	.attached_first = 1
#define CODE_38 .co_filename = 104, .co_name = 112, .co_qualname = -1, .co_firstlineno = 40, .co_lines = 120, \
	.co_bytecode = -1, .co_tlbc = -1
#define TSTATE_38 \
	.ts_frame = 24, .cframe_frame = -1, .ts_thread_id = 176, .ts_chunk = -1, .ts_tracefunc = 64, .ts_event = -1, \
	.ts_interp = 16
#define FRAME_38 .f_code = 32, .f_back = 24, .f_owner = -1, .f_tlbc = -1, .shim_owner = 0, .code_tags = 0, \
	.f_stacktop = -1, .f_values = -1, .f_entry = -1

static const struct py_layout py38 = {
	.minor = 8, BEHAVES_38, TSTATE_38, FRAME_38, .f_instr = 104, .f_gen = 96, .f_mark = 88, CODE_38, OBJECTS_38,
	.rt_finalizing = 16, .rt_tstate_current = 1368, .rt_interpreters = 32, .interp_next = 0,
	.interp_collecting = -1, .rt_collecting = 544,
};
static const struct py_layout py39 = {
	.minor = 9, BEHAVES_38, TSTATE_38, FRAME_38, .f_instr = 104, .f_gen = 96, .f_mark = 88, CODE_38, OBJECTS_38,
	.rt_finalizing = 16, .rt_tstate_current = 568, .rt_interpreters = 32, .interp_next = 0,
	.interp_collecting = 816, .rt_collecting = -1,
};
static const struct py_layout py310 = {
	.minor = 10, BEHAVES_310, TSTATE_38, FRAME_38, .f_instr = 96, .f_gen = 88, .f_mark = 84, CODE_38, OBJECTS_38,
	.rt_finalizing = 16, .rt_tstate_current = 568, .rt_interpreters = 32, .interp_next = 0,
	.interp_collecting = 816, .rt_collecting = -1,
};
static const struct py_layout py311 = {
	.minor = 11, BEHAVES_311,
	.ts_frame = 56, .cframe_frame = 8, .ts_thread_id = 152, .ts_chunk = 296, .ts_interp = 16,
	.ts_tracefunc = 72, .ts_event = -1,
	.f_code = 32, .f_back = 48, .f_instr = 56, .f_owner = 69, .f_gen = -1, .f_mark = -1, .f_tlbc = -1,
	.f_stacktop = 64, .f_values = 72, .f_entry = 68,
	.co_filename = 112, .co_name = 120, .co_qualname = 128, .co_firstlineno = 72, .co_lines = 136,
	.co_bytecode = 184, .co_tlbc = -1, OBJECTS_38,
	.rt_finalizing = 24, .rt_tstate_current = 576, .rt_interpreters = 40, .interp_next = 0,
	.interp_collecting = 848, .rt_collecting = -1,
};
static const struct py_layout py312 = {
	.minor = 12, BEHAVES_312,
	.ts_frame = 56, .cframe_frame = 0, .ts_thread_id = 136, .ts_chunk = 232, .ts_interp = 16,
	.ts_tracefunc = 72, .ts_event = 48,
	.f_code = 0, .f_back = 8, .f_instr = 56, .f_owner = 70, .f_gen = -1, .f_mark = -1, .f_tlbc = -1,
	.shim_owner = 3,
	.f_stacktop = 64, .f_values = 72, .f_entry = -1,
	.co_filename = 112, .co_name = 120, .co_qualname = 128, .co_firstlineno = 68, .co_lines = 136,
	.co_bytecode = 192, .co_tlbc = -1, OBJECTS_312,
	.rt_finalizing = 24, .rt_tstate_current = -1, .rt_interpreters = 40, .interp_next = 0,
	.interp_collecting = 312, .rt_collecting = -1,
};
static const struct py_layout py313 = {
	.minor = 13, BEHAVES_312, .has_mimalloc = 1,
	.ts_frame = 72, .cframe_frame = -1, .ts_thread_id = 152, .ts_chunk = 232, .ts_interp = 16,
	.ts_tracefunc = 88, .ts_event = 64,
	.f_code = 0, .f_back = 8, .f_instr = 56, .f_owner = 70, .f_gen = -1, .f_mark = -1, .f_tlbc = -1,
	.shim_owner = 3,
	.f_stacktop = 64, .f_values = 72, .f_entry = -1,
	.co_filename = 112, .co_name = 120, .co_qualname = 128, .co_firstlineno = 68, .co_lines = 136,
	.co_bytecode = 200, .co_tlbc = -1, OBJECTS_312,
	.rt_finalizing = 608, .rt_tstate_current = -1, .rt_interpreters = 632, .interp_next = 7264,
	.interp_collecting = 7600, .rt_collecting = -1,
};
/* 3.14.5 and later: the mark's byte is unused again. */
static const struct py_layout py314 = {
	.minor = 14, BEHAVES_312, .has_mimalloc = 1,
	.ts_frame = 72, .cframe_frame = -1, .ts_thread_id = 152, .ts_chunk = 232, .ts_interp = 16,
	.ts_tracefunc = 88, .ts_event = 64,
	.f_code = 0, .f_back = 8, .f_instr = 56, .f_owner = 74, .f_gen = -1, .f_mark = 75, .f_tlbc = -1,
	.shim_owner = 3,
	.code_tags = 3, .f_stacktop = -1, .f_values = -1, .f_entry = -1,
	.co_filename = 112, .co_name = 120, .co_qualname = 128, .co_firstlineno = 68, .co_lines = 136,
	.co_bytecode = 208, .co_tlbc = -1, OBJECTS_312,
	.rt_finalizing = 784, .rt_tstate_current = -1, .rt_interpreters = 808, .interp_next = 7272,
	.interp_collecting = 7600, .rt_collecting = -1,
};

static const struct py_layout py315 = {
	.minor = 15, BEHAVES_315, .has_mimalloc = 1,
	.ts_frame = 72, .cframe_frame = -1, .ts_thread_id = 176, .ts_chunk = 256, .ts_interp = 16,
	.ts_tracefunc = 112, .ts_event = 68,
	.f_code = 0, .f_back = 8, .f_instr = 56, .f_owner = 74, .f_gen = -1, .f_mark = 75, .f_tlbc = -1,
	.shim_owner = 3,
	.code_tags = 3, .f_stacktop = -1, .f_values = -1, .f_entry = -1,
	.co_filename = 112, .co_name = 120, .co_qualname = 128, .co_firstlineno = 68, .co_lines = 136,
	.co_bytecode = 208, .co_tlbc = -1, OBJECTS_312,
	.rt_finalizing = 912, .rt_tstate_current = -1, .rt_interpreters = 936, .interp_next = 7264,
	.interp_collecting = 7512, .rt_collecting = -1,
};

#undef OBJECTS_38
#undef BEHAVES_38
#undef BEHAVES_310
#undef BEHAVES_311
#undef BEHAVES_312
#undef BEHAVES_315
#undef OBJECTS_312
#undef CODE_38
#undef TSTATE_38
#undef FRAME_38

#endif
