# Compares the first census of a trace with what objects.py printed: address by address.
# Usage: memcat --json TRACE | check_objects.py EXPECTED
import bisect
import collections
import json
import sys

expected = {}
for line in open(sys.argv[1], encoding="utf-8"):
    address, _, name = line.rstrip("\n").partition(" ")
    expected[int(address)] = name

sizes, blocks, censuses = {}, [], 0
for line in sys.stdin:
    event = json.loads(line)
    if event["event"] == "alloc":
        sizes[event["id"]] = event["size"]
    elif event["event"] == "free":
        sizes.pop(event["id"], None)
    elif event["event"] == "census":
        censuses += 1
    elif event["event"] == "blocks" and censuses == 1:
        types, numbers = event["info"]["types"], iter(event["info"]["blocks"])
        address = number = 0
        for more, further, kind in zip(numbers, numbers, numbers):
            address, number = address + more, number + further
            assert number in sizes, "a block that is not live"
            blocks.append((address, sizes[number], types[kind - 1] if kind else ""))

blocks.sort()
beginnings = [b[0] for b in blocks]
wrong, missed, right, unseen = collections.Counter(), collections.Counter(), collections.Counter(), collections.Counter()
seen = set()
for address, name in expected.items():
    i = bisect.bisect(beginnings, address) - 1
    if i < 0 or address >= blocks[i][0] + blocks[i][1]:
        continue                                # not a block: static, or not allocated by a recorded function
    seen.add(i)
    label = blocks[i][2]
    if label == name and address - blocks[i][0] in (0, 16, 32):
        right[name] += 1
    elif label == "":
        missed[name] += 1
    else:
        wrong[name, label] += 1
for i, (address, size, label) in enumerate(blocks):
    if i not in seen and label and not label.endswith("]"):
        unseen[label] += 1
print("%d objects of %d types right, %d missed, %d wrong; %d others" % (
    sum(right.values()), len(right), sum(missed.values()), sum(wrong.values()), sum(unseen.values())))
print("missed:", missed.most_common(8))
print("wrong:", wrong.most_common(8))
print("others:", unseen.most_common(8))

# numpy makes some of its types without the words that their type says they have.
del missed["numpy._DTypeMeta"]
# The keys of the dict in which the program found them; parts of code objects, and of C types.
for kind in "int", "bytes", "str", "tuple", "numpy._ArrayMethod":
    del unseen[kind]
parts = {label for _, _, label in blocks if label.endswith("]")}
expected_parts = {"list [items]", "dict [keys]", "set [table]", "frozenset [table]", "bytearray [buffer]", "array.array [buffer]",
                  "collections.deque [block]", "type [keys]", "__main__.List [items]", "__main__.Dict [keys]"}
if not any(label == "bytearray [buffer]" for _, _, label in blocks):     # from 3.15 on it is a bytes
    expected_parts.discard("bytearray [buffer]")
sys.exit(bool(wrong or missed or sum(right.values()) < 20000 or len(right) < 150 or censuses != 1 or
              sum(unseen.values()) > len(expected) / 100 or not expected_parts <= parts))
