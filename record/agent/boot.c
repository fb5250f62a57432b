/*
 * boot.c - the constructor: what was asked for, and whether this process is to be recorded
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "hooks/environment.h"
#include "hooks/got.h"
#include "loadname.h"
#include "native/native.h"
#include "python/pymem.h"
#include "ring.h"

struct boot boot;

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_key(const char *text)
{
	uint8_t *key = (uint8_t *)&boot.key;
	for (size_t i = 0; i < sizeof boot.key; i++) {
		int high = hex_digit(text[2 * i]), low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
		if (low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return text[2 * sizeof boot.key] == '\0';
}

/* "NAME:USER:NAMESPACE:KEY" */
bool boot_address(const char *address, size_t n)
{
	if (n >= sizeof boot.address)
		return false;
	memset(boot.address, 0, sizeof boot.address);
	memcpy(boot.address, address, n);
	size_t name = strcspn(boot.address, ":");
	if (name >= sizeof boot.socket || boot.address[name] != ':')
		return false;
	memset(boot.socket, 0, sizeof boot.socket);
	memcpy(boot.socket, boot.address, name);
	char *end;
	boot.user = (uid_t)strtoul(boot.address + name + 1, &end, 10);
	if (*end != ':')
		return false;
	boot.namespace = strtoull(end + 1, &end, 10);
	return *end == ':' && parse_key(end + 1);
}

/* "ADDRESS PID FLAGS" */
static bool parse_environment(const char *text)
{
	const char *space = strchr(text, ' ');
	if (!space || !boot_address(text, (size_t)(space - text)))
		return false;
	char *end;
	boot.pid = (pid_t)strtol(space + 1, &end, 10);
	boot.flags = (unsigned)strtoul(end, &end, 10);
	return *end == '\0' && boot.pid > 0;
}

bool boot_travel(const char *preload, size_t n, const char *text)
{
	boot.preload[0] = '\0';
	if (n == 0 || n >= sizeof boot.preload || strlen(text) + sizeof WIRE_ENV >= sizeof boot.entry)
		return false;
	strcpy(boot.entry, WIRE_ENV "=");
	strcat(boot.entry, text);
	memcpy(boot.preload, preload, n);
	boot.preload[n] = '\0';
	return true;
}

/* For programs that are executed with another environment. */
static void remember_environment(const char *text)
{
	const char *file = got_own_file();
	if (boot_travel(file, strlen(file), text))
		strcpy(boot.inherited, boot.entry);
}

/* A child that is not recorded does not hand the agent on to its own children. */
static void leave_environment(void)
{
	environment_leave();
	boot.preload[0] = '\0';
}

__attribute__((constructor)) static void start(void)
{
	loadname_init();
	hooks_resolve();
	exec_resolve();
	got_resolve();
	if (got_late())		/* session.c */
		return;
	const char *text = getenv(WIRE_ENV);
	if (!text || !parse_environment(text))
		return;
	remember_environment(text);
	if (getpid() != boot.pid && !(boot.flags & WIRE_FLAG_FOLLOW_FORK)) {
		leave_environment();
		return;
	}
	ring_init();
	if (!ring_on())
		return;
	ring_local.guard = GUARD_DROP;
	pystack_init();
	if (boot.flags & WIRE_FLAG_NATIVE)
		native_init();
	pymem_init(false);
	ring_local.guard = GUARD_NONE;
}
