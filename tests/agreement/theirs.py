"""memray's figures for a capture, as JSON: theirs.py CAPTURE FILE NOT. Runs in the venv's python.

"whole" is memray's own answer. "script" is the same for only the stacks with a frame in FILE, "same" for those of
them without a native function that matches NOT. memray cannot filter, so these two are computed here from memray's
records, by memray's definitions.
"""
import collections
import json
import re
import sys

from memray import AllocatorType, FileReader
from memray._memray import compute_statistics

ELSEWHERE, LEFT_OUT, OF_TRACING = range(3)
# Innermost first: allocations that the interpreter makes because of a profile function, besides those in NOT.
BY_TRACING = [("PyCMethod_New", "trace_call_function"), ("tuple_iter", "PyObject_GetIter", "unpack_iterable")]
FREES = (AllocatorType.FREE, AllocatorType.PYMALLOC_FREE)


def place(frame):
    return "%s:%d" % (frame[1], frame[2])


def whole(capture):
    stats = compute_statistics(capture)
    reader = FileReader(capture)
    temporary = list(reader.get_temporary_allocation_records(merge_threads=True, threshold=1))
    leaked = list(FileReader(capture).get_leaked_allocation_records(merge_threads=True))
    return {
        "allocations": stats.total_num_allocations,
        "bytes": stats.total_memory_allocated,
        "peak bytes": stats.peak_memory_allocated,
        "leaked allocations": sum(r.n_allocations for r in leaked),
        "leaked bytes": sum(r.size for r in leaked),
        "temporary allocations": sum(r.n_allocations for r in temporary),
        "temporary bytes": sum(r.size for r in temporary),
    }


class Script:
    """Follows the allocations with a frame in one file and none in some functions, event by event."""

    def __init__(self, file, without):
        self.file = file
        self.without = without  # None, or a regexp
        self.place_of = {}      # numbers of a stack: its innermost place, or one of the three above
        self.live = {}          # address: size, place
        self.maps = []          # [start, end, place]
        self.bytes = self.allocations = 0
        self.now = self.peak = 0
        self.held = collections.Counter()       # place: bytes live
        self.at_peak = {}
        self.totals = collections.Counter()     # place: bytes ever
        self.recent = collections.defaultdict(lambda: collections.deque(maxlen=2))
        self.temporary = self.temporary_bytes = 0
        self.temporaries = collections.Counter()

    def where(self, record):
        number = record.stack_id, record.native_stack_id, record.native_segment_generation
        if number not in self.place_of:
            frames = record.stack_trace()
            where = place(frames[0]) if any(f[1] == self.file for f in frames) else ELSEWHERE
            if self.without:
                where = self.left_out([f[0] for f in record.native_stack_trace()]) or where
            self.place_of[number] = where
        return self.place_of[number]

    def left_out(self, functions):
        if "call_trace" in functions or any(pattern == tuple(functions[i:i + len(pattern)])
                                            for pattern in BY_TRACING for i in range(len(functions))):
            return OF_TRACING
        return LEFT_OUT if any(map(self.without.search, functions)) else None

    def hold(self, where, size):
        self.now += size
        self.held[where] += size
        if size >= 0 and self.now >= self.peak:
            self.peak = self.now
            self.at_peak = None         # taken when it falls

    def fall(self):
        if self.at_peak is None:
            self.at_peak = +self.held

    def end(self, record, whole):
        """Temporary: one of the thread's last two, the newer one first. A mapping only if all of it is unmapped."""
        for address, size, where in reversed(self.recent[record.tid]):
            if address == record.address and (size == record.size or not whole):
                if isinstance(where, str):
                    self.temporary += 1
                    self.temporary_bytes += size
                    self.temporaries[where] += size
                break

    def free(self, record):
        if record.address in self.live:
            self.end(record, False)
        size, where = self.live.pop(record.address, (0, ELSEWHERE))
        if isinstance(where, str):
            self.fall()
            self.hold(where, -size)

    def unmap(self, record):
        begin, end, kept = record.address, record.address + record.size, []
        self.end(record, True)
        for start, stop, where in self.maps:
            gone = min(stop, end) - max(start, begin)
            if gone <= 0:
                kept.append((start, stop, where))
                continue
            if isinstance(where, str):
                self.fall()
                self.hold(where, -gone)
            if start < begin:
                kept.append((start, begin, where))
            if end < stop:
                kept.append((end, stop, where))
        self.maps = kept

    def take(self, record):
        if record.allocator in FREES:
            self.free(record)
        elif record.allocator == AllocatorType.MUNMAP:
            self.unmap(record)
        else:
            where, size = self.where(record), record.size
            if where == OF_TRACING:
                return
            self.recent[record.tid].append((record.address, size, where))
            if record.allocator == AllocatorType.MMAP:
                self.maps.append((record.address, record.address + size, where))
            else:
                self.live[record.address] = size, where
            if isinstance(where, str):
                self.allocations += 1
                self.bytes += size
                self.totals[where] += size
                self.hold(where, size)

    def answer(self):
        self.fall()
        leaked = [size for size, where in self.live.values() if isinstance(where, str)]
        leaked += [stop - start for start, stop, where in self.maps if isinstance(where, str)]
        return {
            "allocations": self.allocations,
            "bytes": self.bytes,
            "peak bytes": self.peak,
            "leaked allocations": len(leaked),
            "leaked bytes": sum(leaked),
            "temporary allocations": self.temporary,
            "temporary bytes": self.temporary_bytes,
        }


def main():
    capture, file, without = sys.argv[1:]
    script, same = Script(file, None), Script(file, re.compile(without))
    for record in FileReader(capture).get_allocation_records():
        script.take(record)
        same.take(record)
    json.dump({"whole": whole(capture), "script": script.answer(), "same": same.answer(),
               "peak places": same.at_peak, "total places": same.totals, "temporary places": same.temporaries}, sys.stdout)


main()
