/*
 * mem2pprof.c - convert a trace to a profile for pprof
 *
 * In:     a trace (stdin or files)
 * Out:    a profile, gzipped: a sample for each stack and set of labels; or one for each part of the time
 * Keeps:  the live set, the stacks, the amounts of each sample
 * Source: profile.proto of github.com/google/pprof
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "mem2pprof/profile_out.h"
#include "mem2pprof/push.h"
#include "mem2pprof/samples.h"
#include "tally.h"
#include "tool.h"
#include "xmalloc.h"

enum { KEY_PUSH = 1000, KEY_NAME, KEY_HEADER, KEY_QUEUE, KEY_QUEUE_SIZE };

#define QUEUE_BYTES (64u << 20)

static const struct tool_option options[] = {
	{ "sizes", 's', NULL, "label each allocation with its size, so that each size has a sample of its own" },
	{ "output", 'o', "FILE", "write to FILE instead of standard output; with --every, to the folder FILE" },
	{ "every", 'e', "TIME", "make a profile after each TIME of the trace, while it is recorded" },
	{ "push", KEY_PUSH, "URL", "with --every: send each profile to a server" },
	{ "name", KEY_NAME, "NAME", "the application's name for Pyroscope (if not given: its command's)" },
	{ "header", KEY_HEADER, "LINE", "send this HTTP header, too; @FILE: those in FILE, one on each line" },
	{ "queue", KEY_QUEUE, "FOLDER", "keep profiles there until they are sent (if not given: in a temporary one)" },
	{ "queue-size", KEY_QUEUE_SIZE, "SIZE", "keep at most so many bytes there (if not given: 64MiB)" },
	{ NULL, 0, NULL, NULL },
};

static const struct tool tool = {
	.name = "mem2pprof",
	.summary = "convert a trace to a profile for pprof",
	.operands = "[TRACE...]",
	.example = "memleak trace.lz4 | mem2pprof > leaks.pb.gz",
	.options = options,
};

struct choices {
	bool sizes;
	const char *output, *name;
	uint64_t every_ms;		/* 0: one profile, at the end */
	struct push_rules push;
	const char **headers;
};

/* ---------------------------------------------------------------- options */

/* curl runs in another folder. */
static const char *header(const char *line)
{
	char *path;

	if (line[0] != '@')
		return line;
	if ((path = realpath(line + 1, NULL)) == NULL || access(path, R_OK) < 0)
		usage_die("--header: cannot read %s: %s", line + 1, strerror(errno));
	line = xasprintf("@%s", path);
	free(path);
	return line;
}

static void parse(struct choices *c, int argc, char **argv)
{
	size_t cap = 0;

	for (int key; (key = tool_getopt(&tool, argc, argv)) != -1;)
		switch (key) {
		case 's': c->sizes = true; break;
		case 'o': c->output = optarg; break;
		case 'e': c->every_ms = tool_time_ms(optarg, "--every", 1, INT64_MAX); break;
		case KEY_PUSH: c->push.url = optarg; break;
		case KEY_NAME: c->name = optarg; break;
		case KEY_HEADER:
			GROW(c->headers, c->push.n_headers, cap);
			c->headers[c->push.n_headers++] = header(optarg);
			break;
		case KEY_QUEUE: c->push.queue = optarg; break;
		case KEY_QUEUE_SIZE: c->push.most_bytes = tool_size(optarg, "--queue-size"); break;
		}
	c->push.headers = c->headers;
	if (c->every_ms && !c->output && !c->push.url)
		usage_die("--every needs a folder for the profiles (--output) or a server (--push)");
	if (!c->every_ms && c->push.url)
		usage_die("--push needs --every");
	if (!c->push.url && (c->name || c->push.n_headers || c->push.queue))
		usage_die("--name, --header and --queue need --push");
}

/* ---------------------------------------------------------------- a profile after each part of the time */

struct series {
	const struct choices *choices;
	struct mt_in *in;
	struct sample_table samples;
	struct push *push;
	uint64_t from_ms;
};

/* Returns the name of the program that was recorded, of a script without "python". */
static char *default_name(const char *command)
{
	const char *slash, *word = command;
	size_t n = strcspn(word, " ");

	slash = memrchr(word, '/', n);
	bool is_python = strncmp(slash ? slash + 1 : word, "python", strlen("python")) == 0;
	if (is_python && word[n] == ' ' && word[n + 1] != '-') {
		word += n + 1;
		n = strcspn(word, " ");
		slash = memrchr(word, '/', n);
	}
	n -= slash ? (size_t)(slash + 1 - word) : 0;
	return n ? xasprintf("%.*s", (int)n, slash ? slash + 1 : word) : xstrdup("memrec");
}

static void write_to_folder(const struct series *s, const struct tally *t, struct period period, uint64_t begin_ms)
{
	unsigned long long from = begin_ms + period.from_ms, until = begin_ms + period.until_ms;
	char *path = xasprintf("%s/%llu-%llu.pb.gz", s->choices->output, from, until);
	char *unfinished = xasprintf("%s.unfinished", path);
	FILE *out = fopen(unfinished, "w");

	if (!out)
		die("cannot create %s: %s", unfinished, strerror(errno));
	profile_write(out, t, &s->samples, mt_in_header(s->in), period);
	if (fclose(out) != 0 || rename(unfinished, path) < 0) {
		unlink(unfinished);
		die("cannot write %s: %s", path, strerror(errno));
	}
	free(unfinished);
	free(path);
}

static void push_profile(const struct series *s, const struct tally *t, struct period period, uint64_t begin_ms)
{
	char *name = s->choices->name ? xstrdup(s->choices->name) : default_name(t->command);
	FILE *out = push_open(s->push, name, begin_ms + period.from_ms, begin_ms + period.until_ms);

	profile_write(out, t, &s->samples, mt_in_header(s->in), period);
	push_close(s->push);
	free(name);
}

static void see(void *series, const struct tally *t)
{
	struct series *s = series;
	struct period period = { t->start_ns, s->from_ms, t->end_ms };
	uint64_t begin_ms = t->start_ns / 1000000;

	if (t->end_ms < s->from_ms)	/* a further trace, whose time begins anew */
		period.from_ms = 0;
	if (s->choices->output)
		write_to_folder(s, t, period, begin_ms);
	if (s->push)
		push_profile(s, t, period, begin_ms);
	sample_table_written(&s->samples, t);
	s->from_ms = t->end_ms;
}

static struct tally_by by_sample(struct sample_table *samples)
{
	return (struct tally_by){ .key = sample_number, .take = sample_take, .arg = samples, .all = true };
}

static int write_series(const struct choices *c, int argc, char **argv)
{
	struct series s = { .choices = c };

	if (c->output && mkdir(c->output, 0777) < 0 && errno != EEXIST)
		die("cannot create the folder %s: %s", c->output, strerror(errno));
	if (c->push.url)
		s.push = push_begin(&c->push);
	s.in = tool_input(argc, argv);
	mt_in_follow(s.in);
	sample_table_init(&s.samples, c->sizes);
	struct tally_by by = by_sample(&s.samples);
	tally_watch(s.in, TALLY_PEAK, &by, &(struct tally_watch){ c->every_ms, see, &s });
	sample_table_clear(&s.samples);
	bool sent = !s.push || push_end(s.push);
	int status = tool_finish(s.in, NULL);
	return sent ? status : 1;
}

/* ---------------------------------------------------------------- one profile */

static int write_one(const struct choices *c, int argc, char **argv)
{
	struct sample_table samples;

	if (c->output)
		tool_open_output(c->output);
	tool_binary_output("a profile");
	struct mt_in *in = tool_input(argc, argv);
	sample_table_init(&samples, c->sizes);
	struct tally_by by = by_sample(&samples);
	struct tally *t = tally_read_more(in, TALLY_PEAK, &by);
	profile_write(stdout, t, &samples, mt_in_header(in), (struct period){ t->start_ns, 0, t->end_ms });
	tally_free(t);
	sample_table_clear(&samples);
	return tool_finish(in, NULL);
}

int main(int argc, char **argv)
{
	struct choices c = { .push.most_bytes = QUEUE_BYTES };

	parse(&c, argc, argv);
	int status = c.every_ms ? write_series(&c, argc, argv) : write_one(&c, argc, argv);
	free(c.headers);
	return status;
}
