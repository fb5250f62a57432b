/*
 * print.h - print the rows of memgrow as text, CSV or JSON
 */
#ifndef MEMGROW_PRINT_H
#define MEMGROW_PRINT_H

#include "growth.h"
#include "origins.h"

struct growth_report {
	const struct growth *growth;	/* ended */
	const struct origins *origins;
	enum origins_by by;
	const char *title, *command;
	struct growth_window window;
	uint32_t from;			/* intervals left out at the beginning */
	uint64_t max_rows;		/* 0: all, or as many as fit on the terminal */
	bool sampled;			/* then the standard errors of what is live (sampled.h): */
	struct amount error;
	bool collections;		/* the trace says which frees are the collector's of cycles */
};

void growth_print_table(const struct growth_report *r);
void growth_print_csv(const struct growth_report *r);
void growth_print_json(const struct growth_report *r);

#endif
