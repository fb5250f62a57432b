#!/usr/bin/env python3
"""Make random traces, their pages, and the answers that each page has to give, computed slowly from the definitions.

    page_answers.py FIRST LAST      seeds; prints EXPECT of the suite "many" as JSON: {"suites": ["many"], "cases": [...]}

A case has the page's data and `questions`: a state of the page and its answer, rows of [stack, bytes, allocations] sorted by
stack, which is an index into `stacks`; also `summary`, by function at the high-water mark, and `curve`, the maximum of each slice.
"""
import collections
import contextlib
import io
import json
import random
import re
import sys

import answers
import gen_trace


def generate(seed):
    """As answers.generate(), but one run in five has more milliseconds than a page has slices."""
    if seed % 5:
        return answers.generate(seed)
    text, argv = io.StringIO(), sys.argv
    sys.argv = ["gen_trace.py", "--seed", str(seed), "--events", str(600 + seed % 1500), "--live", str(5 + seed % 60),
                "--processes", str(1 + seed % 3), "--events-per-ms", "1", "--stacks", "60", "--functions", "20", "--weights",
                *["--finalizing"][:seed % 2]]
    with contextlib.redirect_stdout(text):
        gen_trace.main()
    sys.argv = argv
    return answers.run("memcat --from-json", text.getvalue().encode())


def timed(trace):
    """The events with their times: (time, kind, block or pid, size)."""
    shrunk = collections.Counter()
    for kind, what, *more in trace.events:
        if kind == "alloc":
            yield what.time, kind, what, what.size
        elif kind == "free":
            yield what.end[1], kind, what, 0
        elif kind == "resize":
            yield what.resizes[shrunk[what]][0], kind, what, more[0]
            shrunk[what] += 1
        else:
            yield more[0], kind, what, 0


def alive(trace):
    """After each event, its time and the live blocks with their sizes; blocks made while an interpreter shuts down never are."""
    live = {}
    for time, kind, what, size in timed(trace):
        if kind == "alloc" and not what.ending:
            live[what] = size
        elif kind == "free":
            live.pop(what, None)
        elif kind == "resize" and what in live:
            live[what] = size
        elif kind == "exit":
            for block in [block for block in live if block.pid == what]:
                del live[block]
        yield time, live


def bytes_of(live):
    return sum(size * block.weight for block, size in live.items())


def highest(moments, begin, end):
    """The blocks at the last highest moment from `begin` until before `end`, what was alive at `begin` included."""
    best, level = {}, 0
    for time, live, now in moments:
        if time >= end:
            break
        if time < begin or now >= level:
            best, level = live, now
    return [(block, size) for block, size in best.items()]


def made(trace, begin, end):
    return [(b, b.size) for b in trace.blocks if begin <= b.time < end]


def leaked(trace, begin, end):
    """Made in that time, and still there at its end, or when their interpreter began to shut down before."""
    found = []
    for b in trace.blocks:
        if not begin <= b.time < end or b.ending:
            continue
        if b.leaked and b.leaked[1] < end:
            found.append((b, b.leaked[0][0]))
        elif not (b.end and b.end[0] == "free" and b.end[1] < end):
            found.append((b, b.at(end)[0]))
    return found


def temporary(trace, begin, end):
    last = collections.defaultdict(lambda: collections.deque(maxlen=2))
    found = []
    for kind, b, *_ in trace.events:
        if kind == "alloc":
            last[b.pid, b.tid].append(b)
        elif kind == "free" and not b.resizes and any(b is other for other in last[b.freed_by]) and begin <= b.time < end:
            found.append((b, b.size))
    return found


def summary(held):
    rows = collections.defaultdict(lambda: [0, 0, 0])
    for b, size in held:
        names = ["%s|%s" % (name, file or module) for name, file, module, _ in b.stack] or ["[unknown]|"]
        rows[names[-1]][0] += size * b.weight
        for name in set(names):
            rows[name][1] += size * b.weight
            rows[name][2] += b.weight
    return sorted([name] + row for name, row in rows.items())


class Case:
    def __init__(self, seed):
        data = generate(seed)
        self.trace = answers.Trace(answers.run("memcat --json", data).decode().splitlines())
        page = answers.run("memflame", data).decode()
        self.seed, self.data = seed, re.search(r'id="data">([^<]*)<', page).group(1)
        self.stacks = {}

    def rows(self, held):
        sums = collections.defaultdict(lambda: [0, 0])
        for b, size in held:
            path = ";".join("|".join(map(str, frame)) for frame in b.stack) or "[unknown]|||0"
            amounts = sums[self.stacks.setdefault(path, len(self.stacks))]
            amounts[0] += size * b.weight
            amounts[1] += b.weight
        return sorted([stack] + amounts for stack, amounts in sums.items() if any(amounts))

    def questions(self):
        t, rng = self.trace, random.Random(self.seed)
        moments = [(time, dict(live), bytes_of(live)) for time, live in alive(t)]
        slice_ms = 1
        while t.last >= 512 * slice_ms:
            slice_ms *= 2
        whole = 0, t.last + 1
        for changes, held in (({"mode": "alive"}, highest(moments, *whole)), ({"mode": "leaked"}, leaked(t, *whole)),
                              ({"mode": "made"}, made(t, *whole)), ({"mode": "temporary"}, temporary(t, *whole))):
            yield changes, self.rows(held)
        n = t.last // slice_ms + 1
        for _ in range(4):
            first = rng.randrange(n)
            last = rng.randrange(first, n)
            begin, end = first * slice_ms, (last + 1) * slice_ms
            for mode, held in (("alive", highest(moments, begin, end)), ("leaked", leaked(t, begin, end)),
                               ("made", made(t, begin, end)), ("temporary", temporary(t, begin, end))):
                yield {"mode": mode, "from": str(begin), "to": str(end)}, self.rows(held)
            # at the end of a slice
            live = [live for time, live, _ in moments if time < end]
            yield {"mode": "alive", "point": 2 * last + 1}, self.rows(live[-1].items() if live else [])

    def expected(self):
        t = self.trace
        moments = [(time, dict(live), bytes_of(live)) for time, live in alive(t)]
        questions = [{"changes": changes, "rows": rows} for changes, rows in self.questions()]
        most, level = collections.Counter(), 0
        last = 0
        for time, _, now in moments:
            for ms in range(last + 1, time + 1):
                most[ms] = level
            most[time] = max(most[time], now)
            last, level = time, now
        return {"seed": self.seed, "data": self.data, "questions": questions, "stacks": list(self.stacks),
                "summary": summary(highest(moments, 0, t.last + 1)), "curve": [most[ms] for ms in range(last + 1)]}


def main():
    first, last = int(sys.argv[1]), int(sys.argv[2])
    cases = [Case(seed).expected() for seed in range(first, last + 1)]
    json.dump({"suites": ["many"], "cases": cases}, sys.stdout)


if __name__ == "__main__":
    main()
