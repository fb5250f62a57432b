"""Check the trace of mappings.c (memcat --json on standard input)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from trace import Trace

MIB = 1 << 20
trace = Trace(sys.stdin)
assert trace.ended, "no end"
seen = [(a.allocator, a.size / MIB, a.freed) for a in trace.allocations if a.size >= MIB]
expected = [
    ("mmap_reserved", 65536, True),
    ("mmap", 50, True),
    ("mmap_reserved", 65429, True),     # after the hole
    ("mmap", 7, True),
    ("mmap", 50, True),                 # the part in between
    ("mmap", 37, True),                 # after the part reserved again
    ("mmap_reserved", 3, True),
    ("mmap_file", 1024, True),
    ("mmap_file", 48, True),
    ("mmap_file", 13, False),
    ("mmap_file", 11, False),
    ("mmap_reserved", 12, True),
    ("mmap_reserved", 14, False),
    ("mmap", 5, False),
]
problems = []
if seen != expected:
    problems += ["not expected: %r" % (s,) for s in seen if s not in expected] + ["missing: %r" % (e,) for e in expected if e not in seen]
    problems.append("in this order: %r" % seen)
resized = [e[2] / MIB for e in trace.events if e[0] == "resize"]
if resized != [65486, 50, 10, 24]:
    problems.append("resized: %r" % resized)
sys.exit("\n".join(problems) or 0)
