"""usage: check_frames.py NOTES < JSON of the trace: every noted stack must equal the recorded one."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from trace import Trace

recorded = {}
for a in Trace(sys.stdin).allocations:
    if a.size > 5000000:
        recorded.setdefault(a.size, []).append(a.stack)
bad = n = frames = deepest = 0
for text in open(sys.argv[1]):
    e = json.loads(text)
    n += 1
    frames += len(e["frames"])
    deepest = max(deepest, len(e["frames"]))
    got = recorded.get(e["size"])
    want = [tuple(f) for f in e["frames"]]
    if got != [want]:
        bad += 1
        if bad < 5:
            print("%s (size %d): noted %d frames, recorded %s" % (e["what"], e["size"], len(want), [len(s) for s in got or []]))
            for w, g in list(zip(want, got[0] if got else []))[-40:]:
                if w != g:
                    print("   noted   ", w, "\n   recorded", g)
print("%d stacks, %d frames, deepest %d, %d wrong" % (n, frames, deepest, bad))
sys.exit(bad or n < 100 or deepest < 10000)
