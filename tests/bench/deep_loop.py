"""An allocation loop some frames down; prints the loop's own milliseconds. usage: deep_loop.py DEPTH [LOOPS]"""
import sys
import time

def loop(n):
    start = time.perf_counter()
    for i in range(n):
        a = [i]             # three objects: the list, its items, the float
        b = i * 0.5
    return (time.perf_counter() - start) * 1000

def down(depth, n):
    return loop(n) if depth <= 2 else down(depth - 1, n)

sys.setrecursionlimit(100000)
print("%.1f" % down(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100000))
