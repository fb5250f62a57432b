/*
 * sources.c - lines of source code by file and line
 */
#include "sources.h"

#include <string.h>

#include "check.h"

static struct mt_event row(const char *file, uint32_t line, uint64_t before, const char *text)
{
	return (struct mt_event){
		.kind = MT_SOURCE, .file = { file, strlen(file) }, .line = line, .count = before,
		.name = { text, strlen(text) },
	};
}

static bool is_line(const struct sources *s, const char *file, uint32_t line, const char *text)
{
	const struct source *source = sources_find(s, file, line);
	struct mt_str found = source ? source_line(source) : (struct mt_str){ NULL, 0 };

	return source && found.n == strlen(text) && memcmp(found.p, text, found.n) == 0;
}

int main(void)
{
	struct sources *s = sources_new();
	struct mt_event one = row("/a.py", 1, 0, "\tx = 1  "), other = row("/b.py", 1, 0, "y = 2"),
			with = row("/a.py", 3, 2, "x = 1\n\n  z = 3\nw"), again = row("/a.py", 1, 0, "changed"),
			wrong = row("/a.py", 9, UINT64_MAX, "only\ntwo"), frame = { .kind = MT_FRAME };

	CHECK("nothing is known at first", sources_find(s, "/a.py", 1) == NULL);
	CHECK("each line is new once",
	      sources_take(s, &one) && sources_take(s, &other) && sources_take(s, &with) && !sources_take(s, &again));
	CHECK("a line's blanks are left out", is_line(s, "/a.py", 1, "x = 1") && is_line(s, "/b.py", 1, "y = 2"));
	CHECK("a line is found among its neighbours", is_line(s, "/a.py", 3, "z = 3"));
	CHECK("the first text of a line stays", is_line(s, "/a.py", 1, "x = 1"));
	CHECK("fewer lines than stated are no line", sources_take(s, &wrong) && is_line(s, "/a.py", 9, ""));
	CHECK("other kinds are ignored", !sources_take(s, &frame));
	CHECK("other files and lines are unknown", !sources_find(s, "/c.py", 1) && !sources_find(s, "/a.py", 2));
	for (uint32_t i = 10; i < 5000; i++)
		sources_take(s, &(struct mt_event){ .kind = MT_SOURCE, .file = { "/c.py", 5 }, .line = i,
						    .name = { "z", 1 } });
	CHECK("many lines", is_line(s, "/c.py", 10, "z") && is_line(s, "/c.py", 4999, "z"));
	sources_free(s);
	return check_done();
}
