/*
 * error.c - messages, and exits after them
 */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"

const char *program_name = "memrec";

/* Longer messages are cut: a file name can have any length. */
#define MESSAGE_MAX 4096

/*
 * Replaces characters, from a trace or a file name, that would break the line or control the terminal. Returns the new
 * length.
 */
static size_t make_printable(char *p, size_t n)
{
	size_t length = 0;

	for (size_t i = 0; i < n;) {
		size_t size = utf8_size(p + i, n - i);
		if (utf8_shown(p + i, n - i)) {
			memmove(p + length, p + i, size);
			length += size;
		} else {
			p[length++] = '?';
		}
		i += size ? size : 1;
	}
	return length;
}

static void write_whole(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;		/* nowhere left to report it */
		p += done;
		n -= (size_t)done;
	}
}

static size_t bounded(int length, size_t room)
{
	if (length < 0)
		return 0;
	return (size_t)length < room ? (size_t)length : room - 1;
}

static void say(const char *fmt, va_list args, const char *last_line) PRINTF_LIKE(1, 0);
static void say(const char *fmt, va_list args, const char *last_line)
{
	int kept_errno = errno;
	char text[MESSAGE_MAX + 256];
	size_t n = bounded(snprintf(text, MESSAGE_MAX, "%s: ", program_name), MESSAGE_MAX);

	n += bounded(vsnprintf(text + n, MESSAGE_MAX - n, fmt, args), MESSAGE_MAX - n);
	n = make_printable(text, n);
	n += bounded(snprintf(text + n, sizeof text - n, "\n%s", last_line), sizeof text - n);
	write_whole(text, n);
	errno = kept_errno;
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args, "");
	va_end(args);
	exit(1);
}

void usage_die(const char *fmt, ...)
{
	char try[128];
	va_list args;

	snprintf(try, sizeof try, "Try '%s --help'.\n", program_name);
	va_start(args, fmt);
	say(fmt, args, try);
	va_end(args);
	exit(2);
}

void warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(fmt, args, "");
	va_end(args);
}

void bug(const char *file, int line, const char *fmt, ...)
{
	char where[256];
	va_list args;

	snprintf(where, sizeof where, "This is a bug, at %s:%d.\n", file, line);
	va_start(args, fmt);
	say(fmt, args, where);
	va_end(args);
	abort();
}
