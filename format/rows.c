/*
 * rows.c - the kinds of rows, their names and fields
 */
#include "rows.h"

#include <stddef.h>
#include <string.h>

#include "memtrace.h"

#define ALLOCATION "size stack+ id+ weight"

const struct row_kind row_kinds[] = {
	{ROW_FREE, "free", "live+"},
	{MT_MALLOC, "malloc", ALLOCATION},
	{MT_CALLOC, "calloc", ALLOCATION},
	{MT_REALLOC, "realloc", ALLOCATION},
	{MT_REALLOCARRAY, "reallocarray", ALLOCATION},
	{MT_POSIX_MEMALIGN, "posix_memalign", ALLOCATION},
	{MT_ALIGNED_ALLOC, "aligned_alloc", ALLOCATION},
	{MT_MEMALIGN, "memalign", ALLOCATION},
	{MT_VALLOC, "valloc", ALLOCATION},
	{MT_PVALLOC, "pvalloc", ALLOCATION},
	{MT_MMAP, "mmap", ALLOCATION},
	{MT_MREMAP, "mremap", ALLOCATION},
	{MT_PYMALLOC_MALLOC, "pymalloc_malloc", ALLOCATION},
	{MT_PYMALLOC_CALLOC, "pymalloc_calloc", ALLOCATION},
	{MT_PYMALLOC_REALLOC, "pymalloc_realloc", ALLOCATION},
	{ROW_RESIZE, "resize", "live+ size"},
	{ROW_FUNCTION, "function", "lang name file line+ module"},
	{ROW_FRAME, "frame", "function+ line+"},
	{ROW_STACK, "stack", "parent+ frame+"},
	{ROW_PROCESS, "process", "pid info"},
	{ROW_EXIT, "exit", "pid info"},
	{ROW_THREAD, "thread", "tid name"},
	{ROW_RSS, "rss", "size"},
	{ROW_LOST, "lost", "count reason"},
	{ROW_SKIPPED, "skipped", "count"},
	{ROW_SPAN, "span", "pid tid time_ms begins name"},
	{ROW_PID, "pid", "pid"},
	{ROW_TID, "tid", "tid"},
	{ROW_TIME, "time", "time_ms+"},
	{ROW_SYNC, "sync", "pid tid time_ms"},
	{ROW_END, "end", "allocs frees"},
	{0, NULL, NULL},
};

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
