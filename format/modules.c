/*
 * modules.c - the package or module of a file
 */
#include "modules.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* Returns the part after "/site-packages/" or the like; NULL if there is none. */
static const char *in_packages(const char *file)
{
	static const char *const folders[] = { "/site-packages/", "/dist-packages/" };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		const char *p = strstr(file, folders[i]);
		if (p)
			return p + strlen(folders[i]);
	}
	return NULL;
}

/* "3.11/" or "3/", after "python" in a folder's name. */
static bool is_version_folder(const char *p)
{
	const char *digits = p;

	while (isdigit((unsigned char)*p) || *p == '.')
		p++;
	return p > digits && *p == '/';
}

/* "<frozen …>", or ".../lib/python3.11/…" unless it is an installed package. */
bool modules_is_standard(const char *file)
{
	static const char *const folders[] = { "/lib/python", "/lib64/python" };

	if (strncmp(file, "<frozen ", 8) == 0)
		return true;
	if (in_packages(file))
		return false;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		for (const char *p = file; (p = strstr(p, folders[i])); ) {
			p += strlen(folders[i]);
			if (is_version_folder(p))
				return true;
		}
	return false;
}

/* "pkg/sub/x.py" -> "pkg", "x.py" -> "x". */
static char *top_of(const char *path)
{
	size_t n = strcspn(path, "/");

	if (!path[n] && n > 3 && strcmp(path + n - 3, ".py") == 0)
		n -= 3;
	return xasprintf("%.*s", (int)n, path);
}

/* The folder of the first module that ran. */
char *modules_root(const struct stacks *s)
{
	for (uint32_t i = 1; i < stacks_function_count(s); i++) {
		const struct function *f = stacks_function(s, i);
		const char *slash = strrchr(f->file, '/');
		if (f->lang != MT_LANG_PYTHON || strcmp(f->name, "<module>") != 0 || !slash ||
		    modules_is_standard(f->file) || in_packages(f->file))
			continue;
		if (strcmp(slash, "/__init__.py") == 0)
			while (slash > f->file && *--slash != '/')
				;
		return xasprintf("%.*s", (int)(slash - f->file) + 1, f->file);
	}
	return xstrdup("/");
}

char *modules_name(const char *file, const char *root)
{
	const char *slash = strrchr(file, '/'), *installed = in_packages(file);

	if (!*file)
		return xstrdup("unknown");
	if (installed)
		return top_of(installed);
	if (root[1] && strncmp(file, root, strlen(root)) == 0)
		return top_of(file + strlen(root));
	return top_of(slash ? slash + 1 : file);
}
