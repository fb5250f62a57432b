# A C function takes a reference and never gives it back.
import ctypes
class Link:
    def __init__(self):
        self.data = bytes(8_000)
for i in range(100):
    link = Link()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(link))
del link
