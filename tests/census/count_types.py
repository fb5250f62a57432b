# Prints "COUNT BYTES TYPE" for the blocks of the last census of a trace. Usage: memcat --json TRACE | count_types.py
import collections
import json
import sys

sizes, counts, total = {}, collections.Counter(), collections.Counter()
for line in sys.stdin:
    event = json.loads(line)
    if event["event"] == "alloc":
        sizes[event["id"]] = event["size"]
    elif event["event"] == "census":
        counts.clear()
        total.clear()
    elif event["event"] == "blocks":
        types, numbers = event["info"]["types"], iter(event["info"]["blocks"])
        number = 0
        for _, further, kind in zip(numbers, numbers, numbers):
            number += further
            counts[types[kind - 1] if kind else "-"] += 1
            total[types[kind - 1] if kind else "-"] += sizes[number]
for name, count in counts.items():
    print(count, total[name], name)
