"""The agent gets little or no memory: the program must not notice."""
import ctypes, sys, threading
lib = ctypes.PyDLL(None)
lib.pt_capture.restype = ctypes.c_uint
def rec(n):
    x = bytearray(700)
    return rec(n - 1) if n else lib.pt_capture()
sys.setrecursionlimit(20000); threading.stack_size(256 << 20)
def main():
    for i in range(300):
        exec(compile("def f%d(n): return bytes(900)\nf%d(1)" % (i, i), "<%d>" % i, "exec"), {})
    results.append(rec(9000)); results.append(rec(3))
results = []
ts = [threading.Thread(target=main) for _ in range(4)]
for t in ts: t.start()
for t in ts: t.join()
assert len(results) == 8, results
assert lib.pt_native_thread() == 0
# Incomplete results are still consistent: no node without its code and its parent.
counts = (ctypes.c_uint64 * 10)()
lib.pt_counts(counts)
assert counts[7] == 0, list(counts)
