"""Print ns per capture at some depths, for one interpreter; run by pystack-capture under the harness."""
import ctypes, sys
lib = ctypes.PyDLL(None)
lib.pt_bench.restype = ctypes.c_double
sys.setrecursionlimit(10**6)

def measure(depth):
    n = max(200, min(100000, 4000000 // depth))
    return ["%d,%d,%.1f" % (depth, changed, min(lib.pt_bench(n, changed) for _ in range(5))) for changed in (0, 1, 3)]

def call(n, depth): return measure(depth) if n <= 0 else call(n - 1, depth)

for depth in 10, 50, 200, 1000:
    for line in call(depth - 2, depth):
        print("3.%d,%s" % (sys.version_info[1], line))
