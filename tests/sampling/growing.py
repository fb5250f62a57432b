"""Allocates blocks of all sizes by Python's allocators, the same in each run; many grow or shrink past 512 bytes."""
import gc
gc.disable()
kept = []
for i in range(300):
    a = []
    for j in range(150):
        a.append(j)
    b = bytearray()
    for j in range(60):
        b += b"x" * 40
    d = {k: str(k) for k in range(50)}
    s = [bytes(n) for n in (10, 100, 400, 600, 3000)]
    e = bytearray(5000)
    del e[300:]
    e += b"1"
    if i % 3 == 0:
        kept.append((d, s))
