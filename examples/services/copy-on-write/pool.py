"""A pool whose workers only read a list that their parent made. Reading changes reference counts, so its pages are copied."""
import multiprocessing
import os
import sys
import time

words = [f"word {number}" * 4 for number in range(500_000)]


def longest(part):
    found = max(words[part::4], key=len)
    time.sleep(8)       # the worker waits for its next part, with the pages it has copied
    return found


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        print(max(pool.map(longest, range(4), chunksize=1)), file=sys.stderr)
