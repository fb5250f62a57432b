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

#endif
