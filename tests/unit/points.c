/*
 * points.c - memory over time, compared with a copy of everything at every event: 400 random runs
 */
#include "points.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define RUNS 400
#define KEYS 5
#define EVENTS 3000

struct made {
	uint32_t key, number;
	int begin, end;			/* numbers of events; end -1: still open */
	struct amount left;
	enum fate fate;
	bool temporary, apart;
};

/* A part of an allocation, freed before the rest. */
struct part {
	int made, end;
	uint64_t bytes;
};

struct model {
	int n;				/* events */
	uint64_t time[EVENTS + 1];	/* of each; event 0 is the beginning */
	uint64_t alive[EVENTS + 1];
	bool apart[EVENTS + 1];		/* of an allocation that counts as alive at no point */
	struct made made[EVENTS];
	int n_made;
	struct part parts[EVENTS];
	int n_parts;
	struct points *p;
};

/* The conditions that held in all runs. */
static bool births = true, slices = true, sums = true, times = true, at_points = true, at_highest = true,
	    in_ranges = true;
static unsigned long long seed;

static unsigned below(unsigned n)
{
	return (unsigned)(check_random(&seed) % n);
}

static void event(struct model *m, int64_t bytes, bool apart)
{
	m->n++;
	m->apart[m->n] = apart;
	m->alive[m->n] = m->alive[m->n - 1] + (apart ? 0 : (uint64_t)bytes);
}

static void begin(struct model *m)
{
	struct amount a = { .bytes = below(4) ? below(1000) : 0, .count = 1 + (below(5) == 0) };
	struct made *made = &m->made[m->n_made++];

	bool apart = below(8) == 0;

	event(m, (int64_t)a.bytes, apart);
	*made = (struct made){ .key = below(KEYS), .begin = m->n, .end = -1, .left = a, .apart = apart };
	made->number = points_number(m->p);
	if (apart)
		points_begin_apart(m->p, made->number, made->key);
	else
		points_begin(m->p, made->number, made->key, a);
	births &= points_birth(m->p, made->number) == points_now(m->p) && points_key(m->p, made->number) == made->key;
}

static void end(struct model *m, struct made *made, enum fate fate)
{
	made->end = m->n;
	made->fate = fate = made->apart ? FATE_NO_LEAK : fate;
	made->temporary = fate == FATE_FREED && below(3) == 0;
	points_end(m->p, made->number, made->left, fate, made->temporary);
}

/* Frees one allocation, or a part of it, or all of a key at once. */
static void free_some(struct model *m, int i)
{
	struct made *made = &m->made[i];

	if (below(10) == 0 && made->left.bytes) {
		uint64_t lost = 1 + below((unsigned)made->left.bytes);
		event(m, -(int64_t)lost, made->apart);
		m->parts[m->n_parts++] = (struct part){ i, m->n, lost };
		made->left.bytes -= lost;
		enum fate fate = made->apart ? FATE_NO_LEAK : FATE_FREED;
		points_shrink(m->p, made->number, (struct amount){ .bytes = lost }, fate);
	} else if (below(100) == 0) {
		int64_t all = 0;
		bool apart = true;
		for (int k = 0; k < m->n_made; k++)
			if (m->made[k].end < 0 && m->made[k].key == made->key && !m->made[k].apart) {
				all += (int64_t)m->made[k].left.bytes;
				apart = false;
			}
		event(m, -all, apart);
		for (int k = 0; k < m->n_made; k++)
			if (m->made[k].end < 0 && m->made[k].key == m->made[i].key)
				end(m, &m->made[k], below(2) ? FATE_LEAKED : FATE_NO_LEAK);
	} else {
		event(m, -(int64_t)made->left.bytes, made->apart);
		end(m, made, FATE_FREED);
	}
	points_settle(m->p);
}

static void run(struct model *m, unsigned step_ms, unsigned growth)
{
	int n = (int)below(4) ? EVENTS : 50;
	uint64_t time_ms = 0;

	while (m->n < n) {
		/* Sometimes nothing happens for long, sometimes much at once. */
		time_ms += below(3) ? 0 : below(step_ms + 1) * (below(50) ? 1 : 300);
		points_reach(m->p, time_ms);
		int i = m->n_made ? (int)below((unsigned)m->n_made) : 0;
		if (m->n_made && m->made[i].end < 0 && below(100) >= growth)
			free_some(m, i);
		else
			begin(m);
		m->time[m->n] = time_ms;
	}
	points_close(m->p);
	for (int i = 0; i < m->n_made; i++)
		if (m->made[i].end < 0) {
			m->made[i].fate = m->made[i].apart ? FATE_NO_LEAK : (enum fate)below(3);
			points_leave(m->p, m->made[i].number, m->made[i].left, m->made[i].fate);
		}
	points_finish(m->p);
}

/* ---------------------------------------------------------------- the definitions */

/* Returns the last event before that time. */
static int before(const struct model *m, uint64_t ms)
{
	int e = m->n;

	while (e > 0 && m->time[e] >= ms)
		e--;
	return e;
}

/* Returns the event from first to last after which most was alive; the last of equal ones. */
static int highest(const struct model *m, int first, int last)
{
	while (first > 0 && m->apart[first])
		first--;
	int most = first;
	for (int e = first + 1; e <= last; e++)
		if (!m->apart[e] && m->alive[e] >= m->alive[most])
			most = e;
	return most;
}

static void alive_at(const struct model *m, int e, struct amount held[KEYS])
{
	memset(held, 0, KEYS * sizeof *held);
	for (int i = 0; i < m->n_made; i++) {
		const struct made *made = &m->made[i];
		if (made->apart || made->begin > e || (made->end >= 0 && made->end <= e))
			continue;
		held[made->key].bytes += made->left.bytes;
		held[made->key].count += made->left.count;
	}
	for (int i = 0; i < m->n_parts; i++) {
		const struct made *made = &m->made[m->parts[i].made];
		if (!made->apart && made->begin <= e && m->parts[i].end > e)
			held[made->key].bytes += m->parts[i].bytes;
	}
}

enum what { MADE, LEAKED, TEMPORARY };

/* Sums up the allocations made after event a, up to event b. */
static void made_in(const struct model *m, int a, int b, enum what what, struct amount held[KEYS])
{
	memset(held, 0, KEYS * sizeof *held);
	for (int i = 0; i < m->n_made; i++) {
		const struct made *made = &m->made[i];
		bool open = made->end < 0 || made->end > b;
		bool leaked = made->fate == FATE_LEAKED || (made->fate == FATE_FREED && open);
		if (made->begin <= a || made->begin > b || (what == LEAKED && !leaked) ||
		    (what == TEMPORARY && !made->temporary))
			continue;
		held[made->key].bytes += made->left.bytes;
		held[made->key].count += made->left.count;
	}
	for (int i = 0; i < m->n_parts; i++) {
		const struct made *made = &m->made[m->parts[i].made];
		bool open = m->parts[i].end > b && !made->apart;
		if (made->begin > a && made->begin <= b && what != TEMPORARY && (what == MADE || open))
			held[made->key].bytes += m->parts[i].bytes;
	}
}

/* ---------------------------------------------------------------- the table's answers */

static void add(struct amount held[KEYS], const struct interval *i)
{
	held[i->key].bytes += i->amount.bytes;
	held[i->key].count += i->amount.count;
}

static void table_alive(const struct points *p, uint32_t point, struct amount held[KEYS])
{
	memset(held, 0, KEYS * sizeof *held);
	for (size_t k = 0; k < points_intervals(p); k++) {
		struct interval i = points_interval(p, k);
		if (i.fate != FATE_TEMPORARY && i.begin <= point && point < i.end)
			add(held, &i);
	}
}

static void table_made(const struct points *p, size_t first, size_t last, enum what what, struct amount held[KEYS])
{
	memset(held, 0, KEYS * sizeof *held);
	for (size_t k = 0; k < points_intervals(p); k++) {
		struct interval i = points_interval(p, k);
		bool leaked = i.fate == FATE_LEAKED || (i.fate == FATE_FREED && i.end > 2 * last + 1);
		if (i.begin < 2 * first || i.begin > 2 * last + 1 ||
		    (i.fate == FATE_TEMPORARY) != (what == TEMPORARY) || (what == LEAKED && !leaked))
			continue;
		add(held, &i);
	}
}

static void check_run(const struct model *m)
{
	struct amount want[KEYS], got[KEYS];
	uint64_t ms = points_slice_ms(m->p), most = 0;
	size_t n = points_slices(m->p);

	slices &= n > m->time[m->n] / ms && n <= 512;
	for (size_t i = 0; i < n; i++) {
		const struct slice *s = points_slice(m->p, i);
		int first = before(m, i * ms), last = before(m, (i + 1) * ms), at = highest(m, first, last);
		sums &= s->most == m->alive[at] && s->last == m->alive[last];
		times &= s->most_ms == m->time[at];
		most = s->most > most ? s->most : most;
		alive_at(m, at, want);
		table_alive(m->p, (uint32_t)(2 * i), got);
		at_points &= memcmp(want, got, sizeof got) == 0;
		alive_at(m, last, want);
		table_alive(m->p, (uint32_t)(2 * i + 1), got);
		at_points &= memcmp(want, got, sizeof got) == 0;
	}
	int at = highest(m, 0, m->n);
	at_highest &= points_slice(m->p, points_highest(m->p))->most == m->alive[at] && most == m->alive[at];
	alive_at(m, at, want);
	table_alive(m->p, (uint32_t)(2 * points_highest(m->p)), got);
	at_highest &= memcmp(want, got, sizeof got) == 0;
	for (int i = 0; i < 12; i++) {
		size_t first = below((unsigned)n), last = first + below((unsigned)(n - first));
		enum what what = (enum what)(i % 3);
		made_in(m, before(m, first * ms), before(m, (last + 1) * ms), what, want);
		table_made(m->p, first, last, what, got);
		in_ranges &= memcmp(want, got, sizeof got) == 0;
	}
}

int main(void)
{
	static const unsigned steps[] = { 0, 1, 2, 40 }, growths[] = { 20, 45, 60, 90 };
	struct model *m = malloc(sizeof *m);

	for (unsigned i = 0; i < RUNS; i++) {
		seed = i;
		memset(m, 0, sizeof *m);
		m->p = points_new();
		run(m, steps[i % 4], growths[i / 4 % 4]);
		check_run(m);
		points_free(m->p);
	}
	free(m);
	points_free(NULL);
	CHECK("an allocation's birth is the event that made it", births);
	CHECK("slices reach the end of the run, and are 512 at most", slices);
	CHECK("a slice has its maximum and its last bytes", sums);
	CHECK("and the time of its maximum, the last of equal ones", times);
	CHECK("the table has the allocations alive at each slice's maximum and end", at_points);
	CHECK("the highest maximum is the high-water mark", at_highest);
	CHECK("the table has the allocations made, leaked and temporary in a range of slices", in_ranges);
	return check_done();
}
