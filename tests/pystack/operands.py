"""Deep stacks of every kind of call, left by return and by exception, and entered again: each allocation is compared.

Possible errors of an early stop that relies on a call's operands (record/agent/python/proofs.h): a stamp that a later
call does not overwrite, and one written where the interpreter still keeps something.

usage: operands.py [alone]      alone: without the harness; the caller compares
"""
import functools, os, random, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
ALONE = sys.argv[1:] == ["alone"]
if not ALONE: import pt

class Out(Exception): pass

def allocate(r):
    return [bytes(1000) for _ in range(r.randrange(1, 3))] if r.random() < .5 else bytes(1000 + r.randrange(9))

class Made:
    def __init__(self, r, n): self.got = down(r, n)
class Slotted:
    __slots__ = ("got",)
    def __new__(cls, r, n):
        self = object.__new__(cls); self.got = down(r, n); return self
class Access:
    def __init__(self, r, n): self.r, self.n = r, n
    @property
    def value(self): return down(self.r, self.n)
    def __getitem__(self, i): return down(self.r, self.n)
    def __getattr__(self, name):
        if name != "other": raise AttributeError(name)
        return down(self.r, self.n)
    def __call__(self): return down(self.r, self.n)
    def __add__(self, other): return down(self.r, self.n)
    def __enter__(self): return down(self.r, self.n)
    def __exit__(self, *what): return allocate(self.r) is None
    def __iter__(self): yield down(self.r, self.n)
    def method(self, a, *args, b=1, **more): return down(self.r, self.n)
    @classmethod
    def of_class(cls, r, n): return down(r, n)
class Overridden:
    def __init__(self, r, n): self.__dict__.update(r=r, n=n)
    def __getattribute__(self, name):
        d = object.__getattribute__(self, "__dict__")
        return down(d["r"], d["n"]) if name == "any" else object.__getattribute__(self, name)

def generate(r, n):
    x = yield down(r, n)
    yield [x, down(r, n)]
def delegate(r, n):
    return (yield from generate(r, n))
async def wait(r, n): return down(r, n)
async def wait_twice(r, n): return [await wait(r, n), await wait(r, n)]
def drive(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value

def two_lines(r, n):
    a = down(r, n)
    b = down(r, n)
    return [a, b]
def nested(r, n): return [1, 2, down(r, n), [down(r, n), down(r, n - 1)]]
def loop(r, n):
    for i in range(2):
        for j in (1, 2):
            try: a = [i, j, down(r, n - 1), down(r, n)]
            except Out: a = allocate(r)
    return a
def retry(r, n):
    while True:
        try: return [0, down(r, n)]
        except Out:
            if r.random() < .6: allocate(r)
            else: return down(r, n)
        finally: allocate(r)
def loops_of_generators(r, n):
    g = generate(r, n)
    for a in g:
        for b in generate(r, n - 1): a = [b, allocate(r)]
    return a
def default(r, n, x=1, *, y=2): return down(r, n)

KINDS = [
    two_lines, nested, loop, retry, loops_of_generators, default, lambda r, n: allocate(r),
    lambda r, n: Made(r, n), lambda r, n: Slotted(r, n), lambda r, n: Access(r, n).value, lambda r, n: Access(r, n)[n],
    lambda r, n: Access(r, n).other, lambda r, n: Access(r, n)(), lambda r, n: Access(r, n) + 1, lambda r, n: list(Access(r, n)),
    lambda r, n: Access(r, n).method(1, 2, 3, c=4), lambda r, n: Access.of_class(r, n), lambda r, n: Overridden(r, n).any,
    lambda r, n: next(generate(r, n)), lambda r, n: list(delegate(r, n)), lambda r, n: drive(wait_twice(r, n)),
    lambda r, n: sorted([2, 1], key=lambda i: down(r, n) and i), lambda r, n: [*map(lambda i: down(r, n), (1, 2))],
    lambda r, n: functools.partial(default, r, n)(), lambda r, n: default(*(r, n), **{"x": 3}), lambda r, n: [down(r, n) for _ in "ab"],
    lambda r, n: {i: down(r, n) for i in "ab"}, lambda r, n: max((1, 2), key=lambda i: (down(r, n), i)[1]), lambda r, n: eval("down(r, n)", globals(), {"r": r, "n": n}),
]
def within(r, n):
    with Access(r, n) as a: return [a, down(r, n)]
KINDS.append(within)

budget = 0
def down(r, n):
    global budget
    budget -= 1
    if n <= 0 or budget <= 0 or r.random() < .1:
        if r.random() < .3: raise Out
        return allocate(r)
    if r.random() < .5: allocate(r)
    return r.choice(KINDS)(r, n - 1) if n % 3 == 0 else straight(r, n - 1) if n % 3 == 1 else other(r, n - 1)
def straight(r, n): return down(r, n)
def other(r, n):
    got = straight(r, n)
    return got, straight(r, n)

sys.setrecursionlimit(10000)
for seed in range(int(os.environ.get("PYSTACK_SEEDS", "60"))):
    budget, r = 1500, random.Random(seed)
    for depth in (5, 12, 30, 90):
        try: down(r, depth)
        except (Out, RuntimeError): pass		# a generator that lets Out through
print("done") if ALONE else pt.verdict()
