"""The agent in this process: record/agent/session.h, by ctypes.

It is loaded when it is first needed. One that is here already (memrec started
this program, or was attached to it) is the one to talk to: the loader finds it
by its soname.
"""
import ctypes
import os

from . import _places

_SONAME = "libmemrec.so"
_library = None


def _declare(library):
    library.memrec_agent_start.argtypes = [ctypes.c_char_p]
    library.memrec_agent_start.restype = ctypes.c_char_p
    library.memrec_agent_stop.argtypes = []
    library.memrec_agent_stop.restype = None
    library.memrec_agent_recording.argtypes = []
    library.memrec_agent_recording.restype = ctypes.c_int
    library.memrec_agent_span.argtypes = [ctypes.c_char_p, ctypes.c_int]
    library.memrec_agent_span.restype = ctypes.c_int
    library.memrec_agent_spawn.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p),
                                           ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_int)]
    library.memrec_agent_spawn.restype = ctypes.c_int
    return library


def _find():
    # CDLL lets go of the GIL in a call: the agent waits there for threads that may need it.
    try:
        return ctypes.CDLL(_SONAME, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return None


def loaded():
    """The agent if it is in this process, else None."""
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
    """The agent, loaded if it is not; OSError says why it cannot be."""
    global _library
    if loaded() is None:
        path = _places.agent()
        try:
            _library = _declare(ctypes.CDLL(path))
        except OSError as e:
            raise OSError("cannot load %s: %s" % (path, e)) from None
    return _library


def recording():
    """Whether this process is recorded now."""
    library = loaded()
    return library is not None and bool(library.memrec_agent_recording())


def _strings(texts):
    encoded = [os.fsencode(t) for t in texts]
    return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)


def spawn(argv, env, stdin, stdout, stderr):
    """Start a program that is no child of ours, with these descriptors and no other; its pid."""
    pid = load().memrec_agent_spawn(os.fsencode(argv[0]), _strings(argv),
                                    _strings("%s=%s" % item for item in env.items()),
                                    (ctypes.c_int * 3)(stdin, stdout, stderr))
    if pid < 0:
        raise OSError(-pid, "%s: %s" % (argv[0], os.strerror(-pid)))
    return pid
