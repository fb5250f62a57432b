"""check_arrays.py NATIVE: the C function through which numpy allocated must be directly below its Python caller."""
import sys

from stacks import stacks

found = {}
for size, all_of_size in stacks(sys.argv[1], lambda n: n > 700000).items():
    for s in all_of_size:
        first = next((i for i, f in enumerate(s) if f[0] == "python"), None)
        if first:
            found.setdefault(s[first][1], []).append((size, s[first - 1]))
zeros = [f for size, f in found["zeros"] if size == 9000001]
assert zeros and all("_multiarray_umath" in f[2] for f in zeros), zeros
assert found["svd"] and all("_umath" in f[2] for _, f in found["svd"]), found["svd"]
