# The cache keeps the objects whose method was called.
import functools
class Repo:
    def __init__(self, i):
        self.data = bytes(50_000)
    @functools.lru_cache(maxsize=None)
    def size(self):
        return len(self.data)
for i in range(100):
    Repo(i).size()
