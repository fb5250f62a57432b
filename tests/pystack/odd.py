"""The layout is wrong (PYSTACK_ODD=1): the first object examined must show it."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
x = [bytes(1000 + i) for i in range(1000)]
assert pt.GIL.pt_capture() == 0
c = pt.counts()
assert c["nodes"] == 0 and c["codes"] == 0 and c["warnings"] == 1, c
assert b"recording without Python stacks" in pt.GIL.pt_warning()
