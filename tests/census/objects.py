# Makes objects of many kinds, takes a census, and prints the address and type of every object that the
# collector's lists and their referents lead to, as the interpreter itself has them.
import array
import collections
import ctypes
import datetime
import decimal
import functools
import gc
import itertools
import re
import sys
import threading
import types
import weakref

import memrec


class Plain:
    def __init__(self, i):
        self.i = i


class Slots:
    __slots__ = ("a", "b", "__weakref__")


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    class Inner:
        pass


class List(list):
    pass


class Dict(dict):
    pass


class Text(str):
    pass


class Number(int):
    pass


class Point(collections.namedtuple("Point", "x y")):
    pass


class Fault(Exception):
    pass


class Structure(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]


Made = type("Naïve—名", (), {"__module__": "somewhere.else"})


def generator():
    yield 1


async def coroutine():
    pass


def closure(x):
    return lambda: x


def fault(i):
    try:
        raise Fault(i)
    except Fault as e:
        return e


def frame():
    return sys._getframe()


def kinds(i):
    running = generator()
    next(running)
    plain = Plain(i)
    with_dict = Plain(i)
    with_dict.__dict__["other"] = i
    many = Plain(i)
    for k in range(40):
        setattr(many, "a%d" % k, k)
    a_list = [i] * 20
    del a_list[3:]
    cut = bytearray(b"x" * 5000)
    del cut[:100]
    yield from (
        plain, with_dict, vars(with_dict), many, Slots(), WithMeta(), WithMeta.Inner(), Made(), List([1, 2]), Dict(a=1),
        Text("text %d" % i), Number(i + 1000), Point(i, i), Structure(i), fault(i), frame(), running, generator(),
        coroutine(), closure(i), closure(i).__closure__[0], [], [i], a_list, list(range(1000 + i)), {}, {i: i},
        dict.fromkeys(range(500 + i)), set(), {i}, set(range(100 + i)), frozenset(range(i, i + 50)), (), (i,), tuple(range(50 + i)),
        "ascii %d" % i, "latin-é %d" % i, "wide-名 %d" % i, "astral-\U0001f600 %d" % i, "long %d " % i * 200,
        b"bytes %d" % i, bytes(2000 + i), bytearray(b"array %d" % i), bytearray(3000 + i), cut, i + 100000, -i - 1000, 1 << (900 + i), i + .5,
        complex(i, 1), slice(i, i), range(i), memoryview(bytes(100)), memoryview(bytearray(100))[1:], iter([i]),
        enumerate([i]), zip([i]), map(str, [i]), reversed([i]), weakref.ref(plain), functools.partial(print, i),
        collections.deque(range(300)), collections.OrderedDict(a=i), collections.defaultdict(list), collections.Counter("abc"),
        datetime.datetime.now(), datetime.timedelta(i), decimal.Decimal(i) / 7, array.array("d", range(100 + i)),
        re.compile("x%d" % i), threading.Lock(), types.SimpleNamespace(i=i), types.MethodType(print, plain),
        property(print), staticmethod(print), super(List, List()), itertools.count(i), ctypes.c_int(i), (ctypes.c_char * 100)(),
        object(), type("Class%d" % i, (), {}), types.ModuleType("module%d" % i), print.__call__, [].append, "".join)


def numpy_arrays():
    try:
        import numpy
    except ImportError:
        return []
    return [numpy.zeros(1000), numpy.arange(10).reshape(2, 5), numpy.float64(1.5), numpy.dtype("i4,f8"), numpy.zeros(5000)[2:]]


def referents(objects):
    """Those that the collector knows, and those of code objects, which it does not traverse."""
    found = gc.get_referents(*objects)
    for o in objects:
        if isinstance(o, types.CodeType):
            found += [o.co_consts, o.co_names, o.co_name, o.co_filename]
    return found


def everything():
    """Every object that can be found, once; all stay referred to."""
    found = {}
    left = gc.get_objects()
    while left:
        following = []
        for o in left:
            if id(o) not in found:
                found[id(o)] = o
                following.append(o)
        left = referents(following)
    return found


def name(cls, names={}):
    if cls not in names:
        names[cls] = cls.__qualname__ if cls.__module__ == "builtins" else "%s.%s" % (cls.__module__, cls.__qualname__)
    return names[cls]


def main():
    kept = [list(kinds(i)) for i in range(int(sys.argv[1]))] + numpy_arrays()
    found = everything()
    gc.disable()
    addresses = array.array("Q", found)         # which makes no object for each
    names = [name(type(o)) for o in found.values()]
    if not memrec.census():
        sys.exit("no census")
    for item in zip(addresses, names):
        print(*item)
    del kept


main()
