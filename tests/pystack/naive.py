"""Stacks that look like the last one but are not: one callee from two lines, one generator under two callers."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
def leaf(): return bytes(1000)
def mid(): return leaf()
def top():
    a = mid()
    b = mid()      # the same frames at the same addresses with the same instructions, from another line
    c = [mid() for _ in range(3)]
    return a, b, c
def gen():
    while True: yield bytes(1000)
def use1(g): return next(g)
def use2(g): return next(g)
for i in range(50): top()
g = gen()
for i in range(50): use1(g); use2(g); next(g)
pt.verdict()
