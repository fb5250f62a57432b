"""fleet_answers.py TRACE...: the answers to examples/fleet/answers.sql by the commands themselves, as `ask` prints them.

Rows are in any order after their question, so both sides are sorted by it."""
import csv
import json
import os
import subprocess
import sys


# What the commands print where a row has nothing.
ABSENT = {"function": ("", "[no Python frame]", "[unknown]"), "file": ("",), "line": ("0",)}


def run(*command, stdin=None):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout


def rows(*command, stdin=None):
    return list(csv.DictReader(run(*command, "--csv", stdin=stdin).decode().splitlines()))


def total(stdin, *options):
    answer = json.loads(run("memsummary", "--json", *options, stdin=stdin))
    return [(answer["total_bytes"], answer["total_allocations"])]


def added(answers):
    return [tuple(map(sum, zip(*(total(a)[0] for a in answers))))]


def summed(table, *keys, bytes="size"):
    sums = {}
    for row in table:
        key = tuple(None if row[k] in ABSENT.get(k, ()) else row[k] for k in keys)
        old = sums.get(key, (0, 0))
        sums[key] = old[0] + int(row[bytes]), old[1] + int(row["allocations"])
    return [key + value for key, value in sums.items() if value != (0, 0)]


def answers(*traces):
    place = "function", "file", "line", "allocator"
    leaks = run("memleak", *traces)
    yield total(leaks)
    yield summed(rows("memtable", "--leaks", *traces), *place)
    yield summed(rows("memtable", "--total", *traces), *place)
    spans = rows("memtable", "--total", "--by", "span", *traces)
    yield summed([dict(row, function=row["function"] or "[no span]") for row in spans], "function", "allocator")
    yield summed(rows("memtable", "--leaks", "--split-threads", *traces), "pid", "tid")
    # Each recording has a course and times of its own.
    grow = ["memgrow", "--warm-up", "0", "--by"]
    yield summed([row for t in traces for row in rows(*grow, "package", t)], "name")
    yield summed([row for t in traces for row in rows(*grow, "process", t)], "pid")
    yield total(run("memleak", stdin=run("memgrep", "--min-size", "1000", *traces)))
    small = run("memgrep", "--allocator", "malloc", "--max-size", "100", *traces)
    yield total(small, "--total")
    yield added(run("memleak", stdin=run("memslice", "--begin", "200ms", "--end", "400ms", t)) for t in traces)


with open(os.path.join(os.path.dirname(__file__), "../../examples/fleet/answers.sql")) as f:
    titles = [line.strip() for line in f if line.startswith("--")]
for title, answer in zip(titles, answers(*sys.argv[1:])):
    assert answer and answer != [(0, 0)], title
    print(title)
    for row in answer:
        print(*row, sep="\t")
