"""zlib takes a window and tables of its own for each compressor."""
import zlib


def pack(n):
    for i in range(n):
        packers.append(zlib.compressobj(9))


packers = []
pack(10)
