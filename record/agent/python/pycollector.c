/*
 * pycollector.c - whether the interpreter's collector of cycles is running
 *
 * CPython sets a word while it collects, to keep a collection from beginning inside another. It is the interpreter's,
 * in 3.8 the runtime's. The collectors of sub-interpreters are not watched.
 */
#include "pycollector.h"

#include "pystack.h"

static const volatile int32_t never;
const volatile int32_t *pycollector_running = &never;

static const struct python *python;
static uintptr_t interpreter;	/* the main one */

bool pycollector_find(const struct python *p)
{
	const struct py_layout *o = &p->layout;
	uintptr_t main_interpreter = LOAD(p->runtime, o->rt_interpreters + 8);	/* after the newest, in all releases */
	if (!main_interpreter || LOAD(main_interpreter, o->interp_next) != 0 ||
	    (o->rt_collecting < 0 && o->interp_collecting < 0))
		return false;
	const volatile int32_t *word = o->rt_collecting >= 0 ? &LOAD_INT(p->runtime, o->rt_collecting) :
							       &LOAD_INT(main_interpreter, o->interp_collecting);
	if (*word != 0 && *word != 1)
		return false;
	python = p;
	interpreter = main_interpreter;
	pycollector_running = word;
	return true;
}

void pycollector_forget(void)
{
	pycollector_running = &never;
}

bool pycollector_may_be_here(void)
{
	const struct py_layout *o = &python->layout;
	if (o->rt_tstate_current >= 0) {	/* up to 3.11: the state of the thread that holds the lock */
		uintptr_t ts = (uintptr_t)python->thread_state();
		return ts && ts == LOAD(python->runtime, o->rt_tstate_current);
	}
	uintptr_t ts = (uintptr_t)python->attached();
	return ts && LOAD(ts, o->ts_interp) == interpreter;
}
