#!/usr/bin/env python3
"""Compare the filters' answers with those computed slowly from the definitions, on random traces.

    answers.py FIRST LAST      seeds of gen_trace.py; prints one line about the comparison, or the differences

The outputs of memtemp (at several thresholds), memleak (with tails), mempeak, memslice and memgrep must be equal
allocation by allocation, with size, weight, allocator, process, thread, time and the names of the stack; for
memgrep and memslice, which pass frees, also with the end of each allocation.
"""
import collections
import contextlib
import io
import json
import re
import subprocess
import sys

import gen_trace


class Block:
    """An allocation; its numbers, and its end if it had one: ("free", time) or ("exit", time)."""

    def __init__(self, event, stack, order):
        self.size, self.weight = event["size"], event.get("weight", 1)
        self.pid, self.tid, self.time = event["pid"], event["tid"], event["time_ms"]
        self.allocator, self.stack, self.order = event["allocator"], stack, order
        self.end = self.leaked = None   # leaked: its numbers when its interpreter began to shut down, and when
        self.resizes = []           # (time, size)
        self.freed_by = None

    def at(self, time=None):
        """Its numbers, with its size before `time`, or at the end."""
        size = self.size
        for when, less in self.resizes:
            if time is None or when < time:
                size = less
        return (size, self.weight, self.pid, self.tid, self.time, self.allocator, self.stack)

    def born(self):
        return (self.size,) + self.at()[1:]


class Trace:
    """
    events: ("alloc" or "free", Block), ("resize", Block, size), ("exit", pid), in order.
    A block's `ending`: whether its interpreter was shutting down when it was made.
    """

    def __init__(self, lines):
        self.events, self.blocks, self.begins, self.names_at = [], [], {}, {}
        self.last = 0
        functions, frames, stacks, live, names = {}, {}, {0: ()}, {}, {}
        ending = set()
        for line in lines:
            e = json.loads(line)
            kind = e["event"]
            self.last = max(self.last, e.get("time_ms", 0))
            if kind == "function":
                functions[e["function"]] = (e["name"], e["file"], e["module"])
            elif kind == "frame":
                frames[e["frame"]] = functions[e["function"]] + (e["line"],)
            elif kind == "stack":
                stacks[e["stack"]] = stacks[e["parent"]] + (frames[e["frame"]],)
            elif kind == "process":
                self.begins.setdefault(e["pid"], e["time_ms"])
                if e.get("info", {}).get("finalizing") and e["pid"] not in ending:
                    ending.add(e["pid"])
                    for b in live.values():
                        if b.pid == e["pid"] and not b.ending:
                            b.leaked = b.at(), e["time_ms"]
            elif kind == "thread":
                names[e["pid"], e["tid"]] = e["name"]
            elif kind == "alloc":
                assert e["id"] not in live, "id %d is open already" % e["id"]
                b = live[e["id"]] = Block(e, stacks[e["stack"]], len(self.blocks))
                b.ending = e["pid"] in ending
                b.thread = names.get((b.pid, b.tid))
                self.blocks.append(b)
                self.events.append(("alloc", b))
            elif kind == "free":
                b = live.pop(e["id"])
                b.end, b.freed_by = ("free", e["time_ms"]), (e["pid"], e["tid"])
                self.events.append(("free", b))
            elif kind == "resize":
                live[e["id"]].resizes.append((e["time_ms"], e["size"]))
                self.events.append(("resize", live[e["id"]], e["size"]))
            elif kind == "exit":
                ending.discard(e["pid"])
                for number, b in list(live.items()):
                    if b.pid == e["pid"]:
                        b.end = ("exit", e["time_ms"])
                        del live[number]
                self.events.append(("exit", e["pid"], e["time_ms"]))

    def temporary(self, threshold):
        """memray's definition: at a free, the thread's last threshold + 1 allocations are searched."""
        last = collections.defaultdict(lambda: collections.deque(maxlen=threshold + 1))
        found = []
        for kind, b, *_ in self.events:
            if kind == "alloc":
                last[b.pid, b.tid].append(b)
            elif kind == "free" and not b.resizes and any(b is other for other in last[b.freed_by]):
                found.append(b.born())
        return found

    def leaked(self, tail=lambda whole: -1):
        found = []
        for b in self.blocks:
            if b.ending or (b.end and b.end[0] == "free" and not b.leaked):
                continue
            end = b.leaked[1] if b.leaked else b.end[1] if b.end else self.last
            if b.time < end - tail(end - self.begins[b.pid]):
                found.append(b.leaked[0] if b.leaked else b.at())
        return found

    def peak(self):
        """The blocks alive after the last event with the largest sum, which is added up anew at each event."""
        live, best, at = {}, 0, []
        total = 0
        for event in self.events:
            if event[0] == "alloc":
                if not event[1].ending:
                    live[event[1]] = event[1].size
            elif event[0] == "free":
                live.pop(event[1], None)
            elif event[0] == "resize":
                if event[1] in live:
                    live[event[1]] = event[2]
            else:
                live = {b: n for b, n in live.items() if b.pid != event[1]}
            total = sum(n * b.weight for b, n in live.items())
            if total >= best:
                best, at = total, [(n,) + b.at()[1:] for b, n in live.items()]
        return at

    def slice(self, begin, end, alive):
        """The allocations in the window and their ends; with those alive at its beginning, from then on."""
        found = []
        for b in self.blocks:
            was_alive = b.time < begin and (not b.end or b.end[1] >= begin)
            if not (begin <= b.time < end or (alive and was_alive)):
                continue
            gone = bool(b.end) and b.end[0] == "free" and b.end[1] < end
            sizes = [n for when, n in b.resizes if begin <= when < end]
            found.append(((b.at(begin) if b.time < begin else b.born()), tuple(sizes), gone))
        return found

    def fates(self, condition=lambda b: True):
        return [(b.born(), tuple(n for _, n in b.resizes), bool(b.end) and b.end[0] == "free")
                for b in self.blocks if condition(b)]


def run(command, data):
    p = subprocess.run(command, shell=True, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if p.returncode or p.stderr:
        raise SystemExit("%s: status %d, %s" % (command, p.returncode, p.stderr.decode()))
    return p.stdout


def generate(seed):
    text = io.StringIO()
    argv = sys.argv
    sys.argv = ["gen_trace.py", "--seed", str(seed), "--events", str(100 + seed * 7 % 900), "--live",
                str(5 + seed % 60), "--processes", str(1 + seed % 3), "--threads", str(1 + seed % 4),
                *["--finalizing"][:seed % 2],
                "--stacks", "60", "--functions", "20", "--events-per-ms", str(2 + seed % 30), "--weights"]
    with contextlib.redirect_stdout(text):
        gen_trace.main()
    sys.argv = argv
    return run("memcat --from-json", text.getvalue().encode())


class Comparison:
    def __init__(self, seed):
        self.seed, self.trace = seed, generate(seed)
        self.oracle = Trace(run("memcat --json", self.trace).decode().splitlines())
        self.wrong, self.done = [], 0

    def filtered(self, command):
        return Trace(run(command + " | memcat --json", self.trace).decode().splitlines())

    def same(self, command, got, want):
        self.done += 1
        if sorted(got) != sorted(want):
            self.wrong.append("seed %d: %s: %d are left, %d should be" % (self.seed, command, len(got), len(want)))

    def answers(self):
        o, ms = self.oracle, self.oracle.last
        for n in (0, 1, 2, 5):
            command = "memtemp -t %d" % n
            self.same(command, [b.born() for b in self.filtered(command).blocks], o.temporary(n))
        for tail, length in (("", lambda w: -1), ("--tail 10%", lambda w: int(w * 10 / 100)), ("--tail 7ms", lambda w: 7)):
            got = self.filtered("memleak " + tail).blocks
            self.same("memleak " + tail, [b.born() for b in got], o.leaked(length))
        got = self.filtered("mempeak").blocks
        self.same("mempeak", [b.born() for b in got], o.peak())
        if [b.time for b in got] != sorted(b.time for b in got) and not any(b.resizes for b in o.blocks):
            self.wrong.append("seed %d: mempeak: not in order" % self.seed)
        for begin, end in ((0, ms // 2), (ms // 3, 2 * ms // 3), (ms // 2, ms + 1), (ms + 5, ms + 9)):
            for alive in ("", " --alive"):
                command = "memslice --begin %dms --end %dms%s" % (begin, end, alive)
                self.same(command, self.filtered(command).fates(), o.slice(begin, end, bool(alive)))

    def conditions(self):
        """Each condition alone and some together: the allocations kept, and that -v keeps the others."""
        for first, then in (("memgrep --min-size 64", "memtemp -t 1"), ("memgrep -v -f main", "memtemp -t 3"),
                            ("memgrep -v -s 4k | memgrep -T 1", "memtemp -t 5"), ("memgrep -F 'module 2'", "memleak")):
            self.same(first + " | " + then, [b.born() for b in self.filtered(first + " | " + then).blocks],
                      [b.born() for b in self.filtered(then + " | " + first).blocks])

        def frames(b, test, innermost=False):
            return any(test(*f) for f in (b.stack[-1:] if innermost else b.stack))
        pid, tid = self.oracle.blocks[-1].pid, self.oracle.blocks[0].tid
        for options, condition in (
            ("--function '^(main|load)_'", lambda b: frames(b, lambda name, *_: re.match("(main|load)_", name))),
            ("-i --function LAMBDA", lambda b: frames(b, lambda name, *_: "lambda" in name)),
            ("-I --function 'a'", lambda b: frames(b, lambda name, *_: "a" in name, True)),
            ("--file 'module [12]'", lambda b: frames(b, lambda _, file, *__: re.search("module [12]", file))),
            ("--module libnative", lambda b: frames(b, lambda _, __, module, ___: "libnative" in module)),
            ("--function a --file 'module 3'",
             lambda b: frames(b, lambda name, file, *_: "a" in name and "module 3" in file)),
            ("--thread '1$'", lambda b: b.thread.endswith("1")),
            ("--min-size 64 --max-size 1k", lambda b: 64 <= b.size <= 1000),
            ("--allocator mmap,calloc", lambda b: b.allocator in ("mmap", "calloc")),
            ("--pid %d" % pid, lambda b: b.pid == pid),
            ("--tid %d -s 100" % tid, lambda b: b.tid == tid and b.size >= 100),
        ):
            self.same("memgrep " + options, self.filtered("memgrep " + options).fates(), self.oracle.fates(condition))
            self.same("memgrep -v " + options, self.filtered("memgrep -v " + options).fates(),
                      self.oracle.fates(lambda b: not condition(b)))


def main():
    done, wrong = 0, []
    first, last = int(sys.argv[1]), int(sys.argv[2])
    for seed in range(first, last + 1):
        c = Comparison(seed)
        c.answers()
        c.conditions()
        done += c.done
        wrong += c.wrong
    print("\n".join(wrong) if wrong else "%d answers of %d traces agree" % (done, last - first + 1))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
