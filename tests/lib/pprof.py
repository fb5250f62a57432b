#!/usr/bin/env python3
"""Print the contents of a pprof profile: pprof.py FILE [--functions TYPE]

Decodes the protocol buffer itself, independently of the library that wrote it. Without --functions one line of JSON for each
sample: {"stack": ["main@app.py:3", …], outermost first, "values": {TYPE: N, …}, "labels": {KEY: VALUE, …}}, sorted, and before them one of
types, units, the default type, comments, and mappings. With it a line for each function and file: own, total, name, file, by that type.
"""
import gzip
import json
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value - (value >> 63 << 64), at


def fields(data):
    """Yields each field of a message: its number, and an integer or bytes."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            assert tag & 7 == 2, tag
            size, at = varint(data, at)
            assert at + size <= len(data)
            value, at = data[at:at + size], at + size
        yield tag >> 3, value


def message(data, numbers=()):
    """Returns the fields of a message by number, as lists; those in `numbers` are integers that may be packed."""
    found = {}
    for number, value in fields(data):
        if number in numbers and isinstance(value, bytes):
            at = 0
            while at < len(value):
                one, at = varint(value, at)
                found.setdefault(number, []).append(one)
        else:
            found.setdefault(number, []).append(value)
    return found


def one(found, number):
    return found.get(number, [0])[0]


profile = message(gzip.open(sys.argv[1]).read(), {13})
texts = [t.decode() for t in profile[6]]
assert texts[0] == "" and len(set(texts)) == len(texts)
types = [(texts[one(t, 1)], texts[one(t, 2)]) for t in map(message, profile[1])]
mappings = {one(m, 1): texts[one(m, 5)] for m in map(message, profile.get(3, []))}
functions = {one(f, 1): (texts[one(f, 2)], texts[one(f, 4)]) for f in map(message, profile.get(5, []))}
locations = {}
for found in map(message, profile.get(4, [])):
    line = message(one(found, 4))
    assert one(found, 2) in mappings
    locations[one(found, 1)] = functions[one(line, 1)] + (one(line, 2),)

samples = []
for found in (message(s, {1, 2}) for s in profile.get(2, [])):
    labels = {}
    for label in map(message, found.get(3, [])):
        labels[texts[one(label, 1)]] = texts[one(label, 2)] if 2 in label else one(label, 3)
    assert len(found[2]) == len(types)
    samples.append(([locations[i] for i in reversed(found[1])], dict(zip((t for t, _ in types), found[2])), labels))

if len(sys.argv) > 2:
    rows = {}
    for stack, values, _ in samples:
        value = values[sys.argv[3]]
        for place in {s[:2] for s in stack}:
            rows.setdefault(place, [0, 0])[1] += value
        rows[stack[-1][:2]][0] += value
    for (name, file), (own, total) in sorted(rows.items()):
        if total:
            print(own, total, name, file)
    sys.exit()
print(json.dumps({"types": dict(types), "default": texts[one(profile, 14)], "comments": [texts[c] for c in profile[13]],
                  "mappings": list(mappings.values()), "time_nanos": one(profile, 9), "duration_nanos": one(profile, 10)}))
for line in sorted(json.dumps({"stack": [f"{n}@{f}:{at}" for n, f, at in stack], "values": values, "labels": labels})
                   for stack, values, labels in samples):
    print(line)
