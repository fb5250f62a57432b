"""Shared by the tests in this folder: the harness's functions, and the comparison with sys._getframe()."""
import ctypes, os, sys

GIL = ctypes.PyDLL(None)      # keeps the GIL
NOGIL = ctypes.CDLL(None)     # releases it around the call
for lib in GIL, NOGIL:
    lib.pt_version.restype = lib.pt_warning.restype = ctypes.c_char_p
    lib.pt_capture.restype = ctypes.c_uint
    lib.pt_bench.restype = ctypes.c_double
    lib.pt_allocs.argtypes = [ctypes.c_int, ctypes.c_size_t]
BUFFER = ctypes.create_string_buffer(1 << 24)
NAMES = "captures early rebuilds mismatches nodes codes warnings disorder deaths epochs".split()
compared = [0, 0]

def counts():
    out = (ctypes.c_uint64 * 10)()
    GIL.pt_counts(out)
    return dict(zip(NAMES, out))

def written(s):
    return s.encode("utf-8", "backslashreplace").decode()

def seen_by_python(f):
    stack = []
    while f is not None:
        c = f.f_code
        name = c.co_qualname if sys.version_info >= (3, 11) else c.co_name
        stack.append((written(c.co_filename), written(name), f.f_lasti, f.f_lineno))
        f = f.f_back
    return stack

def seen_by_us():
    stack = []
    for line in BUFFER.value.decode().split("\n")[:-1]:
        file, name, lasti, number = line.split("\1")
        stack.append((file, name, int(lasti), None if number == "-1" else int(number)))
    return stack

def compare(a, b, what):
    compared[0] += 1
    compared[1] += len(a)
    # The newest frame has advanced between the two captures.
    if len(a) == len(b) and a[0][:2] == b[0][:2] and a[1:] == b[1:]:
        return
    print("DIFFERENCE in", what, len(a), len(b))
    for i in range(max(len(a), len(b))):
        x, y = (s[i] if i < len(s) else None for s in (a, b))
        if x != y:
            print("   python", x, "\n   we    ", y)
    sys.stdout.flush()
    os._exit(1)

def check(what="", *_):
    a = seen_by_python(sys._getframe()); GIL.pt_dump(BUFFER, len(BUFFER)); compare(a, seen_by_us(), what + " with the GIL")
    a = seen_by_python(sys._getframe()); NOGIL.pt_dump(BUFFER, len(BUFFER)); compare(a, seen_by_us(), what + " without the GIL")
    return 1

def verdict(**expected):
    """Fail unless every capture so far agreed with the reference walk."""
    c = counts()
    ok = c["captures"] > 0 and c["mismatches"] == 0 and c["disorder"] == 0 and c["warnings"] == 0
    print("3.%d" % sys.version_info[1], "ok" if ok else "WRONG", c, *("%s %s" % e for e in expected.items()))
    if not ok:
        sys.stdout.flush()
        os._exit(1)
