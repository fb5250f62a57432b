"""Recursion up and down across the boundaries of data stack chunks, from several lines and through generators."""
import os, random, sys, threading
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
sys.setrecursionlimit(10**6); threading.stack_size(512 << 20)
R = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 40
left = [0]
def down(n, a=0, b=0, c=0, d=0, e=0):
    if n <= 0: return bytearray(600)
    if n % 3 == 0:
        r = down(n - 1, 1)
    elif n % 3 == 1:
        r = down(n - 1, 2); x = bytearray(700)
    else:
        r = [down(n - 1, k) for k in (0,)][0]
    if R.random() < 0.02:
        m = R.randrange(0, 400)
        if R.random() < 0.5: again(m)
        else:
            again(m)
    return r
def again(n):
    if left[0] <= 0: return
    left[0] -= 1; down(n)
def g(n):
    for i in range(3): yield down(n + i)
def via(it, n): return next(it) if n == 0 else via(it, n - 1)
def main():
    for i in range(ROUNDS):
        left[0] = 12; down(R.randrange(50, 900))
        it = g(R.randrange(1, 300))
        via(it, R.randrange(1, 200)); via(it, R.randrange(1, 400)); via(it, 3)
t = threading.Thread(target=main); t.start(); t.join()
pt.verdict()
