/*
 * pack_time.c - the part of a page's data that is about time (pack.h has the layout)
 */
#include "pack_time.h"

#include <inttypes.h>
#include <stdlib.h>

#include "error.h"
#include "pack.h"

#define PROCESSES 200		/* at most so many are shown on the strip */

/* ---------------------------------------------------------------- the strip */

static void write_ms(FILE *out, uint64_t ms)
{
	if (ms == UINT64_MAX)
		fputs(",null", out);
	else
		fprintf(out, ",%" PRIu64, ms);
}

void write_time(const struct recording *r, FILE *out)
{
	static const char *const mode[] = { [TALLY_PEAK] = "alive", [TALLY_LEAKS] = "leaked", [TALLY_TOTAL] = "made" };

	fprintf(out, ",\"time\":{\"mode\":\"%s\",\"end\":%" PRIu64 ",\"filters\":", mode[r->what], r->end_ms);
	json_printable(out, r->filters);
	fputs(",\"processes\":[", out);
	for (size_t i = 0; i < r->n_processes && i < PROCESSES; i++) {
		fprintf(out, "%s[%u,", i ? "," : "", (unsigned)r->processes[i].pid);
		json_printable(out, r->processes[i].command);
		write_ms(out, r->processes[i].begin_ms);
		write_ms(out, r->processes[i].end_ms);
		putc(']', out);
	}
	fputs("],\"spans\":[", out);
	for (size_t i = 0; i < r->n_spans; i++) {
		fprintf(out, "%s[%u,", i ? "," : "", (unsigned)r->spans[i].pid);
		json_printable(out, r->spans[i].name);
		write_ms(out, r->spans[i].begin_ms);
		write_ms(out, r->spans[i].end_ms);
		putc(']', out);
	}
	fputs("]}", out);
}

/* ---------------------------------------------------------------- columns */

void put_slices(struct buffer *b, const struct points *p)
{
	size_t n = points_slices(p);
	uint64_t *v = xcalloc(n + 1, sizeof *v);

	buffer_number(b, points_slice_ms(p));
	buffer_number(b, n);
	for (size_t i = 0; i < n; i++)
		v[i] = points_slice(p, i)->most_ms;
	buffer_column(b, v, n);
	for (size_t i = 0; i < n; i++)
		v[i] = points_slice(p, i)->most;
	buffer_column(b, v, n);
	for (size_t i = 0; i < n; i++)
		v[i] = points_slice(p, i)->last;
	buffer_column(b, v, n);
	for (size_t i = 0; i < n; i++)
		v[i] = points_slice(p, i)->rss;
	buffer_column(b, v, n);
	free(v);
}

/* Returns the intervals sorted by node (counting sort), as node << 32 | interval; those of a node keep their order. */
static uint64_t *by_node(const struct recording *r, const uint32_t *node_of_key, const struct tree_order *order,
			 uint32_t n_nodes)
{
	size_t n = points_intervals(r->points);
	uint32_t *place = xmalloc(n_nodes * sizeof *place), *next = xcalloc((size_t)n_nodes + 1, sizeof *next);
	uint64_t *sorted = xmalloc((n + 1) * sizeof *sorted);

	for (uint32_t i = 0; i < n_nodes; i++)
		place[order->nodes[i]] = i;
	for (size_t i = 0; i < n; i++)
		next[place[node_of_key[points_interval(r->points, i).key]] + 1]++;
	for (uint32_t i = 0; i < n_nodes; i++)
		next[i + 1] += next[i];
	for (size_t i = 0; i < n; i++) {
		uint32_t node = place[node_of_key[points_interval(r->points, i).key]];
		sorted[next[node]++] = (uint64_t)node << 32 | i;
	}
	free(place);
	free(next);
	return sorted;
}

void put_intervals(struct buffer *b, const struct recording *r, const uint32_t *node_of_key,
		   const struct tree_order *order, uint32_t n_nodes)
{
	const struct points *p = r->points;
	size_t n = points_intervals(p);
	uint64_t *sorted = by_node(r, node_of_key, order, n_nodes), node = 0;
	uint64_t *v = xcalloc(n + 1, sizeof *v);

	buffer_number(b, n);
	for (size_t i = 0; i < n; i++) {
		v[i] = (sorted[i] >> 32) - node;
		node = sorted[i] >> 32;
	}
	buffer_column(b, v, n);
	for (size_t i = 0; i < n; i++)
		v[i] = points_interval(p, (uint32_t)sorted[i]).begin;
	buffer_column(b, v, n);
	for (size_t i = 0; i < n; i++) {
		struct interval at = points_interval(p, (uint32_t)sorted[i]);
		v[i] = at.end == 2 * points_slices(p) ? 0 : at.end - at.begin + 1;
	}
	buffer_column(b, v, n);
	for (size_t i = 0; i < n; i++)
		v[i] = points_interval(p, (uint32_t)sorted[i]).fate;
	buffer_column(b, v, n);
	for (size_t i = 0; i < n; i++)
		v[i] = points_interval(p, (uint32_t)sorted[i]).amount.bytes;
	buffer_column(b, v, n);
	for (size_t i = 0; i < n; i++)
		v[i] = points_interval(p, (uint32_t)sorted[i]).amount.count;
	buffer_column(b, v, n);
	free(v);
	free(sorted);
}
