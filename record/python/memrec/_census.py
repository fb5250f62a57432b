"""What a census found, in Python: `memrec.census` takes one, and reads those of a trace.

The blocks of a census are memgrep's answer to `--type` or `--census`; their columns are kept as arrays, as there may be
millions of them.
"""
from __future__ import annotations

from array import array
from collections import namedtuple
from collections.abc import Sequence

from . import _agent, _display, reading

TYPE_CHECKING = False		# typing itself is not imported when the program runs
if TYPE_CHECKING:
    from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union, overload
    from typing import Sequence as Sequence_

    from .reading import Filters, Trace

    class Block(NamedTuple):
        address: int
        size: int
        type: str
        function: Optional[str]
        file: Optional[str]
        line: Optional[int]
        stack: Tuple[Tuple[str, str, int], ...]
        time_ms: int
        pid: int
        weight: int

    _Blocks = Sequence_[Block]
else:
    Block = namedtuple("Block", "address size type function file line stack time_ms pid weight")
    Block.__doc__ = """A block that a census found alive.

    type: "app.Request"; "list [items]", a table or buffer of such an object; "": not known. function, file, line: what
    allocated it, None if not known; stack: all of its frames, tuples of these three, innermost first. time_ms: when it
    was allocated, since the beginning of the recording. weight: the number of blocks it stands for (1, unless sampled).
    """
    _Blocks = Sequence

    def overload(function):
        return function


class _Places:
    """Stacks by number, as tuples of (function, file, line)."""

    def __init__(self):
        self._functions, self._frames, self._parents, self._made = {}, {}, {}, {0: ()}

    def take(self, event):
        kind = event["event"]
        if kind == "function":
            self._functions[event["function"]] = (event["name"] or "???", event["file"] or event["module"] or "???")
        elif kind == "frame":
            self._frames[event["frame"]] = self._functions[event["function"]] + (event["line"],)
        elif kind == "stack":
            self._parents[event["stack"]] = event["parent"], event["frame"]

    def stack(self, number):
        if number not in self._made:
            frames, at = [], number
            while at:
                at, frame = self._parents[at]
                frames.append(self._frames[frame])
            self._made[number] = tuple(frames)
        return self._made[number]


class Census(_Blocks):
    """The blocks that the last census of each process found alive: a sequence of Block, in order of processes and addresses.

    typed: whether their types were looked for; without it (a Python whose objects memrec does not know) all are "".
    moment: "script end", or "request" for memrec.census().
    """

    typed: bool
    moment: str

    def __init__(self, events: Any) -> None:
        self._places = _Places()
        self._types, self._numbers = [""], {"": 0}
        # of each block: its number in the columns of allocations, its address, its type
        self._allocation, self._address, self._type = array("I"), array("Q"), array("I")
        # of each allocation
        self._size, self._stack, self._time, self._pid, self._weight = array("Q"), array("I"), array("Q"), array("I"), array("Q")
        self.typed, self.moment = True, ""
        live = {}
        for e in events:
            kind = e["event"]
            if kind == "alloc":
                live[e["id"]] = len(self._size)
                self._size.append(e["size"])
                self._stack.append(e["stack"])
                self._time.append(e["time_ms"])
                self._pid.append(e["pid"])
                self._weight.append(e.get("weight", 1))
            elif kind == "census":
                self.typed = self.typed and e["info"].get("typed", 1) == 1
                self.moment = e["info"].get("moment", "request")
            elif kind == "blocks":
                self._take_blocks(e["info"], live)
            else:
                self._places.take(e)

    def _take_blocks(self, info, live):
        types = [0] + [self._numbers.setdefault(name, len(self._numbers)) for name in info["types"]]
        self._types = list(self._numbers)
        numbers = iter(info["blocks"])
        address = block = 0
        for more, further, kind in zip(numbers, numbers, numbers):
            address, block = address + more, block + further
            self._address.append(address)
            self._allocation.append(live[block])
            self._type.append(types[kind])

    def __len__(self) -> int:
        return len(self._address)

    if TYPE_CHECKING:
        @overload
        def __getitem__(self, at: int) -> Block: ...
        @overload
        def __getitem__(self, at: slice) -> List[Block]: ...

    def __getitem__(self, at: Union[int, slice]) -> Any:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        n = self._allocation[at]
        stack = self._places.stack(self._stack[n])
        return Block(self._address[at], self._size[n], self._types[self._type[at]], *(stack[0] if stack else (None, None, None)),
                     stack, self._time[n], self._pid[n], self._weight[n])

    def types(self, since: Optional[Census] = None) -> List[Dict[str, Any]]:
        """Returns a row for each type, the most bytes first: a dict of type, count and bytes.

        since: an earlier census, of this trace or another; then the rows are what has changed, the largest growth first.
        """
        found = {}
        for census, sign in (self, 1), (since, -1):
            for at, kind in enumerate(census._type) if census is not None else ():
                n = census._allocation[at]
                row = found.setdefault(census._types[kind], [0, 0])
                row[0] += sign * census._weight[n]
                row[1] += sign * census._weight[n] * census._size[n]
        rows = [{"type": name, "count": count, "bytes": size} for name, (count, size) in found.items() if since is None or count or size]
        return _display.Rows(sorted(rows, key=lambda row: (-row["bytes"], -row["count"], row["type"])))

    def __repr__(self) -> str:
        return "<memrec.Census of %d blocks, %d bytes>" % (len(self), sum(row["bytes"] for row in self.types()))

    def _repr_html_(self):
        return _display.table(self.types())


@overload
def census() -> bool: ...
@overload
def census(trace: Trace, through: Filters = (), *, n: Optional[int] = None, pid: Optional[int] = None) -> Census: ...


def census(trace: Optional[Trace] = None, through: Filters = (), *, n: Optional[int] = None,
           pid: Optional[int] = None) -> Union[bool, Census]:
    """Without arguments: takes a census. What each block that is live now is goes into the trace that is being recorded.

    Returns whether it was requested: False if the process is not recorded. The process waits only
    until it has been copied (fork(2)); memrec reads the copy.

    With a trace: returns the last census in it of each process, or of one. n: the first (1), second, …, not the last.
    through: filters, as for memrec.read.

        for block in memrec.census("out.lz4"):
            print(block.address, block.size, block.type, block.file, block.line)
        memrec.census("out.lz4").types()
    """
    if trace is None:
        library = _agent.loaded()
        return library is not None and bool(library.memrec_agent_census())
    filters = [through] if isinstance(through, str) else list(through)
    only = ["--census=%d" % n] if n is not None else ["--type="]
    if pid is not None:
        only.append("--pid=%d" % pid)
    found = Census(reading.events(trace, filters + [["memgrep"] + only, ["memcat", "--json"]], reading.judge_census))
    if not found.moment:
        raise reading.TraceError("the trace has no census%s%s" % (" %d" % n if n is not None else "", " of process %d" % pid if pid is not None else ""))
    return found
