/*
 * units.c - sizes as people write them
 */
#include "units.h"

#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits with at most one point, as a long double (64 bits of mantissa: whole numbers are exact). */
static const char *parse_decimal(const char *p, long double *value)
{
	const char *start = p;
	long double v = 0, unit = 1;

	for (; is_digit(*p); p++)
		v = v * 10 + (*p - '0');
	if (p == start)
		return NULL;
	if (*p == '.') {
		if (!is_digit(p[1]))
			return NULL;
		for (p++; is_digit(*p); p++) {
			v = v * 10 + (*p - '0');
			unit *= 10;
		}
	}
	*value = v / unit;
	return p;
}

/* Returns the factor of "", "B", "k", "kB", "Ki", "KiB", … in upper or lower case; 0 if it is not a suffix. */
static uint64_t suffix_factor(const char *p)
{
	static const char letters[] = "kmgt";
	uint64_t base = 1000, factor = 1;
	const char *letter = *p ? strchr(letters, *p | 0x20) : NULL;

	if (letter) {
		p++;
		if (*p == 'i' || *p == 'I') {
			base = 1024;
			p++;
		}
		for (const char *l = letters; l <= letter; l++)
			factor *= base;
	}
	if (*p == 'b' || *p == 'B')
		p++;
	return *p ? 0 : factor;
}

bool parse_size(const char *text, uint64_t *bytes)
{
	long double value;
	const char *p = parse_decimal(text, &value);
	if (!p)
		return false;
	while (*p == ' ')
		p++;

	uint64_t factor = suffix_factor(p);
	value *= (long double)factor;
	if (!factor || value > 0x1p63L)
		return false;
	*bytes = (uint64_t)(value + 0.5L);
	return true;
}

const char *size_text(uint64_t bytes, char buf[SIZE_TEXT])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes / 1000;
	size_t u = 0;

	if (bytes < 1000) {
		snprintf(buf, SIZE_TEXT, "%uB", (unsigned)bytes);
		return buf;
	}
	while (value >= 999.9995 && u + 1 < sizeof units / sizeof *units) {	/* which would round to 1000.000 */
		value /= 1000;
		u++;
	}
	snprintf(buf, SIZE_TEXT, "%.3f%s", value, units[u]);
	return buf;
}

const char *count_text(uint64_t n, char buf[28])
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
	char *out = buf;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buf;
}

const char *duration_text(uint64_t ms, char buf[DURATION_TEXT])
{
	unsigned long long s = ms / 1000;

	if (s == 0)
		snprintf(buf, DURATION_TEXT, "%ums", (unsigned)ms);
	else if (s < 60)
		snprintf(buf, DURATION_TEXT, "%llu.%us", s, (unsigned)(ms % 1000 / 100));
	else if (s < 3600)
		snprintf(buf, DURATION_TEXT, "%llum%02us", s / 60, (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(buf, DURATION_TEXT, "%lluh%02um", s / 3600, (unsigned)(s / 60 % 60));
	else
		snprintf(buf, DURATION_TEXT, "%llud%02uh", s / 86400 % 1000000000, (unsigned)(s / 3600 % 24));
	return buf;
}
