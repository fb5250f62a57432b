"""Greenlets that switch in turn from stacks of different depths, and allocate blocks of known sizes."""
import ctypes

import greenlet

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]


def leaf(n):
    return libc.malloc(n)


def deeper(k, i, depth):
    if depth:
        return deeper(k, i, depth - 1)
    greenlet.getcurrent().parent.switch()
    leaf(700050 + k * 5 + i)


def child(k):
    for i in range(5):
        leaf(700000 + k * 10 + i)
        deeper(k, i, 3)


def start(greenlets, depth):
    if depth:
        return start(greenlets, depth - 1)
    for k in range(3):
        g = greenlet.greenlet(child)
        greenlets.append(g)
        g.switch(k)


def resume(greenlets, depth):
    if depth:
        return resume(greenlets, depth - 1)
    for g in greenlets:
        g.switch()


started = []
start(started, 4)
for i in range(5):
    list(map(lambda g: resume(started, i), [1]))
