/*
 * sites.c - the code addresses of one process, and the functions there
 */
#include "sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "xmalloc.h"

struct mapped_object {
	uint64_t start, end, bias;
	struct object *object;
};

void sites_begin(struct sites *s, struct output *out, struct symbols *symbols, pid_t pid, const char *exe)
{
	*s = (struct sites){ .out = out, .symbols = symbols, .pid = pid, .exe = xstrdup(exe), .n = 1 };
}

void sites_clear(struct sites *s)
{
	free(s->exe);
	free(s->modules);
	free(s->at);
	index_clear(&s->index);
	free(s->places);
}

/* ---------------------------------------------------------------- modules */

/*
 * Returns a path by which we can open a file of the process. Its own name is preferred if it is
 * the same file, as the process may end at any moment; otherwise the path through
 * /proc, as the process may have another root directory, or the file may be deleted.
 */
static char *reachable(const char *name, const char *by_process)
{
	struct stat named, there;
	bool has_name = name[0] == '/' && stat(name, &named) == 0;
	bool is_there = stat(by_process, &there) == 0;
	bool same = has_name && is_there && named.st_dev == there.st_dev && named.st_ino == there.st_ino;
	return xstrdup(same || (has_name && !is_there) ? name : by_process);
}

static char *by_process(const struct sites *s, const char *name, bool is_program)
{
	if (is_program)
		return xasprintf("/proc/%d/exe", (int)s->pid);
	return xasprintf("/proc/%d/%s%s", (int)s->pid, name[0] == '/' ? "root" : "cwd/", name);
}

static void forget_range(struct sites *s, uint64_t start, uint64_t end)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->n_modules; i++)
		if (s->modules[i].end <= start || s->modules[i].start >= end)
			s->modules[kept++] = s->modules[i];
	s->n_modules = kept;
}

const struct object *sites_module(struct sites *s, const struct wire_module *m, const uint8_t *bytes, size_t size)
{
	size_t path_size = m->path_size < size ? m->path_size : size;
	size_t id_size = m->id_size < size - path_size ? m->id_size : size - path_size;
	char *name = path_size ? xasprintf("%.*s", (int)path_size, (const char *)bytes) : xstrdup(s->exe);
	char *there = by_process(s, name, path_size == 0), *path = reachable(name, there);
	struct object *object = symbols_object(s->symbols, name, path, bytes + path_size, id_size);
	free(name);
	free(there);
	free(path);

	forget_range(s, m->start, m->end);
	GROW(s->modules, s->n_modules, s->cap_modules);
	size_t i = s->n_modules++;
	for (; i > 0 && s->modules[i - 1].start > m->start; i--)
		s->modules[i] = s->modules[i - 1];
	s->modules[i] = (struct mapped_object){ m->start, m->end, m->bias, object };
	return object;
}

static const struct mapped_object *module_at(const struct sites *s, uint64_t pc)
{
	size_t low = 0, high = s->n_modules;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (s->modules[middle].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low && pc < s->modules[low - 1].end ? &s->modules[low - 1] : NULL;
}

/* ---------------------------------------------------------------- sites */

static bool is_site(const void *sites, uint32_t n, const void *key)
{
	const struct site *site = (const struct site *)sites + n, *wanted = key;
	return site->object == wanted->object && site->address == wanted->address;
}

uint32_t sites_number(struct sites *s, uint64_t pc)
{
	const struct mapped_object *m = module_at(s, pc);
	struct site new = { .object = m ? m->object : NULL, .address = m ? pc - m->bias : 0 };
	uint64_t hash = index_hash((uintptr_t)new.object, new.address);
	uint32_t n = index_put(&s->index, hash, is_site, s->at, &new, s->n);
	if (n == s->n) {
		GROW(s->at, (size_t)n, s->cap);
		s->at[s->n++] = new;
	}
	return n;
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_evaluator(const char *name)
{
	return begins(name, "_PyEval_EvalFrameDefault") || begins(name, "_TAIL_CALL_");
}

/* Recognises the functions that CPython, 3.8 to 3.15, runs between a Python frame and a C function, both ways. */
static bool is_calling(const char *name)
{
	static const char *const prefixes[] = {
		"_PyEval_", "PyEval_EvalCode", "PyEval_EvalFrame", "PyObject_Call", "_PyObject_Call",
		"_PyObject_MakeTpCall", "_PyObject_FastCall", "_PyFunction_FastCall", "function_code_fastcall",
		"call_function", "do_call_core", "trace_call_function", "cfunction_", "_PyCFunction_",
		"PyCFunction_Call", "_PyMethodDef_Raw", "method_call", "gen_send_ex", "gen_iternext", "object_vacall",
		/* an instruction, if each is a function: frames of it that run no Python frame */
		"_TAIL_CALL_",
		"_Py_LoadAttr_StackRef",	/* 3.15: was part of the evaluator before */
	};
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (begins(name, prefixes[i]))
			return true;
	/*
	 * From 3.15, functions call with the evaluator's own stack: _Py_BuiltinCallFast_StackRef,
	 * _Py_VectorCall_StackRefSteal, …
	 */
	return strstr(name, "ectorcall") || (begins(name, "_Py") && strstr(name, "Call") && strstr(name, "_StackRef"));
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

void sites_resolve(struct sites *s, struct site *site)
{
	static const struct location nowhere = { "[code in no file]", "", 0 };
	const struct location *l = &nowhere;
	const char *module = site->object ? site->object->name : "", *base = base_name(module);
	size_t n = site->object ? symbols_locate(s->symbols, site->object, site->address, &l) : 1;
	site->evaluator = is_evaluator(l[n - 1].name);
	site->bridge_end = begins(base, "libffi.so") || begins(base, "libffi-");
	site->bridge = site->bridge_end || begins(base, "_ctypes.");
	site->beginning = begins(l[n - 1].name, "greenlet::") && strstr(l[n - 1].name, "g_initialstub");
	site->nameless = begins(l[0].name, base) && l[0].name[strlen(base)] == '+';
	site->first = (uint32_t)s->n_places;
	site->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		struct mt_event ev = { .lang = MT_LANG_NATIVE };
		ev.name = (struct mt_str){ l[i].name, strlen(l[i].name) };
		ev.file = (struct mt_str){ l[i].file, strlen(l[i].file) };
		ev.module = (struct mt_str){ module, strlen(module) };
		bool calling = is_calling(l[i].name), named = begins(l[i].name, "_Py") || begins(l[i].name, "Py");
		GROW(s->places, s->n_places, s->cap_places);
		s->places[s->n_places++] = (struct resolved){ output_function(s->out, &ev), l[i].line, 0,
							      calling && named, calling && !named };
	}
}
