"""Makes an allocation of a unique size in many situations, and notes inspect.stack() for each.

usage: frames.py NOTES     (JSON lines: {"size":…, "what":…, "frames":[[function, file, line], …]}, outermost first)
"""
import asyncio
import contextlib
import cProfile
import functools
import inspect
import json
import sys
import threading

notes = open(sys.argv[1], "w")
size = 5000000
keep = []


def note(what):
    global size
    size += 1
    frames = [[getattr(f.frame.f_code, "co_qualname", f.function), f.filename, f.lineno]
              for f in reversed(inspect.stack(0))]
    keep[:] = [bytes(size)]; line = inspect.currentframe().f_lineno
    # the innermost frame has advanced to the allocation's line; all others are unchanged
    frames[-1][2] = line
    notes.write(json.dumps({"size": sys.getsizeof(keep[0]), "what": what, "frames": frames}) + "\n")
    return what


def plain():
    note("plain")


def generator(n):
    for i in range(n):
        note("generator")
        yield i


def through(n):
    yield from generator(n)


async def coroutine(n):
    note("coroutine")
    await asyncio.sleep(0)
    note("coroutine, resumed")
    if n:
        await coroutine(n - 1)


async def agenerator():
    for i in range(2):
        note("asynchronous generator")
        yield i
        await asyncio.sleep(0)


async def tasks():
    await coroutine(3)
    async for _ in agenerator():
        note("async for")
    await asyncio.gather(coroutine(1), coroutine(2))


def recurse(n):
    if n == 0:
        note("recursion")
    else:
        recurse(n - 1)


class Thing:
    note("class body")

    def __init__(self):
        note("__init__")

    def __del__(self):
        note("__del__")

    def __lt__(self, other):
        note("__lt__")
        return True

    @property
    def value(self):
        return note("property")

    def method(self):
        return [note("list comprehension in a method") for _ in range(1)]


def outer(x):
    def inner(*args, **named):
        return note("closure")
    return inner(x, y=x)


def calls():
    plain()
    list(generator(2))
    list(through(2))
    outer(1)
    thing = Thing()
    thing.value
    thing.method()
    sorted([thing, Thing()])
    del thing
    sorted([1, 2], key=lambda v: note("lambda called by C"))
    list(map(functools.partial(note), ["partial"]))
    {note("set comprehension") for _ in range(1)}
    list(note("generator expression") for _ in range(1))
    try:
        raise ValueError
    except ValueError:
        note("except")
    with contextlib.ExitStack() as stack:
        stack.callback(note, "exit stack")
    a = plain()
    b = plain()     # the same function from another line
    g = generator(9)
    next(g)
    (lambda: next(g))()     # one generator, two callers
    return a, b


def traced():
    seen = []

    def trace(frame, event, arg):
        seen.append(event)
        return trace
    sys.settrace(trace)
    try:
        calls()
    finally:
        sys.settrace(None)
    assert seen


def main():
    calls()
    asyncio.run(tasks())
    exec(compile("def made():\n\n  note('exec')\nmade()\neval('note(\"eval\")')", "<made \u65e5\u672c>", "exec"), globals())
    profile = cProfile.Profile()
    profile.runcall(calls)
    calls()
    traced()
    calls()
    threads = [threading.Thread(target=target) for target in (calls, calls, functools.partial(asyncio.run, tasks()))]
    for t in threads:
        t.start()
        t.join()
    sys.setrecursionlimit(100000)
    for depth in 1, 50, 900:
        recurse(depth)
    threading.stack_size(512 << 20)
    deep = threading.Thread(target=recurse, args=(10000,))
    deep.start()
    deep.join()
    note("at the end")


main()
notes.close()
