/*
 * pages.c - which pages of a process are resident
 *
 * Source: Documentation/admin-guide/mm/pagemap.rst in Linux. Without privileges its entries have no page numbers, but
 * these bits.
 */
#include "pages.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "page_rows.h"

#define PRESENT (UINT64_C(1) << 63)
#define OF_FILE (UINT64_C(1) << 61)	/* or shared */
#define ENTRIES 8192u			/* read at once */

struct walk {
	struct process *process;
	uint64_t time_ms;
	int pagemap;
	struct page_row row;
	enum mapping_kind kind;
	uint64_t absent, resident;	/* the run so far */
};

static void put_row(struct walk *w)
{
	struct mt_event ev = { .kind = MT_PAGES, .pid = (uint32_t)w->process->pid,
			       .info = page_row_done(&w->row, w->kind) };

	if (w->row.n_runs)
		output_put(w->process->out, &ev, w->time_ms);
	page_row_begin(&w->row, w->row.start + w->row.n_pages * PAGE_ROW_PAGE);
}

static void end_run(struct walk *w)
{
	if (w->resident)
		page_row_add(&w->row, w->absent, w->resident);
	if (w->row.n_runs == PAGE_ROW_RUNS)
		put_row(w);
	w->absent = w->resident = 0;
}

static void take_page(struct walk *w, bool resident)
{
	if (!resident && w->resident)
		end_run(w);
	if (resident)
		w->resident++;
	else
		w->absent++;
}

/* Looks at the pages of a mapping until `pages` resident ones are found, as many as it has. */
static void walk_mapping(struct walk *w, uint64_t start, uint64_t end, uint64_t pages)
{
	static uint64_t entries[ENTRIES];

	page_row_begin(&w->row, start);
	w->absent = w->resident = 0;
	for (uint64_t at = start; at < end && pages; ) {
		uint64_t left = (end - at) / PAGE_ROW_PAGE, n = left < ENTRIES ? left : ENTRIES;
		ssize_t got = pread(w->pagemap, entries, n * 8, (off_t)(at / PAGE_ROW_PAGE * 8));
		if (got < 8)
			break;
		for (ssize_t i = 0; i < got / 8 && pages; i++) {
			bool resident = (entries[i] & PRESENT) && !(entries[i] & OF_FILE);
			take_page(w, resident);
			pages -= resident;
			at += PAGE_ROW_PAGE;
		}
	}
	end_run(w);
	put_row(w);
}

static enum mapping_kind kind_of(const char *name)
{
	return strcmp(name, "[heap]") == 0 ? MAPPING_HEAP : strcmp(name, "[stack]") == 0 ? MAPPING_STACK :
	       name[0] == '/' ? MAPPING_FILE : MAPPING_ANONYMOUS;
}

/* A mapping begins with "7f1…-7f2… rw-p 00000000 00:01 5134   NAME"; "Anonymous:   132 kB" follows. */
static void walk_all(struct walk *w, FILE *smaps)
{
	uint64_t start = 0, end = 0, kb;
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, smaps) > 0) {
		uint64_t from, to;
		int name = 0;
		if (sscanf(line, "Anonymous: %" SCNu64 " kB", &kb) == 1) {
			if (kb && end > start)
				walk_mapping(w, start, end, kb * 1024 / PAGE_ROW_PAGE);
		} else if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &from, &to, &name) == 2 && name) {
			line[strcspn(line, "\n")] = '\0';
			start = from;
			end = to;
			w->kind = kind_of(line + name);
		}
	}
	free(line);
}

void pages_put(struct process *p, pid_t copy, uint64_t time_ms)
{
	struct walk w = { .process = p, .time_ms = time_ms };
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/pagemap", (int)copy);
	w.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/%d/smaps", (int)copy);
	FILE *smaps = fopen(path, "re");
	page_row_init(&w.row);
	if (smaps && w.pagemap >= 0)
		walk_all(&w, smaps);
	page_row_clear(&w.row);
	if (smaps)
		fclose(smaps);
	if (w.pagemap >= 0)
		close(w.pagemap);
}
