"""Judging a test by its trace: its blocks at its peak, its leaks, and the objects that it left."""
import collections
import inspect
import os
import re

from . import reading

_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40, "PB": 1 << 50}


def parse_size(text):
    """Returns "24 MB" in bytes; a KB is 1024 bytes, as in pytest-memray."""
    match = re.match(r"(\+?\d*\.?\d+)\s*([KMGTP]?B)\s*$", text.strip(), re.IGNORECASE) if isinstance(text, str) else None
    if not match:
        raise ValueError("Invalid memory size format: %s (24 MB, 1.5 GB, 512 B)" % (text,))
    return float(match.group(1)) * _UNITS[match.group(2).upper()]


def size_text(size):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return "%.1f%s" % (size, unit)
        size /= 1024.0
    return "%.1fTiB" % size


class StackFrame:
    """A frame: function, filename and lineno."""

    def __init__(self, function, filename, lineno):
        self.function = function
        self.filename = filename
        self.lineno = lineno

    def __repr__(self):
        return "%s:%s:%d" % (self.function, self.filename, self.lineno)


class Stack:
    """The call stack of an allocation: frames, innermost first."""

    def __init__(self, frames):
        self.frames = tuple(frames)


class Place:
    """All allocations made at one stack."""

    def __init__(self, stack):
        self.stack = stack
        self.size = self.allocations = 0


def places(trace, which, tid=None):
    """Returns the allocations that `which` (mempeak, memleak) keeps, by stack, largest first; of thread `tid` only."""
    functions, frames, stacks, found = {}, {}, {0: ()}, {}
    for e in reading.read(trace, which):
        kind = e["event"]
        if kind == "function":
            functions[e["function"]] = (e["name"] or "???", e["file"] or e["module"] or "???")
        elif kind == "frame":
            frames[e["frame"]] = StackFrame(*(functions[e["function"]] + (e["line"],)))
        elif kind == "stack":
            stacks[e["stack"]] = (e["parent"], e["frame"])
        elif kind == "alloc" and tid in (None, e["tid"]):
            place = found.setdefault(e["stack"], Place(None))
            place.size += e["size"] * e.get("weight", 1)
            place.allocations += e.get("weight", 1)
    for number, place in found.items():
        line = []
        while number:
            number, frame = stacks[number]
            line.append(frames[frame])
        place.stack = Stack(line)
    return sorted(found.values(), key=lambda p: p.size, reverse=True)


def _listed(found, n_frames):
    lines = []
    for place in found:
        lines.append("    - %s allocated here:" % size_text(place.size))
        lines += ["        %r" % frame for frame in place.stack.frames[:n_frames]] or ["        ???"]
        if len(place.stack.frames) > n_frames:
            lines.append("        ...")
    return "\n".join(lines)


class Recorded:
    """A recorded test: its trace, the thread that ran it, and with limit_leaked_objects what is still alive (_objects.py)."""

    def __init__(self, trace, tid, survivors=()):
        self.trace, self.tid, self.survivors = trace, tid, survivors


class Verdict:
    """Why a test failed: one line, and a section for its report (a title and a text)."""

    def __init__(self, line, title, text):
        self.line = line
        self.section = (title, text)


def judge_memory(recorded, settings, limit, *, current_thread_only=False):
    """Returns a Verdict if the test held `limit` or more at its peak, otherwise None."""
    found = places(recorded.trace, "mempeak", recorded.tid if current_thread_only else None)
    size = sum(p.size for p in found)
    previous = settings.previous_peak(size)
    if previous is not None and settings.fail_on_increase and size > previous:
        return Verdict("Test previously used %s but now uses %s" % (size_text(previous), size_text(size)),
                       "memrec-max-memory", "Test uses more memory than previous run")
    if size < parse_size(limit):
        return None
    text = "List of allocations:\n" + _listed(found[:10], settings.stacks)
    if len(found) > 10:
        text += "\n    ...and %d more" % (len(found) - 10)
    return Verdict("Test was limited to %s but allocated %s" % (size_text(parse_size(limit)), size_text(size)),
                   "memrec-max-memory", text)


def judge_leaks(recorded, settings, location_limit, *, filter_fn=None, current_thread_only=False):
    """Returns a Verdict if a stack leaked `location_limit` or more, otherwise None."""
    limit = parse_size(location_limit)
    found = [p for p in places(recorded.trace, "memleak", recorded.tid if current_thread_only else None)
             if p.size >= limit and (filter_fn is None or filter_fn(p.stack))]
    if not found:
        return None
    return Verdict("Test was allowed to leak %s per location but at least one location leaked more" % size_text(limit),
                   "memrec-leaked-memory", "List of leaked allocations:\n" + _listed(found, max(settings.stacks, 5)))


_MOST_TYPES = _MOST_SAMPLES = 10
_LONGEST = 100		# of the text of an object


def _repr(obj):
    try:
        text = repr(obj)
    except Exception:		# it is the program's
        text = "<repr failed>"
    return text if len(text) <= _LONGEST else text[:_LONGEST - 3] + "..."


def judge_leaked_objects(recorded, settings, *, filter_fn=None):
    """Returns a Verdict if objects that the test made are still alive, otherwise None."""
    found = [s for s in recorded.survivors if filter_fn is None or filter_fn(s.obj)]
    if not found:
        return None
    counts = collections.Counter(type(s.obj).__name__ for s in found).most_common()
    width = max(len(str(count)) for _, count in counts)
    lines = ["    Object types that leaked (total: %d objects):" % len(found)]
    lines += ["        - %*d %s instance(s)" % (width, count, name) for name, count in counts[:_MOST_TYPES]]
    if len(counts) > _MOST_TYPES:
        lines.append("        ... and %d more types" % (len(counts) - _MOST_TYPES))
    lines += ["", "    Sample of leaked objects:"]
    for s in found[:_MOST_SAMPLES]:
        lines.append("        - %s: %s, allocated here:" % (type(s.obj).__name__, _repr(s.obj)))
        lines += ["            %s:%s:%d" % frame for frame in s.stack[:settings.stacks]] or ["            ???"]
    if len(found) > _MOST_SAMPLES:
        lines.append("        ... and %d more" % (len(found) - _MOST_SAMPLES))
    return Verdict("Test leaked %d objects" % len(found), "memrec-leaked-objects", "List of leaked objects:\n" + "\n".join(lines))


JUDGES = {"limit_memory": judge_memory, "limit_leaks": judge_leaks, "limit_leaked_objects": judge_leaked_objects}


def check(marker):
    """Raises TypeError or ValueError if the arguments are invalid."""
    try:
        arguments = inspect.signature(JUDGES[marker.name]).bind(None, None, *marker.args, **marker.kwargs).arguments
    except TypeError as e:
        raise TypeError("%s: %s" % (marker.name, e)) from None
    if not callable(arguments.get("filter_fn") or check):
        raise TypeError("%s: filter_fn is a function, not %r" % (marker.name, arguments["filter_fn"]))
    for name in "limit", "location_limit":
        if name in arguments:
            parse_size(arguments[name])


def figures(trace):
    """Returns the figures for the final report, as data that can be sent between processes."""
    stats = reading.stats(trace)
    rows = reading.table(trace, rows=5)
    return {"peak": stats["metadata"]["peak_memory"], "allocations": stats["total_num_allocations"],
            "top": [[r["function"] or "???", r["file"] or "???", r["line"], r["size"]] for r in rows]}


def file_name(prefix, test_id):
    """Returns the file name of a test's trace that is kept."""
    name = "%s-%s" % (prefix, test_id.replace("::", "-").replace(os.sep, "-"))
    encoded = name.encode()
    if len(encoded) > 250:
        import hashlib
        name = encoded[:230].decode(errors="ignore") + "-" + hashlib.sha256(encoded).hexdigest()[:12]
    return name + ".lz4"
