/*
 * ring.c - both sides of the ring in one process, for ThreadSanitizer
 *
 * Four threads put events and messages into the ring, as hooks do; one takes them, as memrec does. Each event and each
 * byte must come once and in its thread's order.
 */
#include "agent/ring.c"

#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>

#include "collect/process.h"
#include "collect/records.h"
#include "collect/traced.h"
#include "symbols/symbols.h"

#define THREADS 4
#define A_MESSAGE 1000		/* every so many events */

struct orders orders;
const char *libc_single_threaded = "";
static uint64_t n_each = 200000, seen[THREADS], n_messages;
static uint32_t on = RING_ON, ended;

/* ---------------------------------------------------------------- instead of other parts of both */

void *pages_new(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

uint64_t pages_in_use(void)
{
	return 0;
}

void pages_free(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}

void records_init(struct process *p)
{
	addresses_init(&p->live);
}

void records_clear(struct process *p)
{
	addresses_clear(&p->live);
}

void process_refuse(struct process *p, const char *what)
{
	(void)p;
	printf("refused: %s\n", what);
	abort();
}

void thread_name(struct process *p, struct traced_thread *t)
{
	(void)p, (void)t;
}

static uint64_t take_message(struct process *p, const struct wire_slot *head, uint64_t ticket)
{
	uint64_t size = head->size, slots = (size + WIRE_PAYLOAD_BYTES - 1) / WIRE_PAYLOAD_BYTES;
	for (uint64_t i = 0; i < size; i++) {
		const struct wire_slot *s = &p->slots[(ticket + 1 + i / WIRE_PAYLOAD_BYTES) & p->mask];
		uint8_t byte =
		    ((const uint8_t *)s)[sizeof *s - WIRE_PAYLOAD_BYTES + i % WIRE_PAYLOAD_BYTES];
		if (byte != (uint8_t)(size + i)) {
			printf("a message is damaged\n");
			abort();
		}
	}
	n_messages++;
	return 1 + slots;
}

uint64_t record_take(struct process *p, const struct wire_slot *s, uint64_t ticket)
{
	if (s->kind == WIRE_SPAN_BEGIN)
		return take_message(p, s, ticket);
	uint64_t thread = s->addr >> 40, i = s->addr & ((1ull << 40) - 1);
	if (thread >= THREADS || i != seen[thread]) {
		printf("thread %llu: event %llu\n", (unsigned long long)thread, (unsigned long long)i);
		abort();
	}
	seen[thread]++;
	return 1;
}

/* ---------------------------------------------------------------- the two sides */

static void *produce(void *arg)
{
	uint64_t thread = (uintptr_t)arg;
	char text[300];
	for (uint64_t i = 0; i < n_each; i++) {
		if (i % A_MESSAGE == A_MESSAGE - 1) {
			size_t n = 20 + i / A_MESSAGE % 200;
			for (size_t k = 0; k < n; k++)
				text[k] = (char)(n + k);
			ring_message(WIRE_SPAN_BEGIN, 0, &(struct piece){ text, n }, 1);
		}
		ring_put_inline(WIRE_MALLOC, thread << 40 | i, i, 0);
	}
	return NULL;
}

static void *consume(void *arg)
{
	struct process *p = arg;
	struct timespec a_while = { .tv_nsec = 1000000 };
	for (;;) {
		if (process_drain(p, 16384) > 0)
			continue;
		if (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) && process_is_drained(p))
			return NULL;
		__atomic_store_n(&ring_control->asleep, 1, __ATOMIC_SEQ_CST);
		system_call(SYS_futex, &ring_control->asleep, FUTEX_WAIT, 1, &a_while, NULL, 0);
		__atomic_store_n(&ring_control->asleep, 0, __ATOMIC_SEQ_CST);
	}
}

int main(void)
{
	static struct wire_control control;
	static struct output out;
	struct wire_hello hello = { .magic = WIRE_MAGIC, .log2_slots = WIRE_LOG2_SLOTS, .pid = getpid(), .ppid = 1 };
	int memfd;
	struct process *p = process_new(&out, NULL, getpid(), &hello, &(struct sampling){ 0 }, &memfd);
	pthread_t producers[THREADS], consumer;
	ring = p->ring;
	ring_slots = p->slots;
	ring_mask = p->mask;
	ring_control = &control;
	ring_state = &on;
	ring_generation = 1;
	collector_pid = getpid();
	pthread_create(&consumer, NULL, consume, p);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&producers[i], NULL, produce, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(producers[i], NULL);
	__atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
	pthread_join(consumer, NULL);
	uint64_t total = 0;
	for (int i = 0; i < THREADS; i++)
		total += seen[i];
	printf("%llu events, %llu messages, %llu abandoned\n", (unsigned long long)total,
	       (unsigned long long)n_messages, (unsigned long long)p->abandoned);
	return total != THREADS * n_each || p->abandoned;
}
