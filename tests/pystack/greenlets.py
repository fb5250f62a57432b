"""To be run by hand if greenlet (and gevent) is installed: stacks that are swapped under the interpreter."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt, greenlet
from pt import check
def deep(n, f, *a): return f(*a) if n == 0 else deep(n - 1, f, *a)
main = greenlet.getcurrent()
def body(name):
    for i in range(5):
        deep(i * 3, check, "greenlet %d" % name)
        x = [bytes(600) for _ in range(3)]
        deep(i, main.switch, i)
        check("after a switch"); y = bytearray(700)
gs = [greenlet.greenlet(lambda k=k: deep(k * 7, body, k)) for k in range(6)]
for i in range(5):
    for g in gs: g.switch(); check("the main greenlet")
def gen():
    for i in range(5): main.switch(); x = bytes(800); yield i; check("a generator in a greenlet")
g = greenlet.greenlet(lambda: list(gen()))
while not g.dead: deep(3, g.switch); y = bytes(900)
ds = [greenlet.greenlet(lambda k=k: deep(900, lambda: [(bytes(600), main.switch()) for _ in range(20)])) for k in range(3)]
for r in range(20):
    for g in ds: deep(r, g.switch); z = bytes(1000)
del ds, g, gs
try:
    import gevent
    def w(n):
        for i in range(4):
            deep(n, check, "gevent"); gevent.sleep(0); x = bytes(1500); deep(n, gevent.sleep, 0)
    gevent.joinall([gevent.spawn(w, n) for n in range(10)])
except ImportError:
    gevent = None
pt.verdict(greenlet=greenlet.__version__, gevent=gevent and gevent.__version__)
