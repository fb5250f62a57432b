# Without the collector, objects that refer to themselves are never freed.
import gc
gc.disable()
class Node:
    def __init__(self):
        self.me = self
        self.body = bytes(3000)
for i in range(50):
    Node()
