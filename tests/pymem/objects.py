"""Makes N small objects on each marked line; prints the allocations expected there as JSON.

{"line name": [count, size or null], …}: check_objects.py compares.
"""
import json
import sys
import tracemalloc

N = 3000
mode = sys.argv[1]


class Thing:
    __slots__ = ("a",)


def things():
    out = [None] * N
    for i in range(N):
        out[i] = Thing()                    # @thing
    return out


def texts():
    out = [None] * N
    for i in range(N):
        out[i] = bytes(50)                  # @bytes
    return out


def growth():
    out, grown, size = [], 0, sys.getsizeof([])
    for i in range(N):
        out.append(None)                    # @append
        if sys.getsizeof(out) != size:
            size = sys.getsizeof(out)
            grown += 1
    return grown


def sets():
    out = [None] * N
    for i in range(N):
        out[i] = {i}                        # @set
    return out


def main():
    if mode == "tracemalloc":
        tracemalloc.start()
    kept = [things(), texts()]
    if mode == "tracemalloc":
        tracemalloc.stop()
    grown = growth()
    kept.append(things())
    kept.append(sets())
    big = bytes(100000)                     # @big
    json.dump({
        "thing": [2 * N, sys.getsizeof(Thing())],
        "bytes": [N, sys.getsizeof(b"") + 50],
        "append": [grown, None],
        "set": [N, sys.getsizeof(set())],
        "big": [1, sys.getsizeof(big)],
    }, sys.stdout)


main()
