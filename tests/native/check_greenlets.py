"""check_greenlets.py PLAIN NATIVE: both must have the same Python frames, and a greenlet's C frames must end where it began."""
import sys

from stacks import names, python, stacks

plain, native = [stacks(path, lambda size: 700000 <= size < 700100) for path in sys.argv[1:]]
assert set(plain) == set(native) and len(plain) == 30, (len(plain), len(native))
for size, all_of_size in plain.items():
    for p, n in zip(all_of_size, native[size]):
        assert list(p) == python(n), (size, p, n)
        beyond = n[len(n) - 1 - [f[0] for f in reversed(n)].index("python") + 1 :]
        assert beyond and all("greenlet" in f[1] or "greenlet" in f[2] for f in beyond), names(n)
