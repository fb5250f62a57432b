"""Exceptions thrown into generators that wait for others: frames that are linked without running.

Prints the functions on the stack for each of its two blocks, innermost first.
"""
import sys


def allocate(size, frame):
    kept.append(bytes(size - 32))	# takes size + 1
    names = ["allocate"]
    while frame:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    print(*names)


def inner():
    try:
        yield 1
    except ValueError:
        allocate(3000, sys._getframe())
        yield 2


def outer():
    yield from inner()


class Thrown:
    def __iter__(self):
        return self

    def __next__(self):
        return 1

    def throw(self, *what):
        allocate(5000, sys._getframe())
        return 2


def waits():
    yield from Thrown()


kept = []
for make in outer, waits:
    generator = make()
    next(generator)
    assert generator.throw(ValueError) == 2
print("done")
