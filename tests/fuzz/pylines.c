/*
 * pylines.c - Python's line tables. The input: the format, the first line (4 bytes), the table
 */
#include <stdlib.h>
#include <string.h>

#include "collect/pylines.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 6)
		return 0;
	int first;
	memcpy(&first, data + 1, sizeof first);
	size_t n = size - 5;
	uint8_t *table = malloc(n);
	memcpy(table, data + 5, n);
	struct py_place from = { 0 };
	uint8_t format = data[0] % 5;
	for (int at = -1; at < 300; at += 7) {	/* a continued search must find the same as a fresh one */
		struct py_place begin = { 0 };
		if (py_line(&from, format, table, n, first, at) != py_line(&begin, format, table, n, first, at))
			abort();
	}
	py_line(&from, format, table, n, first, 0x7fffffff);
	free(table);
	return 0;
}
