"""Prints for the domains raw, mem and obj of Python's allocators which of malloc, calloc, realloc, free are the agent's."""
import ctypes


class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]


maps = []
for line in open("/proc/self/maps"):
    fields = line.split()
    start, end = (int(n, 16) for n in fields[0].split("-"))
    maps.append((start, end, fields[5] if len(fields) > 5 else ""))


def is_agents(address):
    return any(start <= address < end and "memrec" in path for start, end, path in maps)


for domain, name in enumerate(("raw", "mem", "obj")):
    a = Allocator()
    ctypes.pythonapi.PyMem_GetAllocator(domain, ctypes.byref(a))
    print(name, *(n for n, _ in a._fields_[1:] if is_agents(getattr(a, n))))
