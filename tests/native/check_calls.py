"""check_calls.py PLAIN NATIVE: traces of calls.py as memcat --json writes them.

Both must have the same Python frames. The second must have no frame of the
interpreter's loop, and its C frames in the right places.
"""
import sys

from stacks import names, python, stacks


def between(s, inner, outer):
    """The C frames from the innermost Python frame `inner` to the next `outer`."""
    n = names(s)
    return n[n.index(inner) + 1 : n.index(outer)]


plain, native = [stacks(path, lambda size: 700000 <= size < 700100) for path in sys.argv[1:]]
assert set(plain) == set(native) and len(plain) == 21, (sorted(plain), sorted(native))
for size, both in plain.items():
    for p, n in zip(both, native[size]):
        assert list(p) == python(n), (size, p, n)
        assert not any(f[1].startswith("_PyEval_EvalFrame") for f in n), (size, names(n))
        # ctypes calls malloc itself, so only the last C frame of the way there is left.
        assert n[0][0] == "native" and n[1] == p[0], (size, names(n))
qsort = [f for f in between(native[700003][0], "compare", "callback")]
assert qsort and all("qsort" in f or "sort" in f or "+0x" in f for f in qsort), qsort
assert any(f[0] == "native" for f in native[700012][0][5:]), "a thread's stack ends in C"
crossed = native[700015][0]
turns = [f for f, g in zip(crossed, crossed[1:]) if f[1] == "crossing" and g[0] == "native"]
assert len(turns) >= 30, names(crossed)
for i in range(6):
    # Nothing is between direct calls; partial may add C functions whose names do not contain "call".
    s = native[700020 + i][0]
    assert names(s)[2] == "inlined", names(s)
    if i % 2:
        assert names(s)[3].endswith("<lambda>"), names(s)
