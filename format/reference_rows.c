/*
 * reference_rows.c - the references in a row of MT_BLOCKS
 */
#include "reference_rows.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* ---------------------------------------------------------------- writing */

void reference_row_init(struct reference_row *r)
{
	*r = (struct reference_row){ 0 };
	msgpack_sbuffer_init(&r->numbers);
	msgpack_sbuffer_init(&r->map);
}

void reference_row_clear(struct reference_row *r)
{
	texts_clear(&r->names);
	msgpack_sbuffer_destroy(&r->numbers);
	msgpack_sbuffer_destroy(&r->map);
}

void reference_row_begin(struct reference_row *r)
{
	texts_clear(&r->names);
	msgpack_sbuffer_clear(&r->numbers);
	msgpack_sbuffer_clear(&r->map);
	r->n = 0;
	r->from = r->to = 0;
}

static void put(struct reference_row *r, int64_t number)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, &r->numbers, xpack);
	msgpack_pack_int64(&pk, number);
	r->n++;
}

void reference_row_from(struct reference_row *r, uint64_t from, uint32_t n)
{
	put(r, (int64_t)(from - r->from));
	put(r, n);
	r->from = r->to = from;
}

void reference_row_to(struct reference_row *r, uint64_t to, struct mt_str name, int64_t index)
{
	put(r, (int64_t)(to - r->to));
	put(r, name.n ? 2 * (int64_t)texts_number(&r->names, name.p, name.n) : index >= 0 ? 2 * index + 1 : 0);
	r->to = to;
}

static void pack_text(msgpack_packer *pk, const char *p, size_t n)
{
	msgpack_pack_str(pk, n);
	msgpack_pack_str_body(pk, p, n);
}

struct mt_str reference_row_done(struct reference_row *r, const char *root)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, &r->map, xpack);
	msgpack_pack_map(&pk, root ? 3 : 2);
	if (root) {
		pack_text(&pk, "root", 4);
		pack_text(&pk, root, strlen(root));
	}
	pack_text(&pk, "names", 5);
	msgpack_pack_array(&pk, texts_count(&r->names) - 1);
	for (uint32_t i = 1; i < texts_count(&r->names); i++) {
		struct mt_str name = texts_text(&r->names, i);
		pack_text(&pk, name.p, name.n);
	}
	pack_text(&pk, "references", 10);
	msgpack_pack_array(&pk, r->n);
	xpack(&r->map, r->numbers.data, r->numbers.size);
	return (struct mt_str){ r->map.data, r->map.size };
}

/* ---------------------------------------------------------------- reading */

static bool read_names(struct reference_reading *r, uint32_t n)
{
	size_t cap = 0;

	for (uint32_t i = 0; i < n; i++) {
		GROW(r->name, (size_t)r->n_names, cap);
		if (!mp_take_text(&r->names, &r->name[r->n_names].p, &r->name[r->n_names].n))
			return false;
		r->n_names++;
	}
	return true;
}

bool reference_reading_begin(struct reference_reading *r, struct mt_str info)
{
	struct mp_pairs pairs = mp_pairs_begin(info.p, info.n);
	uint32_t n_names = 0;
	bool any = false;

	*r = (struct reference_reading){ .root = mt_info_text(info, "root") };
	while (mp_pairs_next(&pairs)) {
		struct mp_view items = pairs.value;
		if (mp_key_is(&pairs, "names") && mp_take_head(&items, MP_ARRAY, &n_names)) {
			r->names = items;
		} else if (mp_key_is(&pairs, "references") && mp_take_head(&items, MP_ARRAY, &r->n_numbers)) {
			r->numbers = items;
			any = true;
		}
	}
	return any && !pairs.damaged && read_names(r, n_names);
}

static bool take(struct reference_reading *r, int64_t *number)
{
	if (!r->n_numbers || !mp_take_int(&r->numbers, number))
		return false;
	r->n_numbers--;
	return true;
}

bool reference_reading_next(struct reference_reading *r, struct reference_entry *e)
{
	int64_t number, label;

	while (!r->left) {
		int64_t n;
		if (!take(r, &number) || !take(r, &n) || n < 0 || n > UINT32_MAX)
			return false;
		r->from += (uint64_t)number;
		r->to = r->from;
		r->left = (uint32_t)n;
	}
	if (!take(r, &number) || !take(r, &label) || label < 0 || (label % 2 == 0 && label / 2 > r->n_names))
		return false;
	r->left--;
	r->to += (uint64_t)number;
	*e = (struct reference_entry){ r->from, r->to, text_empty, label % 2 ? label / 2 : -1 };
	if (label && label % 2 == 0)
		e->name = r->name[label / 2 - 1];
	return true;
}

void reference_reading_clear(struct reference_reading *r)
{
	free(r->name);
	r->name = NULL;
	r->n_names = 0;
}
