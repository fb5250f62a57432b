"""In some 240 situations our stack must equal sys._getframe()'s in file, name, instruction and line of every frame."""
import asyncio, atexit, cProfile, collections, contextlib, ctypes, functools, gc, os, re, signal, sys, threading, weakref
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
from pt import check

DEEP = int(os.environ.get("PYSTACK_DEEP", "30000"))

def plain(): check("a plain call")
def gen(n):
    for i in range(n):
        check("a generator"); yield i
def genfrom(n): yield from gen(n)
async def coro(n):
    check("a coroutine"); await asyncio.sleep(0); check("a coroutine resumed")
    if n: await coro(n - 1)
async def agen():
    for i in range(3):
        check("an async generator"); yield i; await asyncio.sleep(0)
async def amain():
    await coro(5)
    async for x in agen(): check("async for")
    [y async for y in agen() if check("an async comprehension")]
    await asyncio.gather(coro(2), coro(3))

class C:
    check("a class body")
    def __init__(self, x): self.x = x; check("__init__")
    def __del__(self): check("__del__")
    def __lt__(self, o): check("__lt__"); return id(self) < id(o)
    @property
    def p(self): check("a property"); return 1
    def __getattr__(self, n): check("__getattr__"); raise AttributeError(n)
    def __enter__(self): check("__enter__"); return self
    def __exit__(self, *a): check("__exit__")
    def __iter__(self): check("__iter__"); return iter([1])
    def __call__(self): check("__call__")
class M(type):
    def __new__(m, *a): check("a metaclass"); return super().__new__(m, *a)
class D(C, metaclass=M):
    def __init__(self, x): super().__init__(x); check("__init__ of a subclass")
def specialised_init():          # from 3.12: the interpreter's own frame below __init__
    for i in range(40): D(i)

def rec(n): return check("recursion") if n == 0 else rec(n - 1)
def rec_c(n): return check("recursion through C") if n == 0 else list(map(rec_c, [n - 1]))[0]
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
def rec_ctypes(n): return check("recursion through ctypes") if n == 0 else pt.NOGIL.pt_call(CALLBACK(rec_ctypes), n - 1)
def thread(): check("a thread"); plain(); rec(20)
def closures(a):
    b = a
    def inner(*args, k=a, **kw): check("a closure"); return b
    return inner(1, 2, x=3)
def exceptions():
    try: raise ValueError
    except ValueError:
        check("except")
        try: raise KeyError
        finally: check("finally")
def throwgen():
    try: yield 1
    except ValueError: check("throw"); yield 2
    finally: check("close")

def calls():
    plain(); list(gen(3)); list(genfrom(3)); asyncio.run(amain())
    x = C(1); x < C(2); x.p; getattr(x, "zz", None); x()
    with x: check("with")
    list(x); specialised_init(); del x
    for n in (0, 1, 10, 100, 500): rec(n)
    rec_c(50); rec_ctypes(20)
    t = threading.Thread(target=thread); t.start(); t.join()
    closures(3)
    [check("a list comprehension") for _ in range(2)]; {check("a set comprehension") for _ in range(2)}
    list(check("a generator expression") for _ in range(2))
    sorted([C(1), C(2), C(3)]); sorted([1, 2], key=lambda v: check("a sort key")); re.sub("a", lambda m: str(check("re.sub")), "aba")
    functools.reduce(lambda a, b: check("reduce"), [1, 2, 3]); functools.partial(check, "partial")()
    try: exceptions()
    except KeyError: check("an outer except")
    g = throwgen(); next(g); g.throw(ValueError()); g.close()
    with contextlib.ExitStack() as st: st.callback(check, "ExitStack"); st.enter_context(contextlib.suppress(KeyError))
    collections.namedtuple("NT", "a b")(1, 2)

def names():
    exec(compile("check('exec')\nfor i in range(2):\n  check('exec again')", "<ex\u00e9c \u65e5\u672c \U0001F600>", "exec"), globals())
    eval("check('eval')")
    exec("def \u5909\u6570\u00fc(): check('a name beyond Latin')\n\u5909\u6570\u00fc()", {"check": check})
    exec(compile("def \U00020000(): check('a name beyond the BMP')\n\U00020000()", "<x>", "exec"), {"check": check})
    if "perf" not in sys._xoptions:
        exec(compile("check('a file name that is not text')", os.fsdecode(b"/tmp/b\xffd.py"), "exec"), globals())
    if sys.version_info >= (3, 12):
        exec("def f[T](x: T) -> T:\n  check('PEP 695'); return x\nf(1)\nclass K[T]: check('a PEP 695 class')\n", {"check": check})

def callbacks():
    w = weakref.ref(C(1), lambda r: check("weakref")); del w
    o = type("O", (), {})(); w = weakref.ref(o, lambda r: check("weakref again")); del o
    class Cycle: pass
    c = Cycle(); c.c = c; weakref.finalize(c, check, "finalize"); del c; gc.collect()
    gc.callbacks.append(lambda p, i: check("gc")); gc.collect(); gc.callbacks.pop()
    signal.signal(signal.SIGUSR1, lambda s, f: check("a signal handler")); os.kill(os.getpid(), signal.SIGUSR1); check("after it")

def tracing():
    seen = []
    def trace(f, event, arg):
        if f.f_code.co_name == "plain" and len(seen) < 3:
            seen.append(1); sys.settrace(None); check("settrace"); sys.settrace(trace)
        return trace
    sys.settrace(trace); plain(); sys.settrace(None)
    def prof(f, event, arg):
        if f.f_code.co_name == "plain" and len(seen) < 6:
            seen.append(1); sys.setprofile(None); check("setprofile"); sys.setprofile(prof)
    sys.setprofile(prof); plain(); sys.setprofile(None)
    cProfile.Profile().runcall(plain)
    if sys.version_info >= (3, 12):
        mon = sys.monitoring
        mon.use_tool_id(2, "test"); mon.register_callback(2, mon.events.LINE, lambda code, line: code is plain.__code__ and check("a monitoring callback"))
        mon.set_events(2, mon.events.LINE); plain(); mon.set_events(2, 0); mon.free_tool_id(2)

def deep():
    for f, n in (rec, DEEP), (rec_c, min(DEEP, 600)):
        t = threading.Thread(target=f, args=(n,)); t.start(); t.join()

def fork():
    pid = os.fork()
    if pid == 0:                   # the harness forgets every number there
        rec(10); check("a forked child"); pt.verdict(); os._exit(0 if pt.GIL.pt_version() else 3)
    assert os.waitpid(pid, 0)[1] == 0, "the forked child"

calls(); names(); callbacks(); tracing()
sys.setrecursionlimit(100000); threading.stack_size(512 << 20)
deep(); fork()
assert pt.NOGIL.pt_native_thread() == 0, "a native thread has no Python stack"
assert pt.GIL.pt_version().decode().startswith("%d.%d.%d" % sys.version_info[:3]), pt.GIL.pt_version()
pt.verdict(comparisons=pt.compared[0], frames=pt.compared[1])
atexit.register(check, "atexit")
class Last:
    def __del__(self): check("__del__ at the end")
LAST = Last()
