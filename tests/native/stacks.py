"""The stacks of a trace from memcat --json, for the checks in this folder."""
import json


def stacks(path, wanted):
    """{size: [stack, ...]} of the allocations with one of these sizes; a stack: (lang, name, module, line), innermost first."""
    functions, frames, stack, found = {}, {}, {0: ()}, {}
    for line in open(path):
        e = json.loads(line)
        if e["event"] == "function":
            functions[e["function"]] = (e["lang"], e["name"], e["module"])
        elif e["event"] == "frame":
            frames[e["frame"]] = functions[e["function"]] + (e["line"],)
        elif e["event"] == "stack":
            stack[e["stack"]] = (frames[e["frame"]],) + stack[e["parent"]]
        elif e["event"] == "alloc" and wanted(e["size"]):
            found.setdefault(e["size"], []).append(stack[e["stack"]])
    return found


def names(s):
    return [f[1] for f in s]


def python(s):
    return [f for f in s if f[0] == "python"]
