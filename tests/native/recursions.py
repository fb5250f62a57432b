"""Recursion through C and Python, deep enough for every proof that spares rereading old frames; prints "done"."""
import functools
import json
import pickle
import random
import re
import sys
import threading

DEPTH = int(sys.argv[1])
sys.setrecursionlimit(10**6)
threading.stack_size(512 << 20)


def by_sorted(n):
    return sorted([1], key=lambda _: by_sorted(n - 1) if n else len(bytearray(70_000)))


def by_reduce(n):
    return functools.reduce(lambda a, b: by_reduce(n - 1) if n else bytearray(n + 1), (1, 2))


def by_re(n):
    return re.sub("a", lambda m: by_re(n - 1) if n else "b" * (n + 1), "a")


class Held:
    def __init__(self, what):
        self.what = what

    def __repr__(self):
        return "<%r>" % (self.what,)

    def __reduce__(self):
        return (Held, (self.what,))


def held(n):
    x = [1]
    for _ in range(n):
        x = Held(x)
    return x


def lists(n):
    x = [1]
    for _ in range(n):
        x = [x]
    return x


def generator(n):
    yield from generator(n - 1) if n else iter([bytearray(100)])


def wander(n, choices):
    """Up and down at random, without allocating on the way and by one of two lines."""
    if n == 0:
        return bytearray(50)
    how = choices.randrange(3)
    if how == 0:
        return max([1], key=lambda _: len(wander(n - 1, choices))) and b""
    if how == 1:
        return wander(n - 1, choices)
    return wander(n - 1, choices)


def attempt(call, *args):
    try:
        call(*args)
    except RecursionError:      # the interpreter's limit for C
        pass


def main():
    for _ in range(2):
        attempt(by_sorted, DEPTH)
        attempt(by_reduce, DEPTH)
        attempt(by_re, DEPTH)
        attempt(list, generator(min(DEPTH, 500)))
        attempt(repr, held(DEPTH))
        attempt(pickle.dumps, held(DEPTH))
    attempt(json.loads, "[" * DEPTH * 4 + "]" * DEPTH * 4)
    attempt(repr, lists(DEPTH * 4))
    attempt(str, lists(DEPTH * 4))
    choices = random.Random(1)
    for _ in range(20):
        attempt(wander, DEPTH, choices)
    print("done", file=sys.stderr)


thread = threading.Thread(target=main)
thread.start()
thread.join()
