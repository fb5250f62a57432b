"""Allocates from many different stacks, in some threads; prints each, with its size. usage: epochs.py THREADS ROUNDS"""
import random
import sys
import threading

N = 40
source = """
def f%d(path):
    if len(path) == 1:
        bytearray(%d)
    else:
        FUNCTIONS[path[1]](path[1:])
"""
FUNCTIONS = []
for i in range(N):
    exec(source % (i, 20000 + i - 1))          # with the byte that a bytearray adds
    FUNCTIONS.append(globals()["f%d" % i])

stacks = []

def work(seed, rounds):
    r = random.Random(seed)
    for _ in range(rounds):
        path = [r.randrange(N) for _ in range(1 + r.randrange(12))]
        stacks.append(path)
        if r.randrange(2):                      # through C
            list(map(FUNCTIONS[path[0]], [path]))
        else:
            FUNCTIONS[path[0]](path)

threads = [threading.Thread(target=work, args=(i, int(sys.argv[2]))) for i in range(int(sys.argv[1]))]
for t in threads:
    t.start()
for t in threads:
    t.join()
for path in stacks:
    print(20000 + path[-1], *("f%d" % i for i in path))
