"""A program that records a part of itself: where do the temporary blocks of `load` come from?

    PYTHONPATH=record/python python3 examples/tracker.py
    memcat out.lz4 | memtemp | memsummary
    memslice --span second out.lz4 | memtable
"""
import sys

import memrec


def load(n):
    digits = []
    for i in range(n):
        digits.append(i % 10)		# a full list gets a larger block, and the old one is freed
    return digits


def main(out="out.lz4"):
    prepared = load(1000000)		# before the block: not in the trace
    with memrec.Tracker(out, overwrite=True):
        digits = load(1000000)
        with memrec.span("second"):
            more = load(500000)
    return len(prepared) + len(digits) + len(more)


if __name__ == "__main__":
    main(*sys.argv[1:])
