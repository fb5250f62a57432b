"""A service with four kinds of memory: a leak, a cache, reference cycles, a queue.

    memrec -- python3 growing.py 800 > trace.lz4     # 800 orders
    memgrow trace.lz4
"""
import gc
import sys
import time

log, cache, queue = [], {}, []


def remember(order):            # leaks
    log.append(bytearray(20_000))


def price(order):               # a cache of 250
    key = order % 250
    if key not in cache:
        cache[key] = bytearray(10_000)


class Connection:               # a reference cycle: only the garbage collector frees it
    def __init__(self):
        self.handler = self.close
        self.buffer = bytearray(10_000)

    def close(self):
        pass


def deliver(order):             # at most 10 are in the queue
    queue.append(bytearray(30_000))
    del queue[:-10]


def serve(orders):
    for order in range(orders):
        remember(order)
        price(order)
        Connection()
        deliver(order)
        if order % 60 == 59:
            gc.collect()
        time.sleep(0.005)


if __name__ == "__main__":
    gc.disable()
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else 800)
