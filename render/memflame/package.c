/*
 * package.c - whose code each place of a tree is, and which nodes the page hides at first
 */
#include "package.h"

#include <stdlib.h>
#include <string.h>

#include "pattern.h"
#include "xmalloc.h"

/* ---------------------------------------------------------------- patterns */

enum path_pattern {
	INSTALLED,		/* its second group: the name below site-packages */
	IN_STDLIB,
	IN_BIN,			/* its first group: a script installed by pip */
	SHARED_OBJECT,
	INTERPRETER_FILE,
	INTERPRETER_SOURCE,
	SYSTEM_FOLDER,
	SYSTEM_FILE,
	IMPORT_FUNCTION,	/* the interpreter's functions that execute import statements */
	N_PATTERNS
};

static const char *const patterns[N_PATTERNS] = {
	[INSTALLED] = ".*/(site|dist)-packages/([^/]+)",
	[IN_STDLIB] = "/lib/(python|pypy)[0-9][0-9.]*/",
	[IN_BIN] = "/bin/([^/.]+)$",
	[SHARED_OBJECT] = "\\.so([^A-Za-z0-9_]|$)",
	[INTERPRETER_FILE] = "^(lib)?python[0-9]?[0-9.]*(\\.so.*|\\.dll|d|m)?$",
	[INTERPRETER_SOURCE] = "(^|/)(Python|Objects|Modules|Parser|Programs|Include)/[^ ]*\\.[ch]$",
	[SYSTEM_FOLDER] = "^/(usr/)?(local/)?lib",
	[SYSTEM_FILE] = "^(lib[A-Za-z0-9_+-]*|ld-linux[A-Za-z0-9_-]*)\\.so",
	[IMPORT_FUNCTION] = ("^(_?PyImport_|import_(find_and_load|name|from|ensure_initialized)|builtin___import__|"
			     "builtin_exec(_impl)?$|_imp_|imp_|exec_builtin_or_dynamic$|_PyImport)"),
};

/* What is known of a text as a place's file or module: the number of a package; 0 = not asked yet. */
struct known {
	uint32_t of_python, of_native, of_module;
};

struct finding {
	struct tree *t;
	regex_t compiled[N_PATTERNS];
	struct known *known;
	uint32_t own, stdlib, interpreter, system, other;
};

static bool matches(struct finding *f, enum path_pattern pattern, const char *text, regmatch_t groups[3])
{
	return pattern_finds_own(&f->compiled[pattern], text, groups ? 3 : 0, groups);
}

/* ---------------------------------------------------------------- packages */

/* Returns "numpy" for "numpy", "numpy.libs", "numpy.py"; 0 if the path is not installed. */
static uint32_t distribution_of(struct finding *f, const char *path)
{
	regmatch_t group[3];

	if (!matches(f, INSTALLED, path, group))
		return 0;
	const char *entry = path + group[2].rm_so;
	size_t n = (size_t)(group[2].rm_eo - group[2].rm_so);
	const char *dot = memchr(entry, '.', n);
	return texts_number(&f->t->text, entry, dot && dot > entry ? (size_t)(dot - entry) : n);
}

static uint32_t package_of_python(struct finding *f, const char *file)
{
	regmatch_t group[3];
	uint32_t installed = distribution_of(f, file);

	if (installed)
		return installed;
	if (strncmp(file, "<frozen ", 8) == 0 || matches(f, IN_STDLIB, file, NULL))
		return f->stdlib;
	if (matches(f, IN_BIN, file, group))
		return texts_number(&f->t->text, file + group[1].rm_so, (size_t)(group[1].rm_eo - group[1].rm_so));
	return file[0] == '<' ? f->other : f->own;
}

static uint32_t package_of_object(struct finding *f, const char *object)
{
	uint32_t installed = distribution_of(f, object);
	const char *slash = strrchr(object, '/'), *name = slash ? slash + 1 : object;

	if (installed)
		return installed;
	if (matches(f, INTERPRETER_FILE, name, NULL))
		return f->interpreter;
	if (matches(f, IN_STDLIB, object, NULL))
		return f->stdlib;
	if (matches(f, SYSTEM_FOLDER, object, NULL) || matches(f, SYSTEM_FILE, name, NULL))
		return f->system;
	const char *so = strstr(name, ".so");
	return texts_number(&f->t->text, name, so ? (size_t)(so - name) : strlen(name));
}

static uint32_t package_of_native(struct finding *f, const char *file)
{
	if (matches(f, SHARED_OBJECT, file, NULL))
		return package_of_object(f, file);
	return matches(f, INTERPRETER_SOURCE, file, NULL) ? f->interpreter : f->other;
}

static const char *text(const struct finding *f, uint32_t number)
{
	return texts_text(&f->t->text, number).p;
}

static uint32_t package_of(struct finding *f, const struct place *place)
{
	struct known *known = &f->known[place->kind == PLACE_NATIVE && place->module ? place->module : place->file];

	switch (place->kind) {
	case PLACE_PYTHON:
		if (!known->of_python)
			known->of_python = package_of_python(f, text(f, place->file));
		return known->of_python;
	case PLACE_NATIVE:
		if (place->module) {
			if (!known->of_module)
				known->of_module = package_of_object(f, text(f, place->module));
			return known->of_module;
		}
		if (!known->of_native)
			known->of_native = package_of_native(f, text(f, place->file));
		return known->of_native;
	case PLACE_IMPORT:
		return f->stdlib;
	default:
		return f->other;
	}
}

static uint32_t named(struct tree *t, const char *name)
{
	return texts_number(&t->text, name, strlen(name));
}

void packages_find(struct tree *t)
{
	struct finding f = {
		.t = t,
		.known = xcalloc(texts_count(&t->text), sizeof *f.known),
		.own = named(t, PACKAGE_OWN),
		.stdlib = named(t, PACKAGE_STDLIB),
		.interpreter = named(t, PACKAGE_INTERPRETER),
		.system = named(t, PACKAGE_SYSTEM),
		.other = named(t, PACKAGE_OTHER),
	};

	for (int i = 0; i < N_PATTERNS; i++)
		pattern_compile_own(&f.compiled[i], patterns[i]);
	for (uint32_t i = 0; i < t->n_places; i++) {
		struct place *place = &t->places[i];
		place->package = package_of(&f, place);
		if (place->kind == PLACE_NATIVE && place->package == f.interpreter &&
		    matches(&f, IMPORT_FUNCTION, text(&f, place->name), NULL))
			place->kind = PLACE_NATIVE_IMPORT;
	}
	for (int i = 0; i < N_PATTERNS; i++)
		regfree(&f.compiled[i]);
	free(f.known);
}

const char *packages_own_folder(const struct tree *t, size_t *n)
{
	const char *folder = NULL;

	*n = 0;
	for (uint32_t i = 0; i < t->n_places; i++) {
		struct mt_str file = texts_text(&t->text, t->places[i].file);
		if (!file.n || file.p[0] != '/' ||
		    strcmp(texts_text(&t->text, t->places[i].package).p, PACKAGE_OWN) != 0)
			continue;
		if (!folder) {
			folder = file.p;
			*n = file.n;
		}
		/* At the first file too: up to its last slash. */
		while (*n && (*n > file.n || folder[*n - 1] != '/' || memcmp(folder, file.p, *n) != 0))
			--*n;
	}
	if (*n == 1)	/* all of the machine is no folder of a program */
		*n = 0;
	return folder;
}

/* ---------------------------------------------------------------- hidden nodes */

static bool is_native(enum place_kind kind)
{
	return kind == PLACE_NATIVE || kind == PLACE_NATIVE_IMPORT;
}

static bool is_python(enum place_kind kind)
{
	return kind == PLACE_PYTHON || kind == PLACE_IMPORT;
}

bool tree_is_mixed(const struct tree *t)
{
	bool native = false, python = false;

	for (uint32_t i = 1; i < t->n_places; i++) {
		native |= is_native(t->places[i].kind);
		python |= is_python(t->places[i].kind);
	}
	return native && python;
}

/* Per node: Python is above it, or it is Python, but not runpy, which runs the script; Python is below it. */
struct around {
	bool *above, *below;
};

/* Whether a file is runpy's. */
static bool is_runpy(struct mt_str file)
{
	static const char frozen[] = "<frozen runpy>", path[] = "/runpy.py";
	size_t n = sizeof path - 1;

	return (file.n >= sizeof frozen - 1 && memcmp(file.p, frozen, sizeof frozen - 1) == 0) ||
	       (file.n >= n && memcmp(file.p + file.n - n, path, n) == 0);
}

static bool is_hidden_kind(enum place_kind kind, bool processes)
{
	return kind == PLACE_IMPORT || kind == PLACE_NATIVE_IMPORT || kind == PLACE_THREAD ||
	       kind == PLACE_ALLOCATOR || (kind == PLACE_PROCESS && !processes);
}

bool *hidden_nodes(const struct tree *t, bool processes)
{
	uint32_t n = calltree_count(t->calls);
	bool mixed = tree_is_mixed(t);
	bool *hidden = xcalloc(n, sizeof *hidden), *runpy = xcalloc(t->n_places, sizeof *runpy);
	struct around a = { xcalloc(n, sizeof *a.above), xcalloc(n, sizeof *a.below) };

	for (uint32_t i = 1; i < t->n_places; i++)
		runpy[i] = is_runpy(texts_text(&t->text, t->places[i].file));
	for (uint32_t i = 1; i < n; i++) {
		const struct call *call = calltree_call(t->calls, i);
		hidden[i] = runpy[call->label] && !a.above[call->parent];
		a.above[i] = !hidden[i] && (a.above[call->parent] || is_python(t->places[call->label].kind));
	}
	for (uint32_t i = n - 1; i > 0; i--) {
		const struct call *call = calltree_call(t->calls, i);
		if (a.below[i] || is_python(t->places[call->label].kind))
			a.below[call->parent] = true;
	}
	for (uint32_t i = 1; i < n; i++) {
		const struct call *call = calltree_call(t->calls, i);
		enum place_kind kind = t->places[call->label].kind;
		enum place_kind caller = t->places[calltree_call(t->calls, call->parent)->label].kind;
		bool alone = !a.above[i] && !a.below[i];
		/* For C code not called from Python, the outermost box is kept. */
		bool is_inner = !alone || (is_native(caller) && !a.below[call->parent]);
		hidden[i] = hidden[i] || is_hidden_kind(kind, processes) ||
			    (mixed && is_native(kind) && !a.above[i] && a.below[i]) ||
			    (mixed && kind == PLACE_NATIVE && is_inner);
	}
	free(runpy);
	free(a.above);
	free(a.below);
	return hidden;
}
