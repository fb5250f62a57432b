"""A debugger moves a frame to another line while its own frames are on top of it."""
import os, sys, warnings
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
from pt import check
warnings.simplefilter("ignore")
sys.setrecursionlimit(10000)
def deep(n, f, *a): return f(*a) if n == 0 else deep(n - 1, f, *a)
def target():
    a = bytes(900)
    b = bytes(901)
    c = bytes(902)
    d = bytes(903)
    return a
FIRST = target.__code__.co_firstlineno
def move(f):
    deep(300, check, "before the move")        # marks and stamps are made here, above the frame that is moved
    f.f_lineno = FIRST + 4
    x = [bytes(1000) for _ in range(3)]
    deep(300, check, "after the move")
    deep(300, bytes, 1000)
def traced(f, event, arg):
    if f.f_code is target.__code__:
        if event == "line" and f.f_lineno == FIRST + 2: deep(500, move, f)
        return traced
for i in range(3):
    sys.settrace(traced); deep(400, target); sys.settrace(None)
if sys.version_info >= (3, 12):                # a debugger that uses sys.monitoring: no trace function is set
    mon = sys.monitoring
    def line(code, number):
        if code is target.__code__ and number == FIRST + 2: deep(500, move, sys._getframe(1))
    mon.use_tool_id(2, "test"); mon.register_callback(2, mon.events.LINE, line)
    mon.set_local_events(2, target.__code__, mon.events.LINE)
    for i in range(3): deep(400, target)
    mon.set_local_events(2, target.__code__, 0)
pt.verdict()
