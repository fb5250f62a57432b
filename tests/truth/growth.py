"""Two ways to make a list of a million items: by appending, which reallocates as it grows, and at once.

Prints the number of the growing list's blocks over 512 bytes, which malloc allocates, except the last one.
"""
import sys


def grow():
    items = []
    for _ in range(1000000):
        items.append(None)
    return items


def multiply():
    return [None] * 1000000


def blocks():
    """The sizes of a growing list, by sys.getsizeof()."""
    items, sizes = [], []
    empty = sys.getsizeof(items)
    for _ in range(1000000):
        items.append(None)
        size = sys.getsizeof(items) - empty
        if not sizes or size != sizes[-1]:
            sizes.append(size)
    return sizes


grown, made = grow(), multiply()
print(len([size for size in blocks() if size > 512]) - 1)
