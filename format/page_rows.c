/*
 * page_rows.c - a row of MT_PAGES
 */
#include "page_rows.h"

#include <string.h>

#include "xmalloc.h"

static const char *const names[N_MAPPING_KINDS] = {
	[MAPPING_ANONYMOUS] = "anonymous", [MAPPING_HEAP] = "heap", [MAPPING_STACK] = "stack",
	[MAPPING_FILE] = "file",
};

/* ---------------------------------------------------------------- writing */

void page_row_init(struct page_row *r)
{
	*r = (struct page_row){ 0 };
	msgpack_sbuffer_init(&r->runs);
	msgpack_sbuffer_init(&r->map);
}

void page_row_clear(struct page_row *r)
{
	msgpack_sbuffer_destroy(&r->runs);
	msgpack_sbuffer_destroy(&r->map);
}

void page_row_begin(struct page_row *r, uint64_t start)
{
	msgpack_sbuffer_clear(&r->runs);
	msgpack_sbuffer_clear(&r->map);
	r->start = start;
	r->n_pages = 0;
	r->n_runs = 0;
}

void page_row_add(struct page_row *r, uint64_t absent, uint64_t resident)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, &r->runs, xpack);
	msgpack_pack_uint64(&pk, absent);
	msgpack_pack_uint64(&pk, resident);
	r->n_pages += absent + resident;
	r->n_runs++;
}

static void pack_key(msgpack_packer *pk, const char *name)
{
	msgpack_pack_str(pk, strlen(name));
	msgpack_pack_str_body(pk, name, strlen(name));
}

struct mt_str page_row_done(struct page_row *r, enum mapping_kind kind)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, &r->map, xpack);
	msgpack_pack_map(&pk, 3);
	pack_key(&pk, "mapping");
	pack_key(&pk, names[kind]);
	pack_key(&pk, "start");
	msgpack_pack_uint64(&pk, r->start);
	pack_key(&pk, "resident");
	msgpack_pack_array(&pk, 2 * (size_t)r->n_runs);
	xpack(&r->map, r->runs.data, r->runs.size);
	return (struct mt_str){ r->map.data, r->map.size };
}

/* ---------------------------------------------------------------- reading */

static enum mapping_kind kind_of(struct mt_str name)
{
	for (size_t i = 0; i < N_MAPPING_KINDS; i++)
		if (name.n == strlen(names[i]) && memcmp(name.p, names[i], name.n) == 0)
			return (enum mapping_kind)i;
	return MAPPING_ANONYMOUS;
}

bool page_reading_begin(struct page_reading *r, struct mt_str info)
{
	struct mp_pairs pairs = mp_pairs_begin(info.p, info.n);

	*r = (struct page_reading){ .kind = kind_of(mt_info_text(info, "mapping")) };
	while (mp_pairs_next(&pairs)) {
		struct mp_view items = pairs.value;
		if (mp_key_is(&pairs, "start"))
			mp_take_uint(&items, &r->start);
		else if (mp_key_is(&pairs, "resident") && mp_take_head(&items, MP_ARRAY, &r->n_runs))
			r->runs = items;
	}
	r->at = r->start;
	return !pairs.damaged;
}

/* Adds so many pages to an address. Returns false if that is beyond all addresses. */
static bool advance(uint64_t *addr, uint64_t pages)
{
	uint64_t bytes;

	return !__builtin_mul_overflow(pages, PAGE_ROW_PAGE, &bytes) && !__builtin_add_overflow(*addr, bytes, addr);
}

bool page_reading_next(struct page_reading *r, uint64_t *start, uint64_t *end)
{
	uint64_t absent, resident;

	if (r->n_runs < 2 || !mp_take_uint(&r->runs, &absent) || !mp_take_uint(&r->runs, &resident) ||
	    !advance(&r->at, absent))
		return false;
	*start = r->at;
	if (!advance(&r->at, resident))
		return false;
	*end = r->at;
	r->n_runs -= 2;
	return true;
}
