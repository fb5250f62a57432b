/*
 * reader_open.c - open and close a reader, and ask what it has found
 */
#include "memtrace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

const char *mt_in_error(const struct mt_in *in)
{
	return in->errors != NULL ? in->errors : in->failed ? "out of memory" : NULL;
}

const char *mt_in_note(const struct mt_in *in)
{
	return in->notes;
}

const char *mt_in_name(const struct mt_in *in)
{
	size_t i = in->path < in->n_paths ? in->path : in->n_paths - 1;

	return strcmp(in->paths[i], "-") == 0 ? "standard input" : in->paths[i];
}

static struct mt_in *new_reader(const char *const *paths, size_t n)
{
	struct mt_in *in = calloc(1, sizeof *in);

	if (in == NULL)
		return NULL;
	in->paths = calloc(n, sizeof *in->paths);
	for (; in->paths != NULL && in->n_paths < n; in->n_paths++)
		if ((in->paths[in->n_paths] = strdup(paths[in->n_paths])) == NULL)
			break;
	if (in->n_paths == n)
		return in;
	mt_close_in(in);
	return NULL;
}

static struct mt_in *refuse(struct mt_in *in, const char *what, char **why)
{
	if (in == NULL || asprintf(why, "%s: %s", mt_in_name(in), what) < 0)
		*why = strdup("out of memory");
	mt_close_in(in);
	return NULL;
}

struct mt_in *mt_open(const char *const *paths, size_t n_paths, char **why)
{
	char what[300];
	struct mt_in *in = new_reader(paths, n_paths);

	if (in == NULL || reader_open_file(in, what, sizeof what) < 0)
		return refuse(in, what, why);
	return in;
}

struct mt_in *mt_open_begun(int fd, const char *name, const void *first, size_t n, char **why)
{
	char what[300];
	struct mt_in *in = new_reader(&name, 1);

	if (in == NULL || bytes_in_open_begun(&in->bytes, fd, first, n) < 0)
		return refuse(in, in != NULL ? in->bytes.why : NULL, why);
	return reader_first_header(in, what, sizeof what) < 0 ? refuse(in, what, why) : in;
}

struct mt_in *mt_open_memory(const void *bytes, size_t size, char **why)
{
	char what[300];
	const char *name = "memory";
	struct mt_in *in = new_reader(&name, 1);

	if (in == NULL || bytes_in_open_memory(&in->bytes, bytes, size) < 0 ||
	    reader_first_header(in, what, sizeof what) < 0)
		return refuse(in, in != NULL && in->bytes.why[0] != '\0' ? in->bytes.why : what, why);
	return in;
}

const struct mt_header *mt_in_header(const struct mt_in *in)
{
	return in->header;
}

void mt_in_on_idle(struct mt_in *in, void (*f)(void *arg), void *arg)
{
	in->bytes.idle = f;
	in->bytes.idle_arg = arg;
}

void mt_in_on_tick(struct mt_in *in, void (*f)(void *arg), void *arg)
{
	mt_in_on_idle(in, f, arg);
	in->bytes.ticks = true;
}

void mt_close_in(struct mt_in *in)
{
	if (in == NULL)
		return;
	bytes_in_free(&in->bytes);
	mt_header_free(in->header);
	for (size_t i = 0; in->paths != NULL && i < in->n_paths; i++)
		free(in->paths[i]);
	free(in->paths);
	free(in->errors);
	free(in->notes);
	free(in);
}
