"""Where the commands and the agent are.

They are installed together, as PREFIX/bin/mem* and PREFIX/lib/memrec/libmemrec*.so,
by `make install`, by pip, and in the build folder of a source tree. So the
package looks for such a PREFIX among the folders that contain it, and then next to
the memrec that PATH finds.
"""
import functools
import os
import shutil

_AGENTS = os.path.join("lib", "memrec")
_AGENT = os.path.join(_AGENTS, "libmemrec.so")
_MUSL_AGENT = os.path.join(_AGENTS, "libmemrec-musl.so")


def _is_prefix(folder):
    return os.access(os.path.join(folder, "bin", "memrec"), os.X_OK) and os.path.exists(os.path.join(folder, _AGENT))


def _candidates():
    folder = os.path.dirname(os.path.abspath(__file__))
    package = folder
    while os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
        yield folder
        # record/python/memrec in a source tree
        if os.path.join(folder, "record", "python", "memrec") == package:
            yield os.path.join(folder, "build")
    found = shutil.which("memrec")
    if found:
        yield os.path.dirname(os.path.dirname(os.path.realpath(found)))


@functools.lru_cache(None)
def prefix():
    """Returns the folder of bin and lib; raises FileNotFoundError with advice if there is none."""
    for folder in _candidates():
        if _is_prefix(folder):
            return folder
    raise FileNotFoundError(
        "cannot find memrec's commands and agent (bin/memrec, lib/memrec/libmemrec.so) above %s or on PATH: "
        "run make in the source tree, make install, or pip install ." % os.path.dirname(os.path.abspath(__file__)))


@functools.lru_cache(None)
def command(name):
    """Returns the path of a command of the suite."""
    path = os.path.join(prefix(), "bin", name)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError("memrec has no command %s: %s does not exist" % (name, path))
    return path


def agent(musl):
    """Returns the path of the library that a process loads late: musl takes another one than glibc."""
    return os.path.join(prefix(), _MUSL_AGENT if musl else _AGENT)


def environment():
    """Returns os.environ with the commands on PATH."""
    env = dict(os.environ)
    env["PATH"] = os.path.join(prefix(), "bin") + os.pathsep + env.get("PATH", os.defpath)
    return env
