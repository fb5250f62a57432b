/*
 * resident.c - tests the sums of what the system says about processes
 */
#include "resident.h"

#include "check.h"

static struct mt_event memory(uint32_t pid, const char *map, size_t n)
{
	return (struct mt_event){ .kind = MT_MEMORY, .pid = pid, .info = { map, n } };
}

#define MAP(bytes) bytes, sizeof bytes - 1

static bool are(const struct resident_sizes *s, uint64_t rss, uint64_t private, uint64_t proportional, uint64_t swap)
{
	return s->rss == rss && s->private == private && s->proportional == proportional && s->swap == swap;
}

int main(void)
{
	struct resident r = { 0 };
	struct mt_event alloc = { .kind = MT_ALLOC, .pid = 1 }, rss = { .kind = MT_RSS, .pid = 1, .size = 100 },
			exit_ = { .kind = MT_EXIT, .pid = 1 },
			whole = memory(1, MAP("\x83\xa7private\x0a\xacproportional\x14\xa4swap\x05")),
			part = memory(2, MAP("\x82\xa7private\x03\xa5other\x07")),
			nonsense = memory(2, MAP("\x81\xa7private\xff"));
	struct resident_sizes most = { 0 };

	CHECK("other events are ignored", !resident_take(&r, &alloc) && r.n == 0);
	CHECK("resident sizes and footprints are of their process",
	      resident_take(&r, &rss) && resident_take(&r, &whole) && are(resident_of(&r, 1), 100, 10, 20, 5));
	CHECK("unknown and missing keys count nothing",
	      resident_take(&r, &part) && are(resident_of(&r, 2), 0, 3, 0, 0));
	CHECK("all processes are added up", are(&r.all, 100, 13, 20, 5));
	resident_raise(&most, &r.all);
	CHECK("a new sample replaces the last one, and a negative one is none",
	      resident_take(&r, &nonsense) && are(&r.all, 100, 10, 20, 5));
	CHECK("a process that ends has nothing", resident_take(&r, &exit_) && are(&r.all, 0, 0, 0, 0));
	resident_raise(&most, &r.all);
	CHECK("the most of each stays", are(&most, 100, 13, 20, 5));
	resident_clear(&r);
	return check_done();
}
