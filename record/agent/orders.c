/*
 * orders.c - the agent's orders: what to record, and for which collector
 */
#include "orders.h"

#include <string.h>

struct orders orders;

uint64_t orders_number(const char *digits, const char **end)
{
	uint64_t n = 0;
	for (; *digits >= '0' && *digits <= '9'; digits++)
		n = n * 10 + (uint64_t)(*digits - '0');
	*end = digits;
	return n;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_key(const char *text)
{
	uint8_t *key = (uint8_t *)&orders.key;
	for (size_t i = 0; i < sizeof orders.key; i++) {
		int high = hex_digit(text[2 * i]), low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
		if (low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return text[2 * sizeof orders.key] == '\0';
}

/* "NAME:USER:NAMESPACE:KEY" */
bool orders_address(const char *address, size_t n)
{
	if (n >= sizeof orders.address)
		return false;
	memset(orders.address, 0, sizeof orders.address);
	memcpy(orders.address, address, n);
	size_t name = strcspn(orders.address, ":");
	if (name >= sizeof orders.socket || orders.address[name] != ':')
		return false;
	memset(orders.socket, 0, sizeof orders.socket);
	memcpy(orders.socket, orders.address, name);
	const char *end;
	orders.user = (uid_t)orders_number(orders.address + name + 1, &end);
	if (*end != ':')
		return false;
	orders.namespace = orders_number(end + 1, &end);
	return *end == ':' && parse_key(end + 1);
}

/* "ADDRESS PID FLAGS" */
bool orders_read(const char *text)
{
	const char *space = strchr(text, ' ');
	if (!space || !orders_address(text, (size_t)(space - text)))
		return false;
	const char *end;
	orders.pid = (pid_t)orders_number(space + 1, &end);
	orders.flags = *end == ' ' ? (unsigned)orders_number(end + 1, &end) : 0;
	return *end == '\0' && orders.pid > 0;
}

bool orders_travel(const char *preload, size_t n, const char *text)
{
	orders.preload[0] = '\0';
	if (n == 0 || n >= sizeof orders.preload || strlen(text) + sizeof WIRE_ENV >= sizeof orders.entry)
		return false;
	strcpy(orders.entry, WIRE_ENV "=");
	strcat(orders.entry, text);
	memcpy(orders.preload, preload, n);
	orders.preload[n] = '\0';
	return true;
}
