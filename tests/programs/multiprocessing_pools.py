# needs: 
import multiprocessing, threading
from concurrent.futures import ProcessPoolExecutor
def hold():
    return [bytearray(1000) for _ in range(2000)]
def work(x):
    return sum(len(b) for b in hold()) + x
if __name__ == "__main__":
    kept = hold()
    for how in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(how).Pool(2) as p:
            print(how, sum(p.map(work, range(4))))
    with ProcessPoolExecutor(2) as p:
        print(sum(p.map(work, range(4))))
