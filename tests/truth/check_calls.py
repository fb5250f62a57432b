"""Check the trace of calls.c (memcat --json on standard input)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from trace import Trace

PAGE = 4096
trace = Trace(sys.stdin)
assert trace.ended, "no end"
seen = {}
for a in trace.allocations:
    if a.size >= 50 * PAGE or 100000 <= a.size:
        count, freed = seen.get((a.allocator, a.size), (0, 0))
        seen[a.allocator, a.size] = count + 1, freed + a.freed
expected = {
    ("malloc", 100001): (1, 1),
    ("calloc", 300006): (1, 1),
    ("realloc", 400003): (1, 1),
    ("reallocarray", 500020): (1, 1),
    ("realloc", 100005): (1, 0),
    ("posix_memalign", 100006): (1, 1),
    ("aligned_alloc", 128000): (1, 1),
    ("memalign", 100008): (1, 1),
    ("valloc", 100009): (1, 1),
    ("pvalloc", 100010): (1, 1),
    ("mmap", 1000 * PAGE): (1, 1),
    ("mmap", 380 * PAGE): (1, 1),           # split off by unmapping the middle
    ("mmap", 2000 * PAGE + 1): (1, 1),
    ("mmap", 50 * PAGE): (1, 1),
    ("mmap", 950 * PAGE + 1): (1, 1),       # the rest after the fixed mapping
    ("mmap", 300 * PAGE): (1, 1),
    ("mremap", 3000 * PAGE): (1, 1),
    ("mremap", 200 * PAGE): (1, 1),
    ("mmap", 777 * PAGE): (1, 0),
}
problems = []
for key, want in expected.items():
    got = seen.pop(key, (0, 0))
    if got != want:
        problems.append("%r: expected %r, got %r" % (key, want, got))
problems += ["not expected: %r: %r" % item for item in seen.items()]
resized = [e[2] // PAGE for e in trace.events if e[0] == "resize"]
if resized != [990, 970, 490, 1000]:
    problems.append("resized: %r" % resized)
best, _ = trace.peak()
if not 3000 * PAGE + 100005 <= best <= 3000 * PAGE + 100005 + 10000:
    problems.append("peak: %d" % best)
if {a.leaf[0] for a in trace.allocations} != {"[no Python frame]"}:
    problems.append("a Python stack where there is no Python")
sys.exit("\n".join(problems) or 0)
