#!/usr/bin/env python3
"""Compute answers from `memcat --json` slowly, by the definitions; the tools' answers are compared with them.

    oracle.py fold peak|leaks|total bytes|count < JSON     folded lines, sorted
    oracle.py summary peak|leaks|total < JSON              lines "function|file|total|own|allocations", sorted
    oracle.py stats < JSON                                 some of memstats --json, keys sorted
"""
import collections
import json
import sys


class Trace:
    """The memory of each stack, a tuple of (name, file or module, line, has a file, is native)."""

    def __init__(self, lines):
        self.total = collections.defaultdict(lambda: [0, 0])
        self.leaks = collections.defaultdict(lambda: [0, 0])
        self.live, self.max, self.peak = {}, 0, {}
        self.ending = set()             # processes whose interpreter shuts down
        self.allocs = self.frees = 0
        self.sizes, self.allocators, self.threads = collections.Counter(), collections.Counter(), set()
        functions, frames, stacks = {}, {}, {0: ()}
        for line in lines:
            e = json.loads(line)
            kind = e["event"]
            if kind == "function":
                functions[e["function"]] = e["name"], e["file"] or e["module"], bool(e["file"]), e["lang"] == "native"
            elif kind == "frame":
                name, place, *more = functions[e["function"]]
                frames[e["frame"]] = name, place, e["line"], *more
            elif kind == "stack":
                stacks[e["stack"]] = stacks[e["parent"]] + (frames[e["frame"]],)
            elif kind == "alloc":
                self.alloc(e, stacks[e["stack"]])
            elif kind == "free" and e["id"] in self.live:
                self.frees += self.live.pop(e["id"])[2]
                self.moment()
            elif kind == "process" and e.get("info", {}).get("finalizing"):
                self.end_interpreter(e["pid"])
            elif kind == "resize" and e["id"] in self.live:
                old = self.live[e["id"]]
                self.live[e["id"]] = (e["size"],) + old[1:]
                self.moment()
            elif kind == "exit":
                self.ending.discard(e["pid"])
                for number, block in list(self.live.items()):
                    if block[3] == e["pid"]:
                        self.leak(self.live.pop(number))
                self.moment()
        for block in self.live.values():
            self.leak(block)

    def alloc(self, e, stack):
        weight = e.get("weight", 1)
        self.threads.add((e["pid"], e["tid"]))
        if e["allocator"] in ("mmap_reserved", "mmap_file"):    # no memory
            return
        fate = "after" if e["pid"] in self.ending else "before"
        self.live[e["id"]] = e["size"], stack, weight, e["pid"], fate
        self.total[stack][0] += e["size"] * weight
        self.total[stack][1] += weight
        self.allocs += weight
        self.sizes[e["size"]] += weight
        self.allocators[e["allocator"].upper()] += weight
        self.moment()

    def end_interpreter(self, pid):
        """Only the present blocks of the process are leaked; blocks made from now on are not part of the peak."""
        self.ending.add(pid)
        for number, block in self.live.items():
            if block[3] == pid and block[4] == "before":
                self.leak(block)
                self.live[number] = block[:4] + ("leaked",)

    def leak(self, block):
        size, stack, weight, _, fate = block
        if fate != "before":
            return
        self.leaks[stack][0] += size * weight
        self.leaks[stack][1] += weight

    def moment(self):
        """The last moment with the most live bytes."""
        held = [block for block in self.live.values() if block[4] != "after"]
        now = sum(size * weight for size, _, weight, *_ in held)
        if now >= self.max:
            self.max = now
            self.peak = collections.defaultdict(lambda: [0, 0])
            for size, stack, weight, *_ in held:
                self.peak[stack][0] += size * weight
                self.peak[stack][1] += weight


def label(frame):
    name, place, line, has_file, native = frame
    where = place + (":%d" % line if line and has_file else "") if place else ""
    return (name or "[unknown]") + ((" [%s]" if native else " (%s)") % where if where else "")


def fold(held, what):
    lines = collections.Counter()
    for stack, amounts in held.items():
        lines[";".join(map(label, stack)) or "[unknown]"] += amounts[what == "count"]
    return sorted("%s %d" % line for line in lines.items() if line[1])


def summary(held):
    rows = collections.defaultdict(lambda: [0, 0, 0])
    for stack, (size, count) in held.items():
        names = [(f[0] or "[unknown]", f[1] or "[unknown]") for f in stack] or [("[unknown]", "[unknown]")]
        rows[names[-1]][1] += size
        for name in set(names):
            rows[name][0] += size
            rows[name][2] += count
    return sorted("%s|%s|%d|%d|%d" % (name + tuple(row)) for name, row in rows.items())


def stats(t):
    return {
        "total_num_allocations": t.allocs,
        "total_bytes_allocated": sum(size for size, _ in t.total.values()),
        "peak_memory": t.max,
        "total_frees": t.frees,
        "leaked_bytes": sum(size for size, _ in t.leaks.values()),
        "leaked_allocations": sum(count for _, count in t.leaks.values()),
        "threads": len(t.threads),
        "allocator_type_distribution": t.allocators,
        "empty": t.sizes[0],
    }


def main():
    trace = Trace(sys.stdin)
    if sys.argv[1] == "stats":
        print(json.dumps(stats(trace), sort_keys=True))
        return
    held = getattr(trace, sys.argv[2])
    for line in fold(held, sys.argv[3]) if sys.argv[1] == "fold" else summary(held):
        print(line)


if __name__ == "__main__":
    main()
