"""usage: check_objects.py EXPECTED with|without < JSON of the trace"""
import json
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "lib"))
from trace import Trace

names = {}
for number, line in enumerate(open(os.path.join(here, "objects.py")), 1):
    if "# @" in line:
        names[number] = line.split("# @")[1].strip()
expected = json.load(open(sys.argv[1]))
seen = {}
for a in Trace(sys.stdin).of("objects.py"):
    if sys.argv[2] == "with" and not a.allocator.startswith("pymalloc_"):
        continue    # tracemalloc stores its records in blocks of the C library
    name = names.get(a.leaf[2])
    if name:
        seen.setdefault(name, []).append(a)
problems = []
for name, (count, size) in expected.items():
    got = [a for a in seen.get(name, []) if size is None or a.size == size]
    kinds = {a.allocator for a in got}
    if sys.argv[2] == "without":
        small = [a for a in got if a.size <= 512]
        if small or (name == "big") != (len(got) == 1 and kinds == {"calloc"}) and name != "append":
            problems.append("%s: %d small, %r" % (name, len(small), kinds))
    elif name == "append":
        if abs(len(got) - count) > 1 or kinds - {"pymalloc_malloc", "pymalloc_realloc"}:
            problems.append("append: expected %d, got %d, %r" % (count, len(got), kinds))
    elif len(got) != count or not all(k.startswith("pymalloc_") for k in kinds):
        problems.append("%s: expected %d of %s bytes, got %d, %r; sizes there: %r"
                        % (name, count, size, len(got), kinds, sorted({a.size for a in seen.get(name, [])})[:9]))
sys.exit("\n".join(problems) or 0)
