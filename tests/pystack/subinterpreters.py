"""The stack of a sub-interpreter, also in threads, and then the main interpreter's."""
import os, sys, threading
D = os.path.dirname(os.path.abspath(__file__)); sys.path.insert(0, D)
import pt
V = sys.version_info[1]
SHARED = """
import sys; sys.path.insert(0, %r)
import pt
def inside(n):
    if n: return inside(n - 1)
    if sys.version_info < (3, 12): pt.NOGIL = pt.GIL    # there a sub-interpreter's stack is visible only with the GIL
    pt.check("a sub-interpreter"); pt.NOGIL.pt_allocs(500, 5000)
    return bytearray(900)
inside(7)
""" % D
ISOLATED = """
import threading
def inside(n):
    if n: return inside(n - 1)
    return [bytearray(900) for _ in range(500)]
inside(7)
try:
    t = threading.Thread(target=inside, args=(9,)); t.start(); t.join()
except RuntimeError: pass
"""
if V <= 12: import _xxsubinterpreters as I
else: import _interpreters as I
def make(isolated):
    if V <= 8: return I.create()
    if V <= 12: return I.create(isolated=isolated)
    return I.create("isolated" if isolated else "legacy")
def run(code, isolated):
    i = make(isolated); r = I.run_string(i, code); pt.check("the main interpreter afterwards")
    assert r is None, r
    I.destroy(i)
run(SHARED, False); run(ISOLATED, True)
t = threading.Thread(target=run, args=(SHARED, False)); t.start(); t.join()
ts = [threading.Thread(target=run, args=(ISOLATED, True)) for _ in range(3)]
for t in ts: t.start()
for t in ts: t.join()
pt.verdict()
