"""check.py BIN PYTHON: record this Python with the memrec in BIN; print a line of results, exit with 1 if a check fails.

"declines": memrec reports that it cannot do this, and the program continues.
"""
import os
import re
import subprocess
import sys
import tempfile

import memrec

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "lib")]		# in a root it lies beside this file
from trace import Trace

bin, python = sys.argv[1:]
os.chdir(tempfile.mkdtemp())
PROGRAM = """
import ctypes, subprocess, sys
def load(n): return b"x" * n
kept = load(1000000)
def native():
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    return libc.malloc(1234567)
native()
small = [object() for i in range(5000)]
if len(sys.argv) > 1: subprocess.run([sys.executable, "-c", "kept = b'y' * 800000"], check=True)
print("the end")
"""
ENDLESS = """
import time
def load(n): return b"x" * n
print("begun", flush=True)
while True: kept = load(1000000); time.sleep(.01)
"""


def run(*argv):
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    return p.returncode, p.stdout


def functions(trace):
    """{size: functions, innermost first}, of large blocks and C blocks."""
    with subprocess.Popen([os.path.join(bin, "memcat"), "--json", trace], stdout=subprocess.PIPE) as p:
        allocations = Trace(p.stdout).allocations
    return {a.size: [name for name, file, line in reversed(a.stack)] for a in allocations if a.size >= 800000}


def size_near(found, size):
    return next((s for s in found if size <= s < size + 100), None)


def launch(*options):
    status, said = run(os.path.join(bin, "memrec"), *options, "-f", "-o", "t.lz4", "--", python, "-c", PROGRAM, *(["child"] if "-F" in options else []))
    assert status == 0 and said.endswith("the end\n"), said
    found = functions("t.lz4")
    block = size_near(found, 1000000)
    assert block and "load" in found[block], found
    assert "native" in found[1234567], found
    assert ("-F" in options) == bool(size_near(found, 800000)), found
    return said[:-len("the end\n")], found


def plain():
    return launch()[0] or "ok"


def fork():
    launch("-F")
    return "ok"


def allocators():
    launch("-A")
    return "ok"


def native():
    said, found = launch("-n", "-A")
    if "without native stacks" in said:
        return "declines"
    names = found[1234567]
    assert names.index("native") < len(names) - 2, names		# C frames below <module>
    return "ok"


def attach():
    target = subprocess.Popen([python, "-c", ENDLESS], stdout=subprocess.PIPE)
    target.stdout.readline()
    try:
        status, said = run(os.path.join(bin, "memrec"), "-p", str(target.pid), "-f", "-o", "a.lz4", "--duration", "500ms")
        if status and re.search("(older than 2.34|uses musl, to which memrec cannot attach): start it under memrec", said):
            return "declines"
        assert status == 0, said
        found = functions("a.lz4")
        assert any("load" in f for f in found.values()), found
        assert target.poll() is None
    finally:
        target.kill()
        target.wait()
    return "ok"


def tracker():
    folder = os.path.dirname(os.path.dirname(memrec.__file__))
    status, said = run("env", "PYTHONPATH=" + folder, "PATH=%s:%s" % (bin, os.environ["PATH"]), python, "-c", """
import memrec
def load(n): return b"x" * n
with memrec.Tracker("tr.lz4", overwrite=True): kept = load(1000000)
""")
    assert status == 0 and not said, said
    assert any("load" in f for f in functions("tr.lz4").values())
    return "ok"


def reports():
    for name in "memsummary", "memtable", "memtree", "memstats", "memflame":
        status, said = run(os.path.join(bin, name), "t.lz4")
        assert status == 0 and len(said) > 200, (name, said)
    return "ok"


failed, answers = False, []
for check in plain, fork, allocators, native, attach, tracker, reports:
    try:
        answers.append("%s %s" % (check.__name__, check()))
    except Exception as e:
        failed = True
        answers.append("%s FAILED (%s)" % (check.__name__, str(e)[:300]))
version = run(python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])")[1].strip()
print("%s %s: %s" % ("tarball" if "unpacked" in bin else "wheel  ", version, ", ".join(answers)), flush=True)
sys.exit(failed)
