#!/usr/bin/env python3
"""From `memcat --json`: how many of the bytes alive at the high-water mark were made in a script.

The mark is the last moment with the most live bytes; blocks made in a shutdown do not count.
"""
import json
import sys


def main():
    live, phase = {}, {}
    now = {"start-up": 0, "script": 0, "shutdown": 0}
    most = script = 0
    for line in sys.stdin:
        e = json.loads(line)
        if e["event"] == "span" and e["tid"] == 0 and e["begins"]:
            phase[e["pid"]] = e["name"]
        elif e["event"] == "alloc" and e["allocator"] not in ("mmap_reserved", "mmap_file"):
            live[e["id"]] = e["size"], phase[e["pid"]]
            now[phase[e["pid"]]] += e["size"]
        elif e["event"] == "free" and e["id"] in live:
            size, made = live.pop(e["id"])
            now[made] -= size
        elif e["event"] == "resize" and e["id"] in live:
            size, made = live[e["id"]]
            now[made] -= size - e["size"]
            live[e["id"]] = e["size"], made
        if now["start-up"] + now["script"] >= most:
            most, script = now["start-up"] + now["script"], now["script"]
    print(script)


main()
