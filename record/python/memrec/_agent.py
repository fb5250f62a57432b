"""The agent in this process: record/agent/session.h, by ctypes.

It is loaded when it is first needed. If this process already contains an agent
(memrec started the program, or was attached to it), that one is used: the loader
finds it by its soname, or in musl, which does not, by its functions.
"""
import ctypes
import os
from time import monotonic

from . import _places

_SONAME = "libmemrec.so"
_library = None
_next_look = 0.0


def _declare(library):
    library.memrec_agent_start.argtypes = [ctypes.c_char_p]
    library.memrec_agent_start.restype = ctypes.c_char_p
    library.memrec_agent_stop.argtypes = []
    library.memrec_agent_stop.restype = None
    library.memrec_agent_recording.argtypes = []
    library.memrec_agent_recording.restype = ctypes.c_int
    library.memrec_agent_span.argtypes = [ctypes.c_char_p, ctypes.c_int]
    library.memrec_agent_span.restype = ctypes.c_int
    # With the GIL held: no other thread is initialising an object, and there is a Python stack.
    holding = ctypes.PyDLL(library._name, handle=library._handle)
    library.memrec_agent_census = holding.memrec_agent_census
    library.memrec_agent_alloc = holding.memrec_agent_alloc
    library.memrec_agent_alloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    library.memrec_agent_alloc.restype = None
    library.memrec_agent_free = holding.memrec_agent_free
    library.memrec_agent_free.argtypes = [ctypes.c_void_p]
    library.memrec_agent_free.restype = None
    library.memrec_agent_census.argtypes = []
    library.memrec_agent_census.restype = ctypes.c_int
    library.memrec_agent_spawn.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p),
                                           ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_int)]
    library.memrec_agent_spawn.restype = ctypes.c_int
    return library


def _is_musl():
    return not hasattr(ctypes.CDLL(None), "gnu_get_libc_version")


def _find():
    # CDLL releases the GIL during a call: the agent waits there for threads that may need it.
    if _is_musl():
        library = ctypes.CDLL(None)
        return library if hasattr(library, "memrec_agent_start") else None
    try:
        return ctypes.CDLL(_SONAME, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return None


def loaded():
    """Returns the agent if it is in this process, otherwise None."""
    global _library
    if _library is None:
        library = _find()
        if library is not None:
            try:
                _library = _declare(library)
            except AttributeError:
                raise RuntimeError("this process already contains an agent of another version of memrec") from None
    return _library


def load():
    """Loads the agent if necessary and returns it; raises OSError with the reason if it cannot."""
    global _library
    if loaded() is None:
        path = _places.agent(_is_musl())
        try:
            _library = _declare(ctypes.CDLL(path))
        except OSError as e:
            raise OSError("cannot load %s: %s" % (path, e)) from None
    return _library


def _nothing(*_):
    pass


def block_function(name):
    """Returns memrec.alloc or memrec.free. They do nothing where there is no agent to load."""
    try:
        return getattr(load(), "memrec_agent_" + name)
    except OSError:
        return _nothing


def recording():
    """Returns whether this process is recorded now."""
    library = loaded()
    return library is not None and bool(library.memrec_agent_recording())


def may_be_recording():
    """The same, at the cost of a look at the clock in a process without an agent: that one came is noticed within half a second."""
    global _next_look
    if _library is None:
        now = monotonic()
        if now < _next_look:
            return False
        _next_look = now + 0.5
    return recording()


def _strings(texts):
    encoded = [os.fsencode(t) for t in texts]
    return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)


def spawn(argv, env, stdin, stdout, stderr):
    """Starts a program that is not our child, with only these descriptors, and returns its pid."""
    pid = load().memrec_agent_spawn(os.fsencode(argv[0]), _strings(argv),
                                    _strings("%s=%s" % item for item in env.items()),
                                    (ctypes.c_int * 3)(stdin, stdout, stderr))
    if pid < 0:
        raise OSError(-pid, "%s: %s" % (argv[0], os.strerror(-pid)))
    return pid
