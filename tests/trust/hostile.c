/*
 * hostile.c - a recorded program that writes to its own ring
 *
 *	hostile WHAT [PATH]
 *
 * Whatever it writes, memrec must end with it, and the records of other processes must be complete.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

static struct wire_ring *ring;
static struct wire_slot *slots;

static void find_ring(void)
{
	char line[512];
	unsigned long start;
	FILE *f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, f))
		if (strstr(line, "memfd:memrec ") && !strstr(line, "control") && sscanf(line, "%lx", &start) == 1)
			ring = (void *)start;
	fclose(f);
	if (!ring)
		exit(3);
	slots = (void *)((char *)ring + WIRE_RING_BYTES);
}

static struct wire_slot *at(uint64_t ticket)
{
	return &slots[ticket & ((1u << WIRE_LOG2_SLOTS) - 1)];
}

static void commit(uint64_t ticket, uint8_t kind)
{
	at(ticket)->kind = kind;
	__atomic_store_n(&at(ticket)->seq, (uint32_t)(ticket >> WIRE_LOG2_SLOTS) + 1, __ATOMIC_RELEASE);
}

static uint64_t reserve(uint64_t n)
{
	return __atomic_fetch_add(&ring->head, n, __ATOMIC_SEQ_CST);
}

static void put(uint8_t kind, uint64_t addr, uint64_t size, uint32_t stack)
{
	uint64_t t = reserve(1);
	struct wire_slot *s = at(t);
	s->addr = addr;
	s->size = size;
	s->stack = stack;
	s->tid = (uint32_t)getpid();
	commit(t, kind);
}

static void message(uint8_t kind, const void *bytes, size_t size, uint64_t told_size)
{
	uint64_t n = (size + WIRE_PAYLOAD_BYTES - 1) / WIRE_PAYLOAD_BYTES, t = reserve(1 + n);
	for (uint64_t i = 0; i < n; i++) {
		size_t done = i * WIRE_PAYLOAD_BYTES, left = size - done;
		memcpy((char *)at(t + 1 + i) + sizeof(struct wire_slot) - WIRE_PAYLOAD_BYTES,
		       (const char *)bytes + done, left < WIRE_PAYLOAD_BYTES ? left : WIRE_PAYLOAD_BYTES);
		commit(t + 1 + i, WIRE_PAYLOAD);
	}
	at(t)->size = told_size;
	at(t)->tid = (uint32_t)getpid();
	commit(t, kind);
}

static struct wire_slot *volatile racing;

static void *race(void *unused)
{
	for (;;) {
		volatile struct wire_slot *s = racing;
		s->size = 100;
		s->size = 300000;
	}
	return unused;
}

/* A message whose size changes while memrec reads it. */
static void race_sizes(void)
{
	static struct wire_slot none;
	static const struct wire_code code = { .id = 7, .first_line = 1, .name_size = 0xfffffff0 };
	pthread_t thread;
	racing = &none;
	pthread_create(&thread, NULL, race, NULL);
	for (int k = 0; k < 200; k++) {
		racing = at(ring->head);
		message(WIRE_CODE, &code, 100 < sizeof code ? 100 : sizeof code, 100);
		usleep(1000);
		racing = &none;
	}
	_exit(0);
}

static void name_module(const char *path)
{
	struct {
		struct wire_module m;
		char path[300];
	} w = { .m = { 0x1000, 0x2000, 0, (uint32_t)strlen(path), 0 } };
	strcpy(w.path, path);
	message(WIRE_MODULE, &w, sizeof w.m + strlen(path), sizeof w.m + strlen(path));
	put(WIRE_NATIVE, 0x1800, 1ull << 32 | WIRE_NATIVE_ROOT, 0);
	put(WIRE_MALLOC, 0x2000, 8, 1);
}

/* The agent is told that the ring is no longer read: of a million allocations few are put there. */
static int go_on_refused(void)
{
	put(0, 0x2000, 8, 0);
	for (int i = 0; i < 500 && !ring->off; i++)
		usleep(10000);
	uint64_t head = ring->head;
	for (int i = 0; i < 1000000; i++) {
		void *volatile p = malloc(20);
		free(p);
	}
	printf("%s\n", ring->off && ring->head - head < 100000 ? "told" : "not told");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	free(malloc(1));
	find_ring();
	if (strcmp(what, "node") == 0)
		put(WIRE_NODE, 1, 0xfffffff0ull << 32, 0);
	else if (strcmp(what, "grow") == 0)
		put(WIRE_NODE, 1, 0xAAAAB000ull << 32, 0);
	else if (strcmp(what, "native-grow") == 0)
		put(WIRE_NATIVE, 1, 0xAAAAB000ull << 32 | WIRE_NATIVE_ROOT, 0);
	else if (strcmp(what, "pair-grow") == 0)
		put(WIRE_HYBRID, 1, 0xAAAAB000ull << 32 | 1, 0);
	else if (strcmp(what, "code-grow") == 0)
		message(WIRE_CODE, &(struct wire_code){ .id = 0xAAAAB000 }, sizeof(struct wire_code),
			sizeof(struct wire_code));
	else if (strcmp(what, "native-loop") == 0) {
		put(WIRE_NATIVE, (uintptr_t)main, 500ull << 32 | 500, 0);
		put(WIRE_MALLOC, 0x2000, 8, 500);
	} else if (strcmp(what, "kind") == 0)
		put(WIRE_FREE - 1, 0x2000, 8, 0);
	else if (strcmp(what, "no-kind") == 0)
		put(0, 0x2000, 8, 0);
	else if (strcmp(what, "free-null") == 0) {
		for (int i = 0; i < 10; i++)
			put(WIRE_FREE, 0, 0, 0);
		put(WIRE_MALLOC, 0, 8, 0);
	} else if (strcmp(what, "block") == 0)
		put(WIRE_MALLOC, 1ull << 60, 8, 0);
	else if (strcmp(what, "mapping") == 0)
		put(WIRE_MMAP, UINT64_MAX - 4095, 1 << 20, 0);
	else if (strcmp(what, "message") == 0)
		message(WIRE_WARN, "text", 4, 1ull << 40);
	else if (strcmp(what, "warnings") == 0) {
		for (int i = 0; i < 1000; i++)
			message(WIRE_WARN, "text", 4, 4);
	} else if (strcmp(what, "off") == 0)
		return go_on_refused();
	else if (strcmp(what, "head") == 0) {
		ring->head = 1ull << 62;
		_exit(0);
	} else if (strcmp(what, "head-back") == 0) {
		ring->head = 0;
		_exit(0);
	} else if (strcmp(what, "size-race") == 0)
		race_sizes();
	else if (strcmp(what, "path") == 0)
		name_module(argv[2]);
	else
		return 2;
	usleep(100000);		/* memrec continues, and so do we */
	return 0;
}
