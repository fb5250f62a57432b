/*
 * census_rows.c - the blocks in a row of MT_BLOCKS
 */
#include "census_rows.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* ---------------------------------------------------------------- writing */

void census_row_init(struct census_row *r)
{
	*r = (struct census_row){ 0 };
	msgpack_sbuffer_init(&r->blocks);
	msgpack_sbuffer_init(&r->map);
}

void census_row_clear(struct census_row *r)
{
	texts_clear(&r->types);
	msgpack_sbuffer_destroy(&r->blocks);
	msgpack_sbuffer_destroy(&r->map);
}

void census_row_begin(struct census_row *r)
{
	texts_clear(&r->types);
	msgpack_sbuffer_clear(&r->blocks);
	msgpack_sbuffer_clear(&r->map);
	r->n = 0;
	r->addr = r->id = 0;
}

void census_row_add(struct census_row *r, uint64_t addr, uint32_t id, struct mt_str type)
{
	msgpack_packer pk;
	msgpack_packer_init(&pk, &r->blocks, xpack);
	msgpack_pack_int64(&pk, (int64_t)(addr - r->addr));
	msgpack_pack_int64(&pk, (int64_t)(id - r->id));
	msgpack_pack_uint32(&pk, texts_number(&r->types, type.p, type.n));
	r->addr = addr;
	r->id = id;
	r->n++;
}

static void pack_text(msgpack_packer *pk, const char *p, size_t n)
{
	msgpack_pack_str(pk, n);
	msgpack_pack_str_body(pk, p, n);
}

struct mt_str census_row_done(struct census_row *r)
{
	msgpack_packer pk;
	msgpack_packer_init(&pk, &r->map, xpack);
	msgpack_pack_map(&pk, 2);
	pack_text(&pk, "types", 5);
	msgpack_pack_array(&pk, texts_count(&r->types) - 1);
	for (uint32_t i = 1; i < texts_count(&r->types); i++) {
		struct mt_str name = texts_text(&r->types, i);
		pack_text(&pk, name.p, name.n);
	}
	pack_text(&pk, "blocks", 6);
	msgpack_pack_array(&pk, 3 * (size_t)r->n);
	xpack(&r->map, r->blocks.data, r->blocks.size);
	return (struct mt_str){ r->map.data, r->map.size };
}

/* ---------------------------------------------------------------- reading */

static bool read_names(struct census_reading *r)
{
	size_t cap = 0;
	for (uint32_t i = 0; i < r->n_types; i++) {
		GROW(r->names, (size_t)r->n_names, cap);
		struct mt_str *name = &r->names[r->n_names];
		if (!mp_take_text(&r->types, &name->p, &name->n))
			return false;
		r->n_names++;
	}
	return true;
}

bool census_reading_begin(struct census_reading *r, struct mt_str info)
{
	struct mp_pairs pairs = mp_pairs_begin(info.p, info.n);
	*r = (struct census_reading){ 0 };
	while (mp_pairs_next(&pairs)) {
		struct mp_view items = pairs.value;
		if (mp_key_is(&pairs, "types") && mp_take_head(&items, MP_ARRAY, &r->n_types)) {
			r->types = items;
		} else if (mp_key_is(&pairs, "blocks") && mp_take_head(&items, MP_ARRAY, &r->n_blocks)) {
			r->blocks = items;
			r->has_blocks = true;
		}
	}
	return !pairs.damaged && read_names(r);
}

bool census_reading_next(struct census_reading *r, struct census_entry *e)
{
	int64_t addr, id;
	uint64_t type;
	if (r->n_blocks < 3 || !mp_take_int(&r->blocks, &addr) || !mp_take_int(&r->blocks, &id) ||
	    !mp_take_uint(&r->blocks, &type) || type > r->n_names)
		return false;
	r->n_blocks -= 3;
	r->addr += (uint64_t)addr;
	r->id += (uint64_t)id;
	if (r->id > UINT32_MAX)
		return false;
	*e = (struct census_entry){ r->addr, (uint32_t)r->id, .type_number = (uint32_t)type };
	e->type = type ? r->names[type - 1] : text_empty;
	return true;
}

void census_reading_clear(struct census_reading *r)
{
	free(r->names);
	r->names = NULL;
	r->n_names = 0;
}

/* ---------------------------------------------------------------- both */

struct mt_str census_row_renumber(struct census_row *r, struct mt_str info, const struct live *live)
{
	struct census_reading reading;
	struct census_entry e;
	struct block b;

	census_row_begin(r);
	if (!census_reading_begin(&reading, info) || !reading.has_blocks) {
		census_reading_clear(&reading);
		return info;
	}
	while (census_reading_next(&reading, &e))
		if (live_find(live, e.id, &b))
			census_row_add(r, e.addr, b.key, e.type);
	census_reading_clear(&reading);
	return census_row_done(r);
}
