#!/usr/bin/env python3
"""Make the initial inputs for fuzzing in FUZZ/seeds: seeds.py BUILD FUZZ

Traces of gen_trace.py, their folded lines; rings of real programs (saved by the memrec in FUZZ); objects with
debug information of several kinds, their line tables and unwind tables; line tables of Python; objects as they
are in memory.
"""
import ctypes
import glob
import json
import os
import shutil
import struct
import subprocess
import sys

BUILD, FUZZ = map(os.path.abspath, sys.argv[1:3])
OUT = FUZZ + "/seeds.new"
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(BUILD, "bin")
MOST_BYTES = 16384      # of a seed

PROGRAM = """
#include <stdlib.h>
static inline __attribute__((always_inline)) void *inner(int n) { return malloc(n); }
__attribute__((noinline)) void *outer(int n) { volatile char room[64]; room[n & 63] = 1; return inner(n + room[n & 63]); }
int run(int n) { void *p = outer(n); p = realloc(p, 200); free(p); return n ? run(n - 1) + 1 : 0; }
"""
KINDS = ["-gdwarf-2", "-gdwarf-4", "-gdwarf-5", "-gdwarf-5 -gdwarf64", "-gdwarf-4 -gz", "-gdwarf-5 -O2 -gno-as-loc-support",
         "-gdwarf-5 -gz -ffunction-sections", "-g0"]


def put(kind, name, data):
    os.makedirs(os.path.join(OUT, kind), exist_ok=True)
    with open(os.path.join(OUT, kind, name), "wb") as f:
        f.write(data)


def run(*command, data=None, **more):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True, **more).stdout


def with_census(text):
    """Adds the rows of a census to the lines of a trace, after its last allocation."""
    lines = text.splitlines(True)
    last = max(i for i, line in enumerate(lines) if json.loads(line)["event"] == "alloc")
    place = {"pid": json.loads(lines[last])["pid"], "time_ms": 1}
    blocks = [{"types": ["module", "dict", "list [items]"], "blocks": [4096, 1, 1, 4096, 1, 2, 64, 1, 3, 4032, 1, 0]},
              {"names": ["app", "x"], "references": [4096, 1, 4096, 2, 4096, 2, 64, 4, 4032, 3]},
              {"root": "libc.so.6", "names": [], "references": [0, 1, 12288, 0]}]
    rows = [{"event": "census", "info": {"moment": "script end", "typed": 1, "blocks": 4}}]
    rows += [{"event": "blocks", "info": info} for info in blocks]
    rows += [{"event": "pages", "info": {"mapping": "heap", "start": 4096, "resident": [0, 3, 1, 2]}}]
    lines[last + 1:last + 1] = [json.dumps({**row, **place}).encode() + b"\n" for row in rows]
    return b"".join(lines)


def traces():
    options = [[], ["--processes=3", "--threads=3"], ["--weights", "--spans"], ["--lost", "--unknown"], ["--unfinished"],
               ["--mappings", "--spans", "--processes=2"], []]
    for i, more in enumerate(options, 1):
        for events in (12, 60):
            lines = run(sys.executable, TESTS + "/lib/gen_trace.py", "--events=%d" % events, "--seed=%d" % i,
                        "--functions=8", "--stacks=12", "--live=9", *more)
            lines = with_census(lines) if i == len(options) else lines
            name = "%d" % i if events == 60 else "%d-small" % i
            put("json", name, lines)
            stored = run(BIN + "/memcat", "--from-json", data=lines)     # to a pipe: blocks are not compressed
            put("trace", name + ".lz4", stored)
            put("trace", name + ".mp", run("lz4", "-dc", data=stored))
            if "--unfinished" not in more and "--lost" not in more:
                put("folded", name, run(BIN + "/memfold", data=stored))
                put("folded", name + "-process", run(BIN + "/memfold", "--by-process", data=stored))


def rings():
    source = os.path.join(OUT, "program.c")
    with open(source, "w") as f:
        f.write(PROGRAM + "int main(void) { return run(5) != 5; }\n")
    run("cc", "-g", "-O1", "-o", OUT + "/program", source)
    python = "import mmap, os, threading\nkept = [bytes(9000) for i in range(3)]\nm = mmap.mmap(-1, 8192)\n" \
             "t = threading.Thread(target=lambda: kept.append(bytearray(7777)))\nt.start(); t.join(); m.close()\n"
    programs = [("c", [OUT + "/program"]), ("python", ["/usr/bin/python3", "-S", "-E", "-I", "-c", python])]
    for name, command in programs:
        for options in ([], ["--native"], ["--trace-python-allocators"], ["--native", "--trace-python-allocators"]):
            dump = os.path.join(OUT, "dump")
            run(FUZZ + "/bin/memrec", "-f", "-o", os.devnull, *options, "--", *command, env=dict(os.environ, RING_DUMP=dump))
            with open(dump, "rb") as f:
                slots = f.read()
            os.remove(dump)
            tag = name + "".join(options)
            put("ring", tag, slots[:MOST_BYTES])
            put("ring", tag + "-end", slots[-MOST_BYTES // 4:])
            put("ring", tag + "-few", slots[:1024])


def objects():
    source = os.path.join(OUT, "object.c")
    with open(source, "w") as f:
        f.write(PROGRAM)
    for i, kind in enumerate(KINDS):
        path = os.path.join(OUT, "object%d.so" % i)
        run("cc", *kind.split(), "-O1", "-shared", "-fPIC", "-nostdlib", "-Wl,-z,noseparate-code", "-Wl,--build-id=none",
            "-o", path, source)
        with open(path, "rb") as f:
            data = f.read()
        put("elf", str(i), data)
        parts = {}
        for part in (".debug_line", ".debug_line_str", ".debug_str", ".eh_frame"):
            piece = os.path.join(OUT, "piece")
            run("objcopy", "-O", "binary", "--decompress-debug-sections", "--only-section=" + part,
                "--set-section-flags=" + part + "=alloc", path, piece)
            with open(piece, "rb") as f:
                parts[part] = f.read()
            os.remove(piece)
        texts = (parts[".debug_line_str"] or parts[".debug_str"])[:255]
        if parts[".debug_line"]:
            put("linetable", str(i), bytes([i % 4, len(texts)]) + texts + parts[".debug_line"])
        unwind_tables(i, parts[".eh_frame"].lstrip(b"\0"))     # the gap up to its address
        in_memory(i, path)


def unwind_tables(number, section):
    at, common = 0, b""
    while at + 8 <= len(section):
        size, back = struct.unpack_from("<II", section, at)
        if size == 0:
            break
        body = section[at + 8:at + 4 + size]
        if back == 0:
            common = body
        else:
            put("cfi", "%d-%d" % (number, at), bytes([len(common)]) + common + body)
        at += 4 + size


def in_memory(number, path):
    library = ctypes.CDLL(path)
    address = ctypes.cast(library.run, ctypes.c_void_p).value
    with open("/proc/self/maps") as f:
        ranges = [line.split()[0].split("-") for line in f if path in line]
    low, high = int(ranges[0][0], 16), int(ranges[-1][1], 16)
    registers = struct.pack("<8Q", address - low, 100, 120, 7, 1, 0, 0, 0)
    put("attach", str(number), registers + ctypes.string_at(low, min(high - low, 65536)))


def python_tables():
    code = "import json, struct, sys\n" \
           "out = []\n" \
           "def walk(c):\n" \
           "    t = c.co_linetable if hasattr(c, 'co_linetable') else c.co_lnotab\n" \
           "    kind = 3 if sys.version_info >= (3, 11) else 2 if sys.version_info >= (3, 10) else 1\n" \
           "    out.append((struct.pack('<Bi', kind, c.co_firstlineno) + t).hex())\n" \
           "    [walk(x) for x in c.co_consts if hasattr(x, 'co_code')]\n" \
           "walk(compile(open(json.__file__).read(), 'json', 'exec'))\n" \
           "print(' '.join(out))"
    known = ["/usr/bin/python3"] + glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3"))
    for python in known:
        for i, table in enumerate(run(python, "-c", code).decode().split()):
            put("pylines", "%d-%d" % (known.index(python), i), bytes.fromhex(table)[:MOST_BYTES])
    for kind in range(5):
        put("pylines", "kind%d" % kind, struct.pack("<Bi", kind, 10) + bytes(range(0, 256, 5)))


shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
traces()
rings()
objects()
python_tables()
os.rename(OUT, FUZZ + "/seeds")
