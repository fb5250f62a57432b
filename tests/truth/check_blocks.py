"""Check the trace of blocks.py (memcat --json on standard input)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from trace import Trace

MIB = 1 << 20
here = os.path.dirname(os.path.abspath(__file__))
at = {}     # the lines marked "# @name" in the program
for number, line in enumerate(open(os.path.join(here, "blocks.py")), 1):
    if "# @" in line:
        at[line.split("# @")[1].split()[0].strip(",")] = number
trace = Trace(sys.stdin)
assert trace.ended, "no end"
seen = {}
for a in trace.of("blocks.py", 900000):
    function, _, line = a.leaf
    key = (function.rsplit(".", 1)[-1], line, a.allocator, a.size)
    count, freed = seen.get(key, (0, 0))
    seen[key] = count + 1, freed + a.freed

def bytearray_of(n):
    return n + int(sys.argv[1])

expected = {    # function, line, allocator, bytes: made, freed before the interpreter ended
    ("kept", at["kept"], "malloc", bytearray_of(MIB)): (7, None),
    ("drop", at["drop"], "malloc", bytearray_of(2 * MIB)): (7, 7),
    ("fill", at["fill"], "malloc", bytearray_of(3 * MIB)): (1, None),
    ("c_calls", at["malloc"], "malloc", 1234567): (1, 1),
    ("c_calls", at["realloc"], "realloc", 2345678): (1, 1),
    ("c_calls", at["calloc"], "calloc", 1000000): (1, 0),
    ("c_calls", at["posix_memalign"], "posix_memalign", 1111111): (1, 1),
    ("c_calls", at["aligned_alloc"], "aligned_alloc", 1280000): (1, 1),
    ("c_calls", at["memalign"], "memalign", 1200001): (1, 1),
    ("c_calls", at["valloc"], "valloc", 1200002): (1, 1),
    ("c_calls", at["pvalloc"], "pvalloc", 1200003): (1, 1),
    ("c_calls", at["mmap"], "mmap", 5 * MIB): (1, 1),
    ("main", at["mapping"], "mmap", 6 * MIB): (1, 1),
}
problems = []
for key, (count, freed) in expected.items():
    got = seen.pop(key, (0, 0))
    if got[0] != count or (freed is not None and got[1] != freed):
        problems.append("%r: expected %r, got %r" % (key, (count, freed), got))
problems += ["not expected: %r: %r" % item for item in seen.items()]

# 7 kept blocks, then the box, calloc's, and the mapping at the peak
best, stacks = trace.peak()
at_peak = {}
for stack, n in stacks.items():
    if stack and os.path.basename(stack[-1][1]) == "blocks.py" and n > 900000:
        at_peak[stack[-1][2]] = at_peak.get(stack[-1][2], 0) + n
if at_peak != {at["kept"]: 7 * bytearray_of(MIB), at["fill"]: bytearray_of(3 * MIB), at["calloc"]: 1000000, at["mapping"]: 6 * MIB}:
    problems.append("at the peak: %r" % at_peak)

# the whole stack of one of them
names = [f[0].rsplit(".", 1)[-1] for f in trace.of("blocks.py", MIB)[0].stack]
if names != ["<module>", "main", "keep", "kept"]:
    problems.append("stack: %r" % names)
sys.exit("\n".join(problems) or 0)
