/*
 * facts.c - a page's facts and warnings about its recording
 */
#include "facts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampled.h"
#include "units.h"
#include "xmalloc.h"

static void add_fact(struct page *page, const char *name, char *text)
{
	page->facts = xreallocarray(page->facts, page->n_facts + 1, sizeof *page->facts);
	page->facts[page->n_facts++] = (struct fact){ name, text };
}

static void add_warning(struct page *page, char *text)
{
	page->warnings = xreallocarray(page->warnings, page->n_warnings + 1, sizeof *page->warnings);
	page->warnings[page->n_warnings++] = text;
}

/* "2026-11-29 14:16 UTC" */
static char *date_of(uint64_t start_ns)
{
	time_t seconds = (time_t)(start_ns / 1000000000);
	struct tm tm;
	char text[64];

	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm))
		return xstrdup("");
	return xstrdup(text);
}

static void add_damage(struct page *page, const char *damage)
{
	while (damage && *damage) {
		size_t n = strcspn(damage, "\n");
		add_warning(page, xasprintf("The trace is incomplete: %.*s", (int)n, damage));
		damage += n + (damage[n] == '\n');
	}
}

/* "1 in 512 KiB; the high-water mark is 12.345MB ± 0.400MB" */
static char *sample_of(const struct recording *r)
{
	char *how = sampled_text(r->sample_bytes), most[SIZE_TEXT], error[SIZE_TEXT];
	const char *rate = how + strlen("sampled, ");
	char *text = r->points ? xasprintf("%s; the high-water mark is %s ± %s", rate, size_text(r->most.bytes, most),
					   size_text(r->most_error.bytes, error)) : xstrdup(rate);

	free(how);
	return text;
}

/* What the system knew of all processes together; a page of a trace shows their resident memory itself. */
static void add_memory(struct page *page, const struct resident_sizes *most)
{
	const struct { const char *name; uint64_t bytes; } sizes[] = {
		{ "peak private", most->private },
		{ "peak proportional", most->proportional },
		{ "peak swap", most->swap },
	};
	char size[SIZE_TEXT];

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (sizes[i].bytes)
			add_fact(page, sizes[i].name, xstrdup(size_text(sizes[i].bytes, size)));
}

void facts_take(struct page *page, const struct recording *r, const char *damage)
{
	char count[28];

	if (r->start_ns)
		add_fact(page, "recorded", date_of(r->start_ns));
	if (r->host[0])
		add_fact(page, "on", xstrdup(r->host));
	add_fact(page, "stacks of", xstrdup(r->native ? "Python and C functions" : "Python functions"));
	add_fact(page, "Python's small objects",
		 xstrdup(r->python_allocators ? "each recorded" : "not recorded, only their arenas"));
	add_memory(page, &r->most_memory);
	if (r->sample_bytes)
		add_fact(page, "sampled:", sample_of(r));
	if (r->filters[0])
		add_fact(page, "filtered:", xstrdup(r->filters));
	if (r->n_traces > 1)
		add_fact(page, "traces joined:", xasprintf("%zu", r->n_traces));
	add_damage(page, damage);
	for (size_t i = 0; i < r->n_lost; i++)
		add_warning(
		    page, xasprintf("%s events were lost: %s", count_text(r->lost[i].count, count), r->lost[i].reason));
}

void facts_clear(struct page *page)
{
	for (size_t i = 0; i < page->n_facts; i++)
		free(page->facts[i].text);
	for (size_t i = 0; i < page->n_warnings; i++)
		free(page->warnings[i]);
	free(page->facts);
	free(page->warnings);
}
