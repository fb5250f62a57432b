"""limit_leaked_objects: the objects that a block made and that are still alive, against planted ones."""
import collections
import ctypes
import sys
import threading

import memrec
from memrec import _objects
from traces import Case


class Request:
    pass


class Slots:
    __slots__ = "a",


class Cycle:
    def __init__(self):
        self.me = self


def closure(n):
    return lambda: n


def traceback(n):
    try:
        raise ValueError("leaked %d" % n)
    except ValueError as e:
        return e


kept = []
fill = []


def kinds(n):
    """Objects of many kinds, whose types' names are those of the keys. Of some the interpreter keeps free ones for use again."""
    return {"Request": Request(), "Slots": Slots(), "list": [], "dict": {}, "tuple": (n, n), "float": n + 0.5, "set": {n}, "int": n + 100000,
            "str": "leaked %d" % n, "bytes": b"leaked %d" % n, "bytearray": bytearray(n), "function": closure(n), "slice": slice(n),
            "ValueError": traceback(n), "builtin_function_or_method": [].append, "method": Request().__init__ if n < 0 else closure.__get__(n),
            "generator": (i for i in [n]), "frozenset": frozenset([n]), "object": object(), "deque": collections.deque([n])}


class Objects(Case):
    def survivors(self, work):
        with memrec.Tracker(self.out, trace_python_allocators=True, overwrite=True):
            watch = _objects.Watch()
            watch.begin()
            work()
            watch.end()
        return watch.survivors(self.out)

    def setUp(self):
        super().setUp()
        del kept[:]
        for i in range(200):		# fills the lists of free objects
            kinds(i)

    def test_nothing_leaked(self):
        def work():
            for i in range(50):
                kinds(i)
                Cycle()
            thread = threading.Thread(target=kinds, args=(7,))
            thread.start()
            thread.join()
        fill.append(1)
        self.survivors(work)		# once, for objects that are made only once
        found = self.survivors(work)
        self.assertEqual([s.obj for s in found if type(s.obj).__name__ not in ("int", "str")], [])

    def test_everything_leaked_is_found_with_its_place(self):
        def work():
            kept.extend(kinds(i) for i in range(10))
        found = self.survivors(work)
        stacks = {id(s.obj): s.stack for s in found}
        for name in kept[0]:
            leaked = [stacks.get(id(objects[name]), ()) for objects in kept]
            self.assertEqual([any(f[0].split(".")[-1] in ("kinds", "closure", "traceback") for f in stack) for stack in leaked], [True] * 10, name)
            self.assertEqual({type(objects[name]).__name__ for objects in kept}, {name})

    def test_what_was_there_before_is_not_leaked(self):
        before = [kinds(i) for i in range(20)]
        found = self.survivors(lambda: kept.append(Request()))
        self.assertEqual([type(s.obj) for s in found if type(s.obj) in (Request, Slots, Cycle, bytearray, ValueError)], [Request])
        self.assertEqual(len(before), 20)

    def test_one_reference_too_many(self):
        """C code keeps a str and a Request, which no object refers to."""
        leaked = []

        def work():
            for o in Request(), "nobody's %d" % len(leaked), bytes(3000):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(o))
                leaked.append(id(o))
        work()
        del leaked[:]
        found = self.survivors(work)
        names = [type(s.obj).__name__ for s in found if id(s.obj) in leaked]
        if memrec.census(self.out).typed:
            self.assertEqual(sorted(names), ["Request", "bytes", "str"])
        else:
            self.assertEqual(names, ["Request"])		# the collector knows it

    def test_it_is_an_error_if_there_is_no_census(self):
        with memrec.Tracker(self.out, trace_python_allocators=True):
            watch = _objects.Watch()
        with self.assertRaisesRegex(memrec.TraceError, "has no census"):
            watch.survivors(self.out)
        with self.assertRaisesRegex(RuntimeError, "ended too early" if sys.version_info >= (3, 8) else ""):
            with memrec.Tracker(self.out, trace_python_allocators=True, overwrite=True):
                watch.begin()
            watch.end()
