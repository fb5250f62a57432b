/*
 * pylayout.h - where CPython keeps the data that a stack is read from
 *
 * Byte offsets into CPython's own structs, for 64-bit Linux. They do not change
 * within a minor release (3.8 to 3.12), or are published by the interpreter in
 * its _Py_DebugOffsets (from 3.13). -1: that release has no such field.
 */
#ifndef PYLAYOUT_H
#define PYLAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD(p, offset) (*(volatile uintptr_t *)((uintptr_t)(p) + (uintptr_t)(offset)))
#define LOAD_INT(p, offset) (*(volatile int32_t *)((uintptr_t)(p) + (uintptr_t)(offset)))
#define LOAD_BYTE(p, offset) (*(volatile uint8_t *)((uintptr_t)(p) + (uintptr_t)(offset)))

/* The content of a frame's instruction field: an index in bytes, an index in units of two bytes, or an address. */
enum py_instr { INSTR_BYTE, INSTR_UNIT, INSTR_ADDRESS };

/*
 * The data that the interpreter's loop keeps on the C stack while it runs: none; its cframe, one for each Python frame;
 * its cframe, for the frames from the newest to one entered from C; or a frame of its own, older than those it runs.
 */
enum py_evaluator { EVALUATOR_NOTHING, EVALUATOR_CFRAME, EVALUATOR_ENTRY, EVALUATOR_SHIM };

/*
 * One release of CPython: where its fields are, and how it differs from others. Nothing
 * outside pylayout.c and pytables.h compares versions. All members are ints, so that two layouts
 * can be compared with memcmp.
 */
struct py_layout {
	int minor, free_threaded;
	/* PyThreadState */
	int ts_frame;		/* the newest frame; 3.11 and 3.12: its cframe */
	int cframe_frame;	/* 3.11, 3.12: the newest frame, in the cframe */
	int ts_thread_id, ts_chunk, ts_interp;
	/* not 0: a debugger, which may move an older frame's instruction; -1: unknown, so never trust a mark */
	int ts_tracefunc;
	int ts_event;		/* 3.12: >= 0 while a sys.monitoring callback runs, which may do the same */
	/* with EVALUATOR_CFRAME and _ENTRY: the newest, the outermost, and from one to the older one */
	int ts_cframe, ts_root_cframe, cframe_previous;
	/* how it behaves */
	int instr;		/* enum py_instr: of f_instr */
	int evaluator;		/* enum py_evaluator */
	int lines;		/* enum wire_lines */
	int mark_fresh;		/* the value of the mark's byte in a new activation */
	/* data stack chunks are released in order, when their first frame ends, and never moved */
	int chunks_stay;
	/* with PYTHONMALLOC=mimalloc, Python uses mimalloc; set only for releases that publish their offsets */
	int has_mimalloc;
	/* under each specialised __init__ is a frame of the interpreter itself, named __init__ in the file __init__ */
	int hides_init;
	int attached_first;	/* try the attached thread state first: it may be that of a sub-interpreter */
	/* frame */
	int f_code, f_back, f_instr;
	int f_owner;		/* from 3.12: the kind of object that owns the frame */
	int f_gen;		/* to 3.10: the generator that owns it */
	int f_mark;		/* a byte that each new activation resets and no code reads; proofs.h */
	/* 3.11 to 3.13: the value stack's height in words; where locals and that stack begin; 3.11: entered from C */
	int f_stacktop, f_values, f_entry;
	int f_tlbc;		/* free-threaded, from 3.14: which copy of the bytecode the thread runs */
	int shim_owner;		/* frames with this owner or a higher one are the interpreter's, not Python's */
	int code_tags;		/* low bits of f_code that are not part of the pointer */
	/* PyCodeObject */
	int co_filename, co_name, co_qualname, co_firstlineno, co_lines, co_bytecode, co_tlbc;
	/* objects, bytes, str, type */
	int ob_type, bytes_size, bytes_data, str_length, str_state, str_ascii, str_compact, str_kind_shift, tp_dealloc;
	/* _PyRuntime, PyInterpreterState */
	int rt_finalizing, rt_tstate_current, rt_interpreters, interp_next;
	/* an int, not 0 while garbage is collected: in PyInterpreterState, in 3.8 in _PyRuntime; both -1: unknown */
	int interp_collecting, rt_collecting;
};

/* The interpreter in this process. Set by python_find(), then constant except for the version's text. */
struct python {
	uintptr_t runtime;		/* &_PyRuntime */
	uintptr_t code_type;		/* &PyCode_Type */
	uintptr_t type_type;		/* &PyType_Type; may be 0 */
	uintptr_t loop, loop_size;	/* _PyEval_EvalFrameDefault; size 0: not exported */
	void *(*thread_state)(void);	/* PyGILState_GetThisThreadState: this thread's, whether attached or not */
	void *(*attached)(void);	/* PyThreadState_GetUnchecked: the attached one, or NULL */
	const char *(*get_version)(void);
	/* PyMem_GetAllocator, PyMem_SetAllocator (domain, a PyMemAllocatorEx), Py_IsInitialized; may be NULL */
	void (*get_allocator)(int domain, void *allocator);
	void (*set_allocator)(int domain, void *allocator);
	int (*is_initialized)(void);
	void (*get_arenas)(void *allocator);	/* PyObject_GetArenaAllocator; may be NULL */
	struct py_layout layout;
	char version[48];		/* "3.11.2" */
};

enum python_found { PYTHON_NONE, PYTHON_REFUSED, PYTHON_FOUND };

/*
 * Searches the loaded objects for a CPython, including those loaded with
 * RTLD_LOCAL. Takes only the lock of dl_iterate_phdr, allocates nothing, and
 * calls no function of the interpreter. REFUSED: there is one, of version p->version,
 * but its layout is not known. Returns NONE at once if nothing has been loaded
 * since the last NONE.
 */
enum python_found python_find(struct python *p);
/*
 * Returns whether objects, perhaps the interpreter, were unloaded since python_find() found it. Then search again.
 */
bool python_gone(void);

/*
 * Returns whether it has begun. Its functions must not be called before: it may have been found
 * during the dlopen() that loads it, before it was relocated.
 */
static inline bool python_begun(const struct python *p)
{
	return LOAD(p->runtime, p->layout.rt_interpreters) != 0;
}

/* Completes p->version of an interpreter that has begun. False: a pre-release, which is refused after all. */
bool python_name(struct python *p);

/*
 * Reads the layout that _Py_DebugOffsets at `runtime` publishes, for the release
 * `hex`. Returns false if there is none, if it is a pre-release, or if the layout is not plausible.
 */
bool layout_published(struct py_layout *o, const void *runtime, uint32_t hex);

#endif
