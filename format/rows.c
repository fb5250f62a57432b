/*
 * rows.c - the kinds of rows, their names and fields
 */
#include "rows.h"

#include <string.h>

#define MEMBER(m) .member = offsetof(struct mt_event, m), .size = sizeof ((struct mt_event *)NULL)->m
#define F(t, m, n) { .name = n, .type = FIELD_##t, .largest = LARGEST_##t, MEMBER(m) }
#define R(t, m, r) \
	{ .name = #m, .running = #r, .base = offsetof(struct running, r), .type = FIELD_##t, .largest = LARGEST_##t, \
	  MEMBER(m) }
#define COUNTED(n) { .name = n, .type = FIELD_COUNTED }

#define LARGEST_U32 UINT32_MAX
#define LARGEST_U32_OR_0 UINT32_MAX
#define LARGEST_NEW UINT32_MAX
#define LARGEST_DEFINED UINT32_MAX
#define LARGEST_U64 UINT64_MAX
#define LARGEST_TIME INT64_MAX
#define LARGEST_FLAG 1
#define LARGEST_LANG UINT8_MAX
#define LARGEST_TEXT 0
#define LARGEST_OBJECT 0

#define PID ROW_TAKES_PID
#define TID ROW_TAKES_TID
#define TIME ROW_TAKES_TIME

#define N_FIELDS(...) (sizeof((const struct row_field[]){ __VA_ARGS__ }) / sizeof(struct row_field))
/* A row has its number and its fields, except the field for the number that it defines. */
#define ROW(e, r, n, c, defines, ...) \
	[r] = { .name = n, .row = r, .event = e, .context = c, .items = 1 + N_FIELDS(__VA_ARGS__) - (defines), \
		.n_fields = N_FIELDS(__VA_ARGS__), .fields = (const struct row_field[]){ __VA_ARGS__ } },
#define KIND(e, r, n, c, ...) ROW(e, r, n, c, (e) == MT_FUNCTION || (e) == MT_FRAME || (e) == MT_STACK, __VA_ARGS__)
#define ALLOCATION(r, n) \
	ROW(MT_ALLOC, r, n, PID | TID | TIME, 0, F(U64, size, "size"), R(U32, stack, stack), R(U32, id, id), \
	    F(U64, weight, "weight"))

const struct row_kind row_kinds[N_ROWS] = {
	ROW(MT_FREE, ROW_FREE, "free", PID | TID | TIME, 0, R(U32, id, live))
	ALLOCATION(MT_MALLOC, "malloc")
	ALLOCATION(MT_CALLOC, "calloc")
	ALLOCATION(MT_REALLOC, "realloc")
	ALLOCATION(MT_REALLOCARRAY, "reallocarray")
	ALLOCATION(MT_POSIX_MEMALIGN, "posix_memalign")
	ALLOCATION(MT_ALIGNED_ALLOC, "aligned_alloc")
	ALLOCATION(MT_MEMALIGN, "memalign")
	ALLOCATION(MT_VALLOC, "valloc")
	ALLOCATION(MT_PVALLOC, "pvalloc")
	ALLOCATION(MT_MMAP, "mmap")
	ALLOCATION(MT_MREMAP, "mremap")
	ALLOCATION(MT_PYMALLOC_MALLOC, "pymalloc_malloc")
	ALLOCATION(MT_PYMALLOC_CALLOC, "pymalloc_calloc")
	ALLOCATION(MT_PYMALLOC_REALLOC, "pymalloc_realloc")
	ALLOCATION(MT_MMAP_RESERVED, "mmap_reserved")
	ALLOCATION(MT_MMAP_FILE, "mmap_file")
	ALLOCATION(MT_MIMALLOC, "mimalloc")
	ALLOCATION(MT_JEMALLOC, "jemalloc")
	ALLOCATION(MT_POOL, "pool")
#include "kinds.def"
	ROW(MT_OTHER, ROW_PID, "pid", 0, 0, F(U32, pid, "pid"))
	ROW(MT_OTHER, ROW_TID, "tid", 0, 0, F(U32, tid, "tid"))
	ROW(MT_OTHER, ROW_TIME, "time", 0, 0, R(TIME, time_ms, time_ms))
	ROW(MT_OTHER, ROW_SYNC, "sync", 0, 0, F(U32, pid, "pid"), F(U32, tid, "tid"), F(TIME, time_ms, "time_ms"))
	ROW(MT_END, ROW_END, "end", TIME, 0, COUNTED("allocs"), COUNTED("frees"))
};

#undef KIND
#define KIND(e, r, ...) [e] = r,
static const uint8_t rows_of[] = {
	[MT_FREE] = ROW_FREE,
	[MT_END] = ROW_END,
#include "kinds.def"
};
#undef KIND

const struct row_kind *row_of_event(enum mt_kind event)
{
	return &row_kinds[rows_of[event]];
}

bool row_has(const struct row_kind *k, size_t member)
{
	for (unsigned i = 0; i < k->n_fields; i++)
		if (k->fields[i].member == member && k->fields[i].type != FIELD_COUNTED)
			return true;
	return false;
}

/* ---------------------------------------------------------------- names */

const char *mt_kind_name(enum mt_kind kind)
{
	switch (kind) {
	case MT_ALLOC:
		return "alloc";
	case MT_HEADER:
		return "header";
	case MT_OTHER:
		return "other";
	default:
		return row_of_event(kind)->name;
	}
}

bool mt_kind_has_pid(enum mt_kind kind)
{
	if (kind == MT_ALLOC)
		return true;
	if (kind == MT_HEADER || kind == MT_OTHER)
		return false;
	const struct row_kind *k = row_of_event(kind);
	return (k->context & ROW_TAKES_PID) || row_has(k, offsetof(struct mt_event, pid));
}

const char *mt_allocator_name(unsigned allocator)
{
	if (allocator == 0 || allocator >= MT_N_ALLOCATORS)
		return "?";
	return row_kinds[allocator].name;
}

unsigned mt_allocator_of(const char *name, size_t n)
{
	for (unsigned a = 1; a < MT_N_ALLOCATORS; a++)
		if (strlen(row_kinds[a].name) == n && memcmp(row_kinds[a].name, name, n) == 0)
			return a;
	return 0;
}
