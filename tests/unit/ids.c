/*
 * ids.c - ids are consecutive, and after the last one skip those in use
 */
#include "ids.h"

#include "check.h"

static const uint32_t held[] = { 5, 1, 2, UINT32_MAX, 7 };
static struct ids ids;

static void hold(void *arg)
{
	++*(int *)arg;
	for (size_t i = 0; i < sizeof held / sizeof *held; i++)
		ids_hold(&ids, held[i]);
}

static bool gives(const uint32_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ids_take(&ids) != want[i])
			return false;
	return true;
}

int main(void)
{
	int rounds = 0;

	ids = (struct ids){ .holder = hold, .arg = &rounds };
	CHECK("ids begin at 1, and the holder is not called", gives((const uint32_t[]){ 1, 2, 3 }, 3) && rounds == 0);
	ids.last = UINT32_MAX - 2;
	CHECK("after the last id they begin again, skipping those in use",
	      gives((const uint32_t[]){ UINT32_MAX - 1, UINT32_MAX, 3, 4, 6, 8, 9 }, 7) && rounds == 1);
	ids.last = UINT32_MAX - 2;
	ids.stop = UINT32_MAX - 1;
	CHECK("the last id is skipped too if it is in use",
	      gives((const uint32_t[]){ UINT32_MAX - 1, 3, 4 }, 3) && rounds == 2);
	ids_clear(&ids);
	return check_done();
}
