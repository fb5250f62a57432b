"""Read `memcat --json` from standard input into objects for tests.

    for a in Trace(sys.stdin).allocations: a.size, a.allocator, a.stack, a.freed

A stack is a list of (function, file, line), outermost first.
"""
import json
import os


class Allocation:
    __slots__ = ("size", "allocator", "_trace", "_stack", "pid", "tid", "time_ms", "freed", "left")

    @property
    def stack(self):
        """Made on request: ten thousand stacks, each one frame deeper, would take much memory."""
        frames, at = [], self._stack
        while at:
            at, frame = self._trace._stacks[at]
            frames.append(self._trace._frames[frame])
        return frames[::-1]

    @property
    def leaf(self):
        return self._trace._frames[self._trace._stacks[self._stack][1]] if self._stack else None

    def at(self, function):
        """The line of that function's innermost frame in the stack, or None."""
        for name, _, line in reversed(self.stack):
            if name.rsplit(".", 1)[-1] == function:
                return line
        return None


class Trace:
    def __init__(self, lines):
        self.allocations, self.events, self.threads, self.rss = [], [], {}, []
        self.ended = False
        functions, live = {}, {}
        frames = self._frames = {}
        self._stacks = {}
        self.unknown_frees = 0
        for text in lines:
            e = json.loads(text)
            kind = e["event"]
            if kind == "function":
                functions[e["function"]] = (e["name"], e["file"])
            elif kind == "frame":
                name, file = functions[e["function"]]
                frames[e["frame"]] = (name, file, e["line"])
            elif kind == "stack":
                self._stacks[e["stack"]] = e["parent"], e["frame"]
            elif kind == "alloc":
                a = Allocation()
                a.size, a.allocator, a.pid, a.tid = e["size"], e["allocator"], e["pid"], e["tid"]
                a._trace, a._stack, a.time_ms, a.freed, a.left = self, e["stack"], e["time_ms"], False, e["size"]
                assert e["id"] not in live, "id %d was given out twice" % e["id"]
                live[e["id"]] = a
                self.allocations.append(a)
                self.events.append(("alloc", a))
            elif kind == "free":
                a = live.pop(e["id"], None)     # small allocations may have been left out
                if a:
                    a.freed = True
                    self.events.append(("free", a))
            elif kind == "resize":
                a = live.get(e["id"])
                if a:
                    assert e["size"] < a.left
                    a.left = e["size"]
                    self.events.append(("resize", a, e["size"]))
            elif kind == "thread":
                self.threads[e["tid"]] = e["name"]
            elif kind == "rss":
                self.rss.append(e["size"])
            elif kind == "exit":
                self.exit = e["info"]
                self.unknown_frees += e["info"].get("unknown_frees", 0)
            elif kind == "end":
                self.ended = True

    def of(self, file, least=0):
        """Allocations of at least `least` bytes whose innermost frame is in that file."""
        return [a for a in self.allocations
                if a.size >= least and a.leaf and os.path.basename(a.leaf[1]) == file]

    def peak(self):
        """(bytes, {stack as tuple: bytes}) at the last moment of the maximum, by brute force."""
        total, best, size = 0, -1, {}
        moment = -1
        for i, e in enumerate(self.events):
            a = e[1]
            if e[0] == "alloc":
                size[a] = a.size
                total += a.size
            elif e[0] == "free":
                total -= size.pop(a)
            else:
                total -= size[a] - e[2]
                size[a] = e[2]
            if total >= best:
                best, moment = total, i
        size = {}
        for e in self.events[:moment + 1]:
            if e[0] == "free":
                del size[e[1]]
            else:
                size[e[1]] = e[1].size if e[0] == "alloc" else e[2]
        stacks = {}
        for a, n in size.items():
            stack = tuple(a.stack)
            stacks[stack] = stacks.get(stack, 0) + n
        return best, stacks
