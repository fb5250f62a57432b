"""Only what is in the block is recorded; a span names a part of it."""
import memrec


def load(n):
    return bytes(n)


before = load(9_000_000)
with memrec.Tracker("out.lz4"):
    kept = [load(1_000_000)]
    with memrec.span("second"):
        kept.append(load(2_000_000))
