/*
 * fit.c - fitting text into columns
 */
#include "fit.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static bool becomes(const char *text, size_t columns, const char *expected)
{
	char *got = fit(text, columns);
	bool same = strcmp(got, expected) == 0;

	free(got);
	return same;
}

int main(void)
{
	CHECK("fitting text is unchanged", becomes("abc", 3, "abc") && becomes("", 0, "") && becomes("äöü", 3, "äöü"));
	CHECK("longer text loses its middle", becomes("abcdefgh", 5, "ab…gh") && becomes("abcdefgh", 4, "a…gh"));
	CHECK("characters are counted, not bytes", becomes("äöüäöü", 4, "ä…öü"));
	CHECK("one column has room for the dots only, zero columns for nothing",
	      becomes("abc", 1, "…") && becomes("abc", 0, ""));
	CHECK("a path loses its first folders, and is cut nowhere else",
	      becomes("load at /srv/shop/app/views.py:3", 30, "load at …/shop/app/views.py:3") &&
	      becomes("load at /srv/shop/app/views.py:3", 29, "load at …/shop/app/views.py:3") &&
	      becomes("load at /srv/shop/app/views.py:3", 28, "load at …/app/views.py:3") &&
	      becomes("load at /srv/shop/app/views.py:3", 20, "load at …/views.py:3") &&
	      becomes("load (/srv/shop/app/views.py:3)", 23, "load (…/app/views.py:3)") &&
	      becomes("read [/usr/lib/libc.so.6]", 20, "read […/libc.so.6]") &&
	      becomes("/srv/shop/app.py", 12, "…/app.py") &&
	      becomes("read at [/usr/lib/libc.so.6]", 22, "read at […/libc.so.6]"));
	CHECK("then the name loses its end, down to where the file has no room either",
	      becomes("handle_request at /srv/views.py:3", 20, "handle_r…/views.py:3") &&
	      becomes("handle_request at /srv/views.py:3", 18, "handle…/views.py:3") &&
	      becomes("handle_request at /srv/views.py:3", 17, "handle_request a…") &&
	      becomes("handle_request at /srv/views.py:3", 9, "handle_r…"));
	CHECK("a package's own file keeps its folder while it has room; <module> goes first",
	      becomes("<module> at /usr/lib/asyncio/__init__.py:9", 36, "<module> at …/asyncio/__init__.py:9") &&
	      becomes("<module> at /usr/lib/asyncio/__init__.py:9", 34, "<module> at…/asyncio/__init__.py:9") &&
	      becomes("<module> at /usr/lib/asyncio/__init__.py:9", 29, "<modul…/asyncio/__init__.py:9") &&
	      becomes("<module> at /usr/lib/asyncio/__init__.py:9", 28, "…/asyncio/__init__.py:9") &&
	      becomes("<module> at /usr/lib/asyncio/__init__.py:9", 22, "<module…/__init__.py:9") &&
	      becomes("<module> at /usr/lib/asyncio/__init__.py:9", 20, "…/__init__.py:9") &&
	      becomes("<module> at /usr/lib/asyncio/__init__.py:9", 14, "<module> at /…") &&
	      becomes("namedtuple at /usr/lib/collections/__init__.py:9", 30, "namedtuple at …/__init__.py:9") &&
	      becomes("run at /srv/shop/__main__.py", 24, "run at…/shop/__main__.py"));
	CHECK("the name of a frozen module is cut at its points, or not at all",
	      becomes("load at <frozen importlib._bootstrap>:241", 30, "load at …_bootstrap>:241") &&
	      becomes("find_and_load at <frozen importlib._bootstrap>:241", 29, "find_and_load…_bootstrap>:241") &&
	      becomes("__instancecheck__ at <frozen abc>:119", 30, "__instanceche…<frozen abc>:119") &&
	      becomes("__instancecheck__ at <frozen abc>:119", 12, "__instancec…"));
	CHECK("also after a colon", becomes("load:/srv/shop/app/views.py:3", 24, "load:…/app/views.py:3"));
	return check_done();
}
