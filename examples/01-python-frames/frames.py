"""Prints its own stack, and allocates there."""
import sys


def inner():
    frame, names = sys._getframe(), []
    while frame:
        names.insert(0, frame.f_code.co_name)
        frame = frame.f_back
    print(" -> ".join(names))
    return bytes(1_000_000)


def outer():
    return inner()


outer()
