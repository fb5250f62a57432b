"""What memray has of a file: memray_numbers.py FILE [largest|temporary|all|leaked] FUNCTION

Prints the allocations and bytes whose innermost Python function is FUNCTION (or that have it among their C functions),
by line; at the high-water mark unless said otherwise.
"""
import collections
import sys

import memray

path, *what, function = sys.argv[1:]
reader = memray.FileReader(path)
records = {
    "largest": lambda: reader.get_high_watermark_allocation_records(merge_threads=True),
    "temporary": lambda: reader.get_temporary_allocation_records(merge_threads=True, threshold=1),
    "leaked": lambda: reader.get_leaked_allocation_records(merge_threads=True),
    "all": lambda: reader.get_allocation_records(),
}[what[0] if what else "largest"]
sums = collections.defaultdict(lambda: [0, 0])
for record in records():
    if record.allocator == memray.AllocatorType.FREE:
        continue
    stack = record.stack_trace(1)
    native = reader.metadata.has_native_traces and [frame[0] for frame in record.native_stack_trace()]
    line = stack[0][2] if stack and stack[0][0] == function else function if native and function in native else None
    if line is not None:
        sums[line][0] += record.n_allocations
        sums[line][1] += record.size
for line, (count, size) in sorted(sums.items()):
    print("%s%s: %s allocations, %s B" % (function, " line %d" % line if line != function else "", format(count, ","), format(size, ",")))
