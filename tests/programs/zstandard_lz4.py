# needs: zstandard lz4
import lz4.frame, zstandard
d = b"".join(b"%d," % i for i in range(200_000))
print(zstandard.decompress(zstandard.compress(d)) == d, lz4.frame.decompress(lz4.frame.compress(d)) == d)
