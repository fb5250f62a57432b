"""Allocations at each of 100,000 levels must take CPU time proportional to the levels, not to their square (100 times more)."""
import os, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
sys.setrecursionlimit(10**6); threading.stack_size(1 << 30)
def rec(n):
    x = bytearray(700)
    return rec(n - 1) if n else 0
def run(n):
    t = time.thread_time(); rec(n); return time.thread_time() - t
def main():
    run(1000)
    out.extend(min(run(n) for _ in range(3)) for n in (10000, 100000))
out = []
t = threading.Thread(target=main); t.start(); t.join()
print("3.%d" % sys.version_info[1], "10,000 levels %.1f ms, 100,000 levels %.1f ms" % tuple(x * 1e3 for x in out))
assert out[1] < 30 * out[0] + 0.05, "not linear"
assert pt.GIL.pt_version(), "no interpreter was found"
