/*
 * idset.c - a set of ids, compared with an array of flags
 */
#include "idset.h"

#include <string.h>

#include "check.h"

#define IDS 20000

static bool agrees_with_flags(struct idset *s)
{
	static bool flags[IDS];
	unsigned long long seed = 3;

	memset(flags, 0, sizeof flags);
	for (int i = 0; i < 200000; i++) {
		uint32_t id = (uint32_t)(check_random(&seed) % IDS);
		if (check_random(&seed) % 2) {
			idset_add(s, id);
			flags[id] = true;
		} else {
			if (idset_remove(s, id) != flags[id])
				return false;
			flags[id] = false;
		}
	}
	for (uint32_t id = 0; id < IDS; id++)
		if (idset_has(s, id) != flags[id])
			return false;
	return true;
}

int main(void)
{
	struct idset *s = idset_new();

	CHECK("an empty set has no members", !idset_has(s, 0) && !idset_has(s, UINT32_MAX) && !idset_remove(s, 7));
	CHECK("200000 random changes give the same as an array of flags", agrees_with_flags(s));
	idset_add(s, UINT32_MAX);
	CHECK("the largest id can be a member", idset_has(s, UINT32_MAX) && !idset_has(s, UINT32_MAX - 1) &&
	      idset_remove(s, UINT32_MAX) && !idset_has(s, UINT32_MAX));
	idset_add(s, 5);
	idset_clear(s);
	CHECK("a cleared set has no members", !idset_has(s, 5));
	idset_free(s);
	idset_free(NULL);
	return check_done();
}
