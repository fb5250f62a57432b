/*
 * agent.h - the rules of the agent, and macros that all its files use
 *
 * The agent is a library in somebody else's process. Its rules: no heap, no
 * stdio, no threads, no locks that a fork or a signal could strand, raw system
 * calls for its own memory, errno preserved, nothing exported except the hooks.
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COLD __attribute__((noinline, cold))
#define HOOK __attribute__((visibility("default")))
/*
 * A library that musl loads late gets no static thread-local memory. For that the agent is built a second time, with
 * AGENT_LATE_IN_MUSL (libmemrec-musl.so); there each access is a call, which in musl neither allocates nor fails.
 */
#ifdef AGENT_LATE_IN_MUSL
#define STATIC_TLS
#else
#define STATIC_TLS __attribute__((tls_model("initial-exec")))
#endif
/* The less frequent part of a hook: the other part then saves no registers for it. */
#define APART __attribute__((noinline))
/* For declarations of variables that hooks read each time: the compiler knows then that they are the agent's own. */
#define OWN __attribute__((visibility("hidden")))

#endif
