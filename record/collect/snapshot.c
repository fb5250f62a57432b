/*
 * snapshot.c - a census of a process
 *
 * The copy's pid is only what the process says. It is believed if the process with that pid has the ring of the
 * recorded process in its memory, which only that process and its children have.
 */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "census/census.h"
#include "census_rows.h"
#include "error.h"
#include "holders.h"
#include "info.h"
#include "pages.h"
#include "system_call.h"
#include "traced.h"
#include "xmalloc.h"

/* ---------------------------------------------------------------- the copy */

struct copy {
	pid_t pid;
	int pidfd, memory;	/* -1: none */
};

/* "7f1…-7f2… rw-s 00000000 00:01 5134   /memfd:memrec (deleted)" */
static bool maps_inode(pid_t pid, uint64_t inode)
{
	char path[64], *line = NULL;
	size_t cap = 0;
	bool found = false;
	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");
	while (maps && !found && getline(&line, &cap, maps) > 0) {
		uint64_t n;
		found = strstr(line, "/memfd:memrec ") && sscanf(line, "%*s %*s %*s %*s %" SCNu64, &n) == 1 &&
			n == inode;
	}
	free(line);
	if (maps)
		fclose(maps);
	return found;
}

/* Returns NULL, or why it cannot be read. */
static const char *open_copy(struct copy *c, const struct process *p, pid_t pid)
{
	char path[64];
	*c = (struct copy){ .pid = pid, .pidfd = (int)system_call(SYS_pidfd_open, pid, 0), .memory = -1 };
	if (!p->ring_inode || !maps_inode(pid, p->ring_inode)) {
		c->pid = 0;	/* not to be ended */
		return "its copy is not found (is it in another pid namespace?)";
	}
	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	c->memory = open(path, O_RDONLY | O_CLOEXEC);
	return c->memory < 0 ? strerror(errno) : NULL;
}

static void end_copy(struct copy *c)
{
	if (c->memory >= 0)
		close(c->memory);
	if (c->pid && (c->pidfd < 0 || system_call(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0) < 0))
		kill(c->pid, SIGKILL);
	if (c->pidfd >= 0)
		close(c->pidfd);
}

/* ---------------------------------------------------------------- the blocks */

static uint64_t size_of(const struct address_slot *s)
{
	return ((s->addr & 0x7fff) << 32 | s->size);	/* without APART */
}

/* Those that came after the copy began are not looked at. Returns the number of blocks; the caller frees them. */
static size_t list_blocks(const struct process *p, struct census_block **blocks)
{
	size_t n = 0;
	*blocks = xmalloc((p->live.used + 1) * sizeof **blocks);
	for (size_t i = 0; i <= p->live.mask; i++) {
		const struct address_slot *s = &p->live.slots[i];
		if (!s->addr)
			continue;
		bool later = (int32_t)(s->id - p->census_begin) > 0;
		(*blocks)[n++] = (struct census_block){ s->addr >> 16, size_of(s), s->id,
							later ? CENSUS_UNSETTLED : 0 };
	}
	census_sort(*blocks, n);
	return n;
}

/* ---------------------------------------------------------------- the rows */

struct census_moment {
	const char *name;
	uint64_t time_ms;
	uint32_t pause_us;	/* how long the copying thread was held up */
};

static void put_census(struct process *p, const struct census_moment *m, bool typed)
{
	struct info info;
	info_init(&info);
	info_text(&info, "moment", m->name, strlen(m->name));
	info_int(&info, "blocks", (int64_t)(p->live.used + p->regions.n));
	info_int(&info, "typed", typed);
	info_int(&info, "pause_us", (int64_t)m->pause_us);
	struct mt_event ev = { .kind = MT_CENSUS, .pid = (uint32_t)p->pid, .info = info_done(&info) };
	output_put(p->out, &ev, m->time_ms);
	info_clear(&info);
}

static void put_row(struct process *p, struct census_row *row, uint64_t time_ms)
{
	struct mt_event ev = { .kind = MT_BLOCKS, .pid = (uint32_t)p->pid, .info = census_row_done(row) };
	if (row->n)
		output_put(p->out, &ev, time_ms);
	census_row_begin(row);
}

static void put_blocks(struct process *p, const struct census_block *b, size_t n, const struct texts *labels,
		       uint64_t time_ms)
{
	struct census_row row;
	census_row_init(&row);
	for (size_t i = 0; i < n; i++) {
		uint32_t label = b[i].label == CENSUS_UNSETTLED ? 0 : b[i].label;
		census_row_add(&row, b[i].addr, b[i].id, texts_text(labels, label));
		if (row.n == CENSUS_ROW_BLOCKS)
			put_row(p, &row, time_ms);
	}
	put_row(p, &row, time_ms);
	for (size_t i = 0; i < p->regions.n; i++) {
		census_row_add(&row, p->regions.at[i].start, p->regions.at[i].id, text_empty);
		if (row.n == CENSUS_ROW_BLOCKS)
			put_row(p, &row, time_ms);
	}
	put_row(p, &row, time_ms);
	census_row_clear(&row);
}

struct beginning_census {
	struct process *process;
	const struct census_moment *moment;
};

static void begin_typed(void *beginning)
{
	const struct beginning_census *b = beginning;
	put_census(b->process, b->moment, true);
}

static void examine(struct process *p, const struct copy *copy, const struct census_moment *moment)
{
	struct texts labels = { 0 };
	struct census_block *blocks;
	size_t n = list_blocks(p, &blocks);
	struct census_source from = { .memory = copy->memory, .release = p->python ? p->python : "",
				      .type_type = p->type_type };
	struct beginning_census beginning = { p, moment };
	struct holders holders = { .process = p, .labels = &labels, .time_ms = moment->time_ms, .begin = begin_typed,
				   .arg = &beginning };
	if (p->out->references)
		holders_begin(&holders, copy->pid, &from);
	bool typed = census_name(blocks, n, &from, &labels);
	if (!typed)
		warn("process %d: the census has no types: %s%s", p->pid,
		     p->python ? "the layout of objects is not known for Python " : "no Python was found",
		     p->python ? p->python : "");
	if (p->out->references)
		holders_end(&holders);
	if (!holders.begun)
		put_census(p, moment, typed);
	put_blocks(p, blocks, n, &labels, moment->time_ms);
	pages_put(p, copy->pid, moment->time_ms);
	texts_clear(&labels);
	free(blocks);
}

void snapshot_take(struct process *p, const struct wire_slot *s)
{
	static const char *const moments[] = {
		[WIRE_MOMENT_REQUEST] = "request", [WIRE_MOMENT_SCRIPT_END] = "script end",
		[WIRE_MOMENT_DETACH] = "detach",
	};
	p->n_censuses++;
	p->census_due = false;
	if (s->addr >= sizeof moments / sizeof *moments || s->size > INT32_MAX) {
		process_refuse(p, "a census that cannot be");
		return;
	}
	if (s->size == 0) {
		warn("process %d: no census: it cannot be copied: %s", p->pid, strerror((int)s->stack));
		return;
	}
	struct copy copy;
	const char *why = open_copy(&copy, p, (pid_t)s->size);
	if (why)
		warn("process %d: no census: %s", p->pid, why);
	else
		examine(p, &copy, &(struct census_moment){ moments[s->addr], slot_ms(p, s), s->stack });
	end_copy(&copy);
}
