"""Allocates 200 known blocks for each line of input, and answers when they are made. Its first line is: ready."""
import ctypes
import sys

api = ctypes.pythonapi


class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]


def allocators():
    found = []
    for domain in range(3):
        a = Allocator()
        api.PyMem_GetAllocator(domain, ctypes.byref(a))
        found += [a.ctx, a.malloc, a.calloc, a.realloc, a.free]
    return found


def work():
    return [bytes(777777 - sys.getsizeof(b"")) for _ in range(200)]


first = allocators()
print("ready", flush=True)
for line in sys.stdin:
    if line == "allocators\n":
        print("same" if allocators() == first else "changed", flush=True)
    else:
        kept = work()
        del kept
        print("done", flush=True)
