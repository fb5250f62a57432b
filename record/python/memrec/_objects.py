"""Which Python objects that a test made are still alive after it: those of a census whose blocks were allocated meanwhile.

A block is matched with an object by its address: the objects that the interpreter's collector knows, and what they refer to.
So their types are the interpreter's own, and this works with every Python, whether or not memrec knows its types.
What only C code refers to is not among them. If the census has its type, it is taken from its address.
"""
import ctypes
import gc
import os
import sys

from . import _agent, _census, _spans, reading

_SPAN = b"limit_leaked_objects"
_FARTHEST = 64		# from the beginning of a block to the object in it: words of the collector, of a debug build
_OB_TYPE = 8


class Survivor:
    """An object that is still alive. stack: of the allocation, (function, file, line), innermost first."""

    __slots__ = ("obj", "stack")

    def __init__(self, obj, stack):
        self.obj, self.stack = obj, stack


def settle():
    """Leaves nothing alive that only cycles or the interpreter's caches hold, and empties its lists of free objects.

    An object from such a list would have no allocation.
    """
    gc.collect()
    if hasattr(sys, "_clear_internal_caches"):
        sys._clear_internal_caches()


class NoWatch:
    def begin(self):
        pass

    def end(self):
        pass


class Watch:
    """Around a test, in an active tracker that records Python's allocators; after the tracker has ended, `survivors`.

    The two methods are no context manager: its bound method would be freed after begin(), and could be used again.
    """

    def __init__(self):
        self._held = {}
        self._slice = None

    def begin(self):
        self._slice = slice(0)		# one is kept for use again, whatever the collector does
        _spans.mark(_SPAN, _spans.BEGINS | _spans.OF_ALL)
        settle()

    def end(self):
        settle()
        _spans.mark(_SPAN, _spans.OF_ALL)
        # Held from before the census until its blocks are compared: no other object can be at these addresses.
        self._held = _everything()
        if not _agent.loaded().memrec_agent_census():
            raise RuntimeError("limit_leaked_objects: the recording of this test ended too early")

    def survivors(self, trace):
        """Returns the objects in order of their addresses."""
        held, self._held = self._held, {}
        found = _census.census(trace, [["memslice", "--span", _SPAN.decode()]])
        objects = {}			# by address of the block
        for block in found:
            for address in _addresses(block):
                if address in held:
                    objects[block.address] = held[address]
        if found.typed:
            missing = [b for b in found if b.type and not b.type.endswith("]") and b.address not in objects]
            _take_from_addresses(missing, objects, held.values())
        return [Survivor(objects[block.address], block.stack) for block in found if block.address in objects]


def _addresses(block):
    """Those at which its object may be."""
    return range(block.address, block.address + min(block.size, _FARTHEST), 8)


def _everything():
    """Returns all objects that can be reached from those that the collector knows and from frames that run, by address."""
    found = {}
    level = gc.get_objects()
    for frame in sys._current_frames().values():
        while frame is not None:
            level.append(frame)
            frame = frame.f_back
    while level:
        level = {id(o): o for o in level if id(o) not in found}
        found.update(level)
        level = gc.get_referents(*level.values())
    return found


# ---------------------------------------------------------------- what only C code refers to


def _take_from_addresses(blocks, objects, held):
    if not blocks:
        return
    types = {}			# by name: their addresses
    for cls in set(map(type, held)) | _all_types():
        types.setdefault(_name(cls), set()).add(id(cls))
    memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for block in blocks:
            _take(block, types.get(block.type, ()), memory, objects)
    finally:
        os.close(memory)


def _name(cls):
    return cls.__qualname__ if cls.__module__ == "builtins" else "%s.%s" % (cls.__module__, cls.__qualname__)


def _all_types():
    found, left = set(), [object]
    while left:
        cls = left.pop()
        if cls not in found:
            found.add(cls)
            left += type.__subclasses__(cls)
    return found


def _take(block, types, memory, objects):
    """Only if there still is an object of one of these types: it may have been freed since the census."""
    for address in _addresses(block):
        try:
            header = os.pread(memory, _OB_TYPE + 8, address)
        except OSError:
            return
        if int.from_bytes(header[_OB_TYPE:], sys.byteorder) in types and any(header[:4]):
            objects[block.address] = ctypes.cast(address, ctypes.py_object).value
            return
