"""Every instruction of every code object in a part of the standard library must have the line that Python computes."""
import ctypes, dis, os, sys, sysconfig, types, warnings
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
warnings.simplefilter("ignore")
V = sys.version_info[1]
EVERY = int(os.environ.get("PYLINES_EVERY", "25"))       # take only every n-th file
total = [0, 0, 0]

def codes(co):
    stack = [co]
    while stack:
        c = stack.pop()
        yield c
        stack.extend(k for k in c.co_consts if isinstance(k, types.CodeType))

def python_lines(co, n):
    lines = [None] * (n // 2)
    if V >= 10:
        for start, end, line in co.co_lines():
            for i in range(start, min(end, n), 2): lines[i // 2] = -1 if line is None else line
    else:
        now, starts = co.co_firstlineno, dict(dis.findlinestarts(co))
        for i in range(0, n, 2):
            now = starts.get(i, now); lines[i // 2] = now
    return lines

def one(co):
    table, n = co.co_lnotab if V <= 9 else co.co_linetable, len(co.co_code)
    out = (ctypes.c_int * (n // 2 + 1))()
    pt.GIL.pt_lines(V, table, ctypes.c_size_t(len(table)), co.co_firstlineno, n, out)
    for i, (we, python) in enumerate(zip(out, python_lines(co, n))):
        assert we == python, "%s %s at %d: %d, not %d" % (co.co_filename, co.co_name, i * 2, we, python)
    total[0] += 1; total[1] += n // 2; total[2] += list(out)[:n // 2].count(-1)

names = sorted(os.path.join(d, f) for d, _, fs in os.walk(sysconfig.get_paths()["stdlib"]) for f in fs
               if f.endswith(".py") and "-packages" not in d and "lib2to3/tests" not in d)
for name in names[::EVERY]:
    try: co = compile(open(name, "rb").read(), name, "exec")
    except (OSError, SyntaxError, ValueError): continue
    for c in codes(co): one(c)
assert total[1] > 10000
print("3.%d ok: %d code objects, %d instructions, %d without a line" % (V, *total))
