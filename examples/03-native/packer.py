"""bzip2 takes memory of its own for each compressor."""
import bz2


def pack(n):
    for i in range(n):
        packers.append(bz2.BZ2Compressor())


packers = []
pack(10)
