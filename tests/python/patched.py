
from gevent import monkey
monkey.patch_all()
import sys, threading, time
import memrec
def work(n):
    with memrec.span("span %d" % n):
        for i in range(5):
            time.sleep(0)
            bytes(1000000 + 1000 * n + i)
    time.sleep(0)
    bytes(2000000)
threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
for t in threads: t.start()
for t in threads: t.join()
