/*
 * profile_out.c - write a profile
 *
 * A message is the sum of its parts, so the profile is written as many small ones.
 */
#include "profile_out.h"

#include <stdlib.h>
#include <string.h>

#include "gzip_out.h"
#include "profile.pb-c.h"
#include "provenance.h"
#include "report.h"
#include "texts.h"
#include "tool.h"
#include "xmalloc.h"

struct profile {
	struct gzip_out *out;
	const struct tally *tally;
	const struct sample_table *samples;
	struct period period;
	struct texts texts;	/* the string table */
	uint8_t *buffer;
	size_t cap_buffer;
	bool *frame_used, *function_used;
	uint64_t *mapping_of;	/* by a module's text number: the number of its mapping; 0: none yet */
	size_t n_mappings, cap_mapping_of;
	uint64_t program;	/* the first mapping, for functions in no module */
};

typedef Perftools__Profiles__Profile Part;
typedef Perftools__Profiles__ValueType ValueType;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Mapping Mapping;
typedef Perftools__Profiles__Location Location;
typedef Perftools__Profiles__Line Line;
typedef Perftools__Profiles__Function Function;

static void put(struct profile *p, const Part *part)
{
	size_t n = perftools__profiles__profile__get_packed_size(part);

	if (n > p->cap_buffer)
		p->buffer = xreallocarray(p->buffer, p->cap_buffer = 2 * n, 1);
	perftools__profiles__profile__pack(part, p->buffer);
	gzip_out_write(p->out, p->buffer, n);
}

/* Returns a text's number in the string table. Invalid UTF-8 is escaped. */
static int64_t number(struct profile *p, const char *text)
{
	char *valid = tool_printable(text);
	uint32_t n = texts_number(&p->texts, valid, strlen(valid));

	free(valid);
	return n;
}

static void put_types(struct profile *p, bool answer)
{
	static const char *const heap[] = { "alloc_objects", "alloc_space", "inuse_objects", "inuse_space" };
	static const char *const left[] = { "objects", "space" };
	const char *const *names = answer ? left : heap;
	size_t n = answer ? 2 : 4;
	ValueType types[4], *at[4];
	Part part = PERFTOOLS__PROFILES__PROFILE__INIT;

	for (size_t i = 0; i < n; i++) {
		perftools__profiles__value_type__init(at[i] = &types[i]);
		types[i].type = number(p, names[i]);
		types[i].unit = number(p, i % 2 ? "bytes" : "count");
	}
	part.sample_type = at;
	part.n_sample_type = n;
	part.default_sample_type = types[n - 1].type;
	put(p, &part);
}

static void put_comment(struct profile *p, const char *what, const char *text)
{
	char *line = xasprintf("%s%s", what, text ? text : "");
	int64_t comment = number(p, line);
	Part part = PERFTOOLS__PROFILES__PROFILE__INIT;

	part.comment = &comment;
	part.n_comment = 1;
	put(p, &part);
	free(line);
}

static void put_facts(struct profile *p, const struct mt_header *h)
{
	Part part = PERFTOOLS__PROFILES__PROFILE__INIT;

	part.time_nanos = (int64_t)(p->period.start_ns + p->period.from_ms * 1000000);
	part.duration_nanos = (int64_t)((p->period.until_ms - p->period.from_ms) * 1000000);
	put(p, &part);
	put_comment(p, "", p->tally->title);
	if (p->tally->sample_bytes) {
		char *total = report_total(p->tally);
		put_comment(p, "in use: ", total);
		free(total);
	}
	put_comment(p, "command: ", p->tally->command);
	if (*h->host)
		put_comment(p, "host: ", h->host);
	for (size_t i = 0; i < h->n_stages; i++) {
		char *stage = xasprintf("%s %s", h->stages[i].program, h->stages[i].args);
		put_comment(p, "through: ", stage);
		free(stage);
	}
}

/* Adds a label, a text or (text NULL) a number. */
static void add_label(struct profile *p, Sample *s, Label *labels, const char *key, const char *text, uint64_t value)
{
	Label *l = &labels[s->n_label];

	if (text ? !*text : !value)
		return;
	perftools__profiles__label__init(l);
	l->key = number(p, key);
	if (text)
		l->str = number(p, text);
	else
		l->num = (int64_t)value;
	s->label[s->n_label++] = l;
}

/* Finds the locations of a stack, innermost first; `ids` has room. An unknown stack becomes one unknown frame. */
static size_t locate(struct profile *p, uint32_t stack, uint64_t *ids)
{
	size_t n = 0;

	do {
		const struct stack *s = stacks_stack(p->tally->stacks, stack);
		p->frame_used[s->frame] = true;
		ids[n++] = (uint64_t)s->frame + 1;
		stack = s->parent;
	} while (stack);
	return n;
}

static void put_sample(struct profile *p, uint32_t n, bool answer, uint64_t *ids)
{
	const struct sample_key *k = &p->samples->keys[n];
	const struct thread *thread = threads_thread(p->tally->threads, k->thread);
	struct amount all = sample_new(p->samples, p->tally, n), live = p->tally->at[n];
	int64_t values[4] = { (int64_t)all.count, (int64_t)all.bytes, (int64_t)live.count, (int64_t)live.bytes };
	const char *span = origins_origin(p->samples->spans, k->span)->name;
	Label labels[7], *at[7];
	Sample sample = PERFTOOLS__PROFILES__SAMPLE__INIT, *samples = &sample;
	Part part = PERFTOOLS__PROFILES__PROFILE__INIT;

	sample.label = at;
	add_label(p, &sample, labels, "pid", NULL, thread->pid);
	add_label(p, &sample, labels, "process", origins_origin(p->samples->processes, k->process)->name, 0);
	add_label(p, &sample, labels, "tid", NULL, thread->tid);
	add_label(p, &sample, labels, "thread", thread->name, 0);
	add_label(p, &sample, labels, "allocator", mt_allocator_name(k->allocator), 0);
	add_label(p, &sample, labels, "span", strcmp(span, ORIGINS_NO_SPAN) != 0 ? span : "", 0);
	add_label(p, &sample, labels, "bytes", NULL, k->size);
	if (k->size)
		labels[sample.n_label - 1].num_unit = number(p, "bytes");
	sample.location_id = ids;
	sample.n_location_id = locate(p, k->stack, ids);
	sample.value = values;
	sample.n_value = answer ? 2 : 4;
	part.sample = &samples;
	part.n_sample = 1;
	put(p, &part);
}

static void put_samples(struct profile *p, bool answer)
{
	const struct stacks *s = p->tally->stacks;
	uint32_t deepest = 1;

	for (uint32_t i = 0; i < stacks_count(s); i++)
		if (stacks_stack(s, i)->depth > deepest)
			deepest = stacks_stack(s, i)->depth;
	uint64_t *ids = xcalloc(deepest, sizeof *ids);
	for (uint32_t i = 0; i < p->samples->n; i++)
		if (sample_new(p->samples, p->tally, i).count || p->tally->at[i].count)
			put_sample(p, i, answer, ids);
	free(ids);
}

/* Returns the number of a module's mapping, written at its first use. */
static uint64_t put_mapping(struct profile *p, const char *module)
{
	size_t text = (size_t)number(p, module), had = p->cap_mapping_of;
	GROW(p->mapping_of, text, p->cap_mapping_of);
	if (p->cap_mapping_of > had)
		memset(p->mapping_of + had, 0, (p->cap_mapping_of - had) * sizeof *p->mapping_of);
	if (p->mapping_of[text])
		return p->mapping_of[text];

	Mapping mapping = PERFTOOLS__PROFILES__MAPPING__INIT, *mappings = &mapping;
	Part part = PERFTOOLS__PROFILES__PROFILE__INIT;
	mapping.id = p->mapping_of[text] = ++p->n_mappings;
	mapping.filename = (int64_t)text;
	mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = true;
	part.mapping = &mappings;
	part.n_mapping = 1;
	put(p, &part);
	return mapping.id;
}

static void put_location(struct profile *p, uint32_t frame)
{
	const struct frame *f = stacks_frame(p->tally->stacks, frame);
	Line line = PERFTOOLS__PROFILES__LINE__INIT, *lines = &line;
	Location location = PERFTOOLS__PROFILES__LOCATION__INIT, *locations = &location;
	Part part = PERFTOOLS__PROFILES__PROFILE__INIT;

	p->function_used[f->function] = true;
	line.function_id = (uint64_t)f->function + 1;
	line.line = f->line;
	location.id = (uint64_t)frame + 1;
	const char *module = stacks_function(p->tally->stacks, f->function)->module;
	location.mapping_id = *module ? put_mapping(p, module) : p->program;
	location.line = &lines;
	location.n_line = 1;
	part.location = &locations;
	part.n_location = 1;
	put(p, &part);
}

static void put_function(struct profile *p, uint32_t n)
{
	const struct function *f = stacks_function(p->tally->stacks, n);
	Function function = PERFTOOLS__PROFILES__FUNCTION__INIT, *functions = &function;
	Part part = PERFTOOLS__PROFILES__PROFILE__INIT;

	function.id = (uint64_t)n + 1;
	function.name = function.system_name = number(p, *f->name ? f->name : "[unknown]");
	function.filename = number(p, function_place(f));
	function.start_line = f->line;
	part.function = &functions;
	part.n_function = 1;
	put(p, &part);
}

/* The string table comes last: all texts are known then. */
static void put_texts(struct profile *p)
{
	for (uint32_t i = 0; i < texts_count(&p->texts); i++) {
		struct mt_str text = texts_text(&p->texts, i);
		char *texts = text.n ? (char *)text.p : "";
		Part part = PERFTOOLS__PROFILES__PROFILE__INIT;
		part.string_table = &texts;
		part.n_string_table = 1;
		put(p, &part);
	}
}

void profile_write(FILE *out, const struct tally *t, const struct sample_table *samples, const struct mt_header *h,
		   struct period period)
{
	const struct stacks *stacks = t->stacks;
	bool answer = provenance_is_answer(h);
	struct profile p = {
		.out = gzip_out_new(out),
		.tally = t,
		.samples = samples,
		.period = period,
		.frame_used = xcalloc(stacks_frame_count(stacks), 1),
		.function_used = xcalloc(stacks_function_count(stacks), 1),
	};

	char *program = xasprintf("%.*s", (int)strcspn(t->command, " "), t->command);
	put_types(&p, answer);
	p.program = put_mapping(&p, *program ? program : "[unknown]");
	free(program);
	put_samples(&p, answer);
	for (uint32_t i = 0; i < stacks_frame_count(stacks); i++)
		if (p.frame_used[i])
			put_location(&p, i);
	for (uint32_t i = 0; i < stacks_function_count(stacks); i++)
		if (p.function_used[i])
			put_function(&p, i);
	put_facts(&p, h);
	put_texts(&p);
	gzip_out_end(p.out);
	texts_clear(&p.texts);
	free(p.buffer);
	free(p.frame_used);
	free(p.function_used);
	free(p.mapping_of);
}
