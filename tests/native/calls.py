"""Blocks of known sizes, allocated by C code that Python calls in many ways."""
import ctypes
import functools
import threading

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


def leaf(n):
    return libc.malloc(n)


def inlined(n):
    return leaf(n)


class C:
    def __init__(self, n):
        self.p = leaf(n)

    def __del__(self):
        leaf(700013)


def generator(n):
    yield leaf(n)


def delegating(n):
    yield from generator(n)


compared = []


def compare(a, b):
    if not compared:
        compared.append(1)
        inlined(700003)
    return a[0] - b[0]


def callback():
    numbers = (ctypes.c_int * 4)(4, 3, 2, 1)
    libc.qsort(numbers, 4, 4, COMPARE(compare))


def deep(n, size):
    return deep(n - 1, size) if n else leaf(size)


def crossing(n, size):
    return list(map(functools.partial(crossing, n - 1), [size])) if n else leaf(size)


def swapped(call):
    """Frames at the same places, called directly and through C in turn."""
    for i in range(6):
        call(700020 + i, inlined if i % 2 else functools.partial(inlined))


def main():
    leaf(700001)
    inlined(700002)
    callback()
    C(700004)
    list(delegating(700005))
    sorted([3], key=lambda x: inlined(700006))
    functools.partial(inlined, 700007)()
    list(map(inlined, [700008]))
    exec("inlined(700009)")
    [inlined(700010) for _ in (1,)]

    class K:
        x = inlined(700011)

    t = threading.Thread(target=inlined, args=(700012,))
    t.start()
    t.join()
    deep(300, 700014)
    crossing(30, 700015)
    swapped(lambda n, f: f(n))


main()
