"""Blocks of known sizes on marked lines; check_blocks.py has the expected numbers."""
import ctypes
import mmap
import sys

MIB = 1 << 20
libc = ctypes.CDLL(None)
for name in "malloc", "calloc", "realloc", "aligned_alloc", "memalign", "valloc", "pvalloc", "mmap":
    getattr(libc, name).restype = ctypes.c_void_p
P, N = ctypes.c_void_p, ctypes.c_size_t
libc.mmap.argtypes = [P, N, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [P, N]


def keep(n):
    return kept(n)


def kept(n):
    blocks = []
    for _ in range(n):
        blocks.append(bytearray(MIB))       # @kept
    return blocks


def drop(n):
    for _ in range(n):
        bytearray(2 * MIB)                  # @drop


class Box:
    def fill(self):
        self.content = bytearray(3 * MIB)   # @fill


def c_calls():
    p = libc.malloc(N(1234567))             # @malloc
    p = libc.realloc(P(p), N(2345678))      # @realloc
    libc.free(P(p))
    q = libc.calloc(N(1000), N(1000))       # @calloc, never freed
    r = P()
    libc.posix_memalign(ctypes.byref(r), N(64), N(1111111))     # @posix_memalign
    libc.free(r)
    libc.free(P(libc.aligned_alloc(N(64), N(64 * 20000))))      # @aligned_alloc
    libc.free(P(libc.memalign(N(64), N(1200001))))              # @memalign
    libc.free(P(libc.valloc(N(1200002))))                       # @valloc
    libc.free(P(libc.pvalloc(N(1200003))))                      # @pvalloc
    m = libc.mmap(None, 5 * MIB, 3, 0x22, -1, 0)                # @mmap
    libc.munmap(m, 5 * MIB)
    return q


def main():
    blocks = keep(7)
    drop(5)
    box = Box()
    box.fill()
    drop(2)
    c_calls()
    mapping = mmap.mmap(-1, 6 * MIB)        # @mapping
    mapping.close()
    del blocks[3:]
    sys.blocks, sys.box = blocks, box


main()
