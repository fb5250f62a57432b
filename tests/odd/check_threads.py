"""usage: check_threads.py < JSON of the trace of threads.py"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from trace import Trace

got = {}
for a in Trace(sys.stdin).allocations:
    if 900001 <= a.size <= 900006:
        key = a.size, a.leaf[0] if a.leaf else None
        got[key] = got.get(key, 0) + 1
want = {
    (900001, "dropped"): 200,
    (900002, "kept"): 100,
    (900003, "[no Python frame]"): 800,
    (900004, "c_handler"): 1,
    (900005, "python_handler"): 1,
    (900006, "task"): 6,
}
sys.exit(0 if got == want else "expected %r\n     got %r" % (want, got))
