#!/usr/bin/env python3
"""Make a random but valid trace, as lines for `memcat --from-json`.

    gen_trace.py --events 100000 --seed 7 | memcat --from-json > t.lz4

The same arguments give the same lines, with any Python from 3.8 on. Every trace
is like this:

- --events allocations and frees together, about half of each; ids are dense
  and reused, the latest freed first (memrec's are not; readers must not care)
- each process (--processes, pids from 1000) has --threads threads, named; a
  process begins with a "process" line and ends with an "exit" line
- functions, frames and stacks are defined just before the first allocation that
  needs them; about one function in eight is native, about one allocation in
  fifty has no stack; now and then a stack is defined again, with another number
- sizes are from 0 to a few megabytes, most of them small; --weights gives about
  one allocation in ten a weight over 1
- about one event in a thousand is followed by an "rss" line, --lost adds a
  "lost" line in the middle; now and then a mapping shrinks ("resize")
- with --finalizing some processes' interpreters begin to shut down in the last quarter, some several times
- --spans begins and ends spans of three names; some are not ended, or not begun
- time advances by a millisecond about every --events-per-ms events
- --unfinished omits the "end" line; --unknown adds rows of kinds that no
  version defines
"""
import argparse
import json
import random
import sys

FIRST_PID = 1000
ALLOCATORS = ["malloc"] * 6 + ["calloc", "realloc", "posix_memalign", "aligned_alloc", "mmap",
                               "pymalloc_malloc", "pymalloc_malloc", "pymalloc_calloc", "pymalloc_realloc"]
MAPPINGS = ["mmap_reserved", "mmap_file", "mimalloc", "jemalloc", "pool"]
NAMES = ["main", "load", "parse", "Näme <lambda>", "<listcomp>", "run", "__init__", "read \"quoted\"", "fold"]


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--events", type=int, default=1000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--processes", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--functions", type=int, default=40)
    p.add_argument("--stacks", type=int, default=400, help="at most this many")
    p.add_argument("--live", type=int, default=2000, help="at most about this many allocations are alive")
    p.add_argument("--events-per-ms", type=int, default=500)
    p.add_argument("--weights", action="store_true")
    p.add_argument("--lost", action="store_true")
    p.add_argument("--unknown", action="store_true")
    p.add_argument("--spans", action="store_true")
    p.add_argument("--finalizing", action="store_true", help="interpreters begin to shut down in the last quarter")
    p.add_argument("--unfinished", action="store_true")
    p.add_argument("--mappings", action="store_true", help="also mappings that are not memory")
    return p.parse_args()


class Generator:
    def __init__(self, args):
        self.args = args
        self.random = random.Random(args.seed)
        self.time_ms = 0
        self.functions = 0
        self.frames = {}            # (function, line) -> number
        self.stacks = {}            # (parent, frame) -> which it is, from 1
        self.keys = [None]          # the same, in order
        self.numbers = [0]          # of each, the last one it got
        self.n_numbers = 0
        self.again = random.Random(1)
        self.free_ids = []
        self.ids = 0
        self.live = []              # (id, pid, size, allocator)
        self.threads = [(pid, pid + i) for pid in self.pids() for i in range(args.threads)]

    def pids(self):
        return [FIRST_PID + 100 * i for i in range(self.args.processes)]

    def put(self, event, **fields):
        sys.stdout.write(json.dumps(dict({"event": event}, **fields), ensure_ascii=False) + "\n")

    def function(self):
        r = self.random
        if self.functions and (self.functions >= self.args.functions or r.random() < 0.7):
            return r.randint(1, self.functions)
        self.functions += 1
        n = self.functions
        native = n % 8 == 0
        self.put("function", function=n, lang="native" if native else "python",
                 name="%s_%d" % (r.choice(NAMES), n),
                 file="/src/native%d.c" % n if native else "/app/module %d.py" % (n % 5),
                 line=r.randint(1, 500), module="libnative.so" if native else "")
        return n

    def frame(self):
        key = self.function(), self.random.randint(1, 60)
        if key not in self.frames:
            self.frames[key] = len(self.frames) + 1
            self.put("frame", frame=self.frames[key], function=key[0], line=key[1])
        return self.frames[key]

    def stack(self):
        r = self.random
        if r.random() < 0.02:
            return 0
        n = len(self.stacks)
        if n >= self.args.stacks or (n and r.random() < 0.9):
            which = min(n, int(r.expovariate(1) * n / 6) + 1)
            if self.again.random() < 0.01:
                self.define(which)
            return self.numbers[which]
        key = (r.randint(0, n) if n else 0), self.frame()
        if key not in self.stacks:
            self.stacks[key] = n + 1
            self.keys.append(key)
            self.numbers.append(0)
            self.define(n + 1)
        return self.numbers[self.stacks[key]]

    def define(self, which):
        parent, frame = self.keys[which]
        self.n_numbers += 1
        self.numbers[which] = self.n_numbers
        self.put("stack", stack=self.n_numbers, parent=self.numbers[parent], frame=frame)

    def size(self):
        r = self.random.random()
        if r < 0.01:
            return 0
        if r < 0.99:
            return self.random.choice([16, 24, 32, 56, 64, 100, 512, 1000, 4096])
        return self.random.randint(1, 8 << 20)

    def context(self, pid, tid):
        return {"pid": pid, "tid": tid, "time_ms": self.time_ms}

    def alloc(self):
        r = self.random
        pid, tid = r.choice(self.threads)
        stack = self.stack()
        if self.free_ids:
            number = self.free_ids.pop()
        else:
            self.ids += 1
            number = self.ids
        size, allocator = self.size(), r.choice(ALLOCATORS + MAPPINGS if self.args.mappings else ALLOCATORS)
        more = {"weight": r.randint(2, 4096)} if self.args.weights and r.random() < 0.1 else {}
        self.live.append((number, pid, size, allocator))
        self.put("alloc", id=number, size=size, allocator=allocator, stack=stack,
                 **dict(self.context(pid, tid), **more))

    def free(self):
        r = self.random
        at = len(self.live) - 1 if r.random() < 0.6 else r.randrange(len(self.live))
        number, pid, size, allocator = self.live[at]
        tid = r.choice([t for p, t in self.threads if p == pid])
        if allocator == "mmap" and size > 0 and r.random() < 0.3:
            self.put("resize", id=number, size=size // 2, **self.context(pid, tid))
        self.live[at] = self.live[-1]
        self.live.pop()
        self.free_ids.append(number)
        self.put("free", id=number, **self.context(pid, tid))

    def begin(self):
        self.put("header", start_ns=1700000000000000000, command=["python3", "my script.py", "--n=3"],
                 options={"native": True, "python_allocators": True, "follow_fork": self.args.processes > 1})
        for pid in self.pids():
            self.put("process", pid=pid, info={"ppid": pid - 1, "command": ["python3", "my script.py"],
                                               "python": "3.11.2"}, time_ms=self.time_ms)
        for pid, tid in self.threads:
            self.put("thread", pid=pid, tid=tid, name="thread %d" % (tid - pid), time_ms=self.time_ms)

    def step(self, i):
        r = self.random
        if r.random() < 1 / self.args.events_per_ms:
            self.time_ms += 1
        if self.live and (r.random() < 0.5 or len(self.live) > self.args.live):
            self.free()
        else:
            self.alloc()
        if r.random() < 0.001:
            self.put("rss", size=r.randint(1, 1 << 30), pid=r.choice(self.pids()), time_ms=self.time_ms)
        if i == self.args.events // 2 and self.args.lost:
            self.put("lost", count=17, reason="the ring was full", pid=FIRST_PID, time_ms=self.time_ms)
        if self.args.finalizing and i >= self.args.events * 3 // 4 and r.random() < 0.01:
            self.put("process", pid=r.choice(self.pids()), info={"finalizing": 1}, time_ms=self.time_ms)
        if self.args.spans and r.random() < 0.01:
            self.put("span", name=r.choice(["load", "sparen \"é\"", ""]), begins=r.random() < 0.5,
                     **self.context(*r.choice(self.threads)))
        if self.args.unknown and r.random() < 0.01:
            self.put("other", row=[200 + r.randint(0, 3), i, "ünknown", [None, True, 1.5, {"k": -1}]])

    def end(self):
        for pid in self.pids():
            self.put("exit", pid=pid, info={"code": 0}, time_ms=self.time_ms)
        if not self.args.unfinished:
            self.put("end", time_ms=self.time_ms)


def main():
    args = arguments()
    g = Generator(args)
    g.begin()
    for i in range(args.events):
        g.step(i)
    g.end()


if __name__ == "__main__":
    main()
