"""Threads that allocate without the GIL, start and end, and still run when the interpreter shuts down."""
import atexit, os, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
def rec(d, f, *a): return f(*a) if d == 0 else rec(d - 1, f, *a)
def work(n, k):
    x = []
    for i in range(n):
        x.append([bytes(700 + k)])
        if len(x) > 50: x.clear()
        if i % 50 == 0: exec(compile("def q(a): return bytearray(900)\nfor _ in range(5): q(1)", "<t%d>" % k, "exec"), {})
def without(): pt.NOGIL.pt_allocs(1000, 4096)
ts = [threading.Thread(target=rec, args=(10 * k, work, 1000, k)) for k in range(5)]
ts += [threading.Thread(target=rec, args=(k, without)) for k in range(3)]
for t in ts: t.start()
for t in ts: t.join()
for i in range(200):
    t = threading.Thread(target=rec, args=(5, pt.check, "a short thread")); t.start(); t.join()
made = pt.GIL.pt_threads()
assert made < 40, "%d states for 209 threads, of which at most 9 at once" % made
def forever_without():
    while True: pt.NOGIL.pt_allocs(2000, 3000)
def forever_with():
    while True: x = [bytearray(800) for _ in range(20)]
for f in forever_without, forever_without, forever_with, forever_with: threading.Thread(target=f, daemon=True).start()
def fork():
    pid = os.fork()
    if pid == 0:
        def child(n): return [bytearray(900) for _ in range(100)] if n == 0 else child(n - 1)
        child(20); pt.check("a child of a thread"); os._exit(pt.counts()["mismatches"] != 0)
    assert os.waitpid(pid, 0)[1] == 0
for i in range(3):
    t = threading.Thread(target=fork); t.start(); t.join()
atexit.register(lambda: [bytearray(1000) for _ in range(1000)])
class X:
    def __del__(self): [bytearray(1000) for _ in range(1000)]
x = X(); time.sleep(0.1)
pt.verdict(states=made)
