/*
 * threads.c - numbers and names of threads
 */
#include "threads.h"

#include <string.h>

#include "check.h"

static struct mt_event named(uint32_t pid, uint32_t tid, const char *name)
{
	return (struct mt_event){ .kind = MT_THREAD, .pid = pid, .tid = tid, .name = { name, strlen(name) } };
}

static void give(struct threads *t, struct mt_event ev)
{
	threads_take(t, &ev);
}

/* 3000 threads in three processes with the same tids: each pair has a number of its own, always the same. */
static bool numbers_are_stable(struct threads *t)
{
	uint32_t first[3000];

	for (uint32_t i = 0; i < 3000; i++)
		first[i] = threads_number(t, 10 + i % 3, i / 3);
	for (uint32_t i = 3000; i-- > 0; )
		if (first[i] != i || threads_number(t, 10 + i % 3, i / 3) != i)
			return false;
	return threads_number(t, 9, 9) == 3000;
}

int main(void)
{
	struct threads *t = threads_new();

	struct threads *fresh = threads_new();
	for (uint32_t i = 0; i < 200; i++)
		give(fresh, named(1, i, i % 2 ? "odd" : "even"));
	CHECK("a name may come before anything else about a thread",
	      strcmp(threads_thread(fresh, 0)->name, "even") == 0 &&
		  strcmp(threads_thread(fresh, 199)->name, "odd") == 0);
	threads_free(fresh);

	CHECK("each pid and tid has its own consecutive number, which does not change", numbers_are_stable(t));
	uint32_t n = threads_number(t, 11, 5);
	CHECK("a thread without a name has the empty one", strcmp(threads_thread(t, n)->name, "") == 0);
	give(t, named(11, 5, "first"));
	give(t, named(11, 5, "worker"));
	give(t, named(12, 5, "other"));
	CHECK("the last name in that process counts", strcmp(threads_thread(t, n)->name, "worker") == 0);
	give(t, (struct mt_event){ .kind = MT_HEADER });
	CHECK("in another trace it is the same thread",
	      strcmp(threads_thread(t, n)->name, "worker") == 0 && threads_number(t, 11, 5) == n);
	give(t, named(11, 5, ""));
	CHECK("an empty name removes the name", strcmp(threads_thread(t, n)->name, "") == 0);
	threads_free(t);
	threads_free(NULL);
	return check_done();
}
