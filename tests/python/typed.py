"""Code that a type checker must accept, and the lines it must reject (mypy --strict --warn-unused-ignores)."""
from pathlib import Path

import memrec


@memrec.span("sorted")
def work(numbers: "list[int]") -> int:
    return sum(sorted(numbers))


with memrec.Tracker("out.lz4", native_traces=True, follow_fork=True, overwrite=True) as tracker:
    total: int = work([3, 2, 1])
name = tracker.span or "none"
with memrec.Tracker(Path("out.lz4")), memrec.span("part"):
    pass
with memrec.Tracker(destination=memrec.FileDestination("out.lz4", overwrite=True)):
    pass
with memrec.Tracker(destination=memrec.Pipe("memsummary")), memrec.Tracker(destination=["memcat"]):
    pass
with open("out.lz4", "rb") as f:
    kinds = [str(event["event"]) for event in memrec.read(f, through=[["memgrep", "--min-size", "1MB"], "memtemp"])]
try:
    largest = memrec.summary("out.lz4", rows=3)[0]["total_bytes"], memrec.table(Path("out.lz4"), leaks=True)
    peak = memrec.stats("out.lz4")["peak_bytes"]
    requested: bool = memrec.census()
    census = memrec.census("out.lz4", "memtemp", n=1, pid=7)
    places = [(b.address + b.size, b.type.upper(), b.stack[0][2] + 1) for b in census[3:]] + [(len(census), census[0].type, 0)]
    most = census.types(since=memrec.census(Path("out.lz4")))[0]["bytes"], memrec.holders("out.lz4", type="Request", rows=3)
except memrec.TraceError:
    pass
memrec.Tracker(3.5)  # type: ignore[arg-type]
memrec.no_such_name  # type: ignore[attr-defined]
work("text")  # type: ignore[arg-type]
for never in memrec.census():  # type: ignore[attr-defined]
    pass
