"""Make folded lines for the page's tests and measurements: gen.py KIND [N]

    timed N     the same tree as a trace, for memcat --from-json: half as many allocations as nodes over ten seconds,
                most of them freed at some time
    random N    a random call tree of N nodes over N/200 functions, at most 60 deep, in the order of the tree
    mixed N     the same with frames among it that the page hides at first: runpy, imports, C functions
    program     like a small service that imports, parses JSON and computes with numpy
    deep N      one stack of N frames
    wide N      N functions called by one
"""
import json
import random
import sys

VERBS = "parse load build walk visit handle read write make init call run apply merge check find get set fold emit".split()
NOUNS = "request node tree json schema frame token config model array table index cache buffer module symbol".split()


def random_tree(n_nodes):
    rng = random.Random(n_nodes)
    n_functions = max(20, n_nodes // 200)
    labels = []
    for i in range(n_functions):
        name = f"{rng.choice(VERBS)}_{rng.choice(NOUNS)}_{i}"
        labels.append(f"{name} (/srv/app/{NOUNS[i // 25 % len(NOUNS)]}s_{i // 25}.py:{{}})")
    function, depth, children = [0], [0], [()]
    growing = [0]
    while growing and len(function) < n_nodes:
        # Mostly the newest node, sometimes any: the tree becomes neither a list nor a bush.
        if rng.random() < 0.4:
            k = rng.randrange(len(growing))
            growing[k], growing[-1] = growing[-1], growing[k]
        node = growing.pop()
        r = rng.random()
        n = 12 if node == 0 else 1 if r < 0.5 else 2 if r < 0.72 else rng.randint(3, 8) if r < 0.88 else 0
        if depth[node] >= 60:
            n = 0
        elif n == 0 and len(growing) < 50:
            n = 2
        first = len(function)
        function += sorted({(function[node] * 7 + rng.randint(1, 14)) % n_functions for _ in range(n)})
        children[node] = range(first, len(function))
        depth += [depth[node] + 1] * len(children[node])
        children += [()] * len(children[node])
        growing += children[node]
    path = []
    pending = [0]
    while pending:
        node = pending.pop()
        del path[depth[node]:]
        path.append(labels[function[node]].format(10 + function[node] % 25 * 4 + (1 if children[node] else 2)))
        pending.extend(reversed(children[node]))
        if not children[node]:
            yield ";".join(path), 600 + int(rng.lognormvariate(6.9, 0.9))


def timed(n_nodes):
    """Each stack allocates when it first occurs, and sometimes again; most blocks are freed after a random time."""
    rng = random.Random(n_nodes)
    functions, frames, stacks, due = {}, {}, {}, {}
    yield {"event": "header", "command": ["python3", "timed.py"], "options": {"native": False, "python_allocators": True, "follow_fork": False}}
    yield {"event": "process", "pid": 9, "info": {"command": ["python3", "timed.py"]}, "time_ms": 0}
    lines = [path for path, _ in random_tree(n_nodes)]
    n_events = n_nodes // 2
    for i in range(n_events):
        time_ms = i * 10000 // n_events
        path = lines[i % len(lines)] if i < len(lines) else rng.choice(lines)
        stack = 0
        for k, label in enumerate(path.split(";")):
            name, place = label.split(" (")
            file, line = place[:-1].rsplit(":", 1)
            if (name, file) not in functions:
                functions[name, file] = len(functions) + 1
                yield {"event": "function", "function": functions[name, file], "lang": "python", "name": name, "file": file}
            if label not in frames:
                frames[label] = len(frames) + 1
                yield {"event": "frame", "frame": frames[label], "function": functions[name, file], "line": int(line)}
            if (stack, label) not in stacks:
                stacks[stack, label] = len(stacks) + 1
                yield {"event": "stack", "stack": stacks[stack, label], "parent": stack, "frame": frames[label]}
            stack = stacks[stack, label]
        yield {"event": "alloc", "id": i + 1, "size": 600 + int(rng.lognormvariate(6.9, 0.9)), "stack": stack, "pid": 9, "tid": 9, "time_ms": time_ms}
        if rng.random() < 0.8:
            due.setdefault(i + int(rng.expovariate(1) * n_events / 8), []).append(i + 1)
        for number in due.pop(i, ()):
            yield {"event": "free", "id": number, "pid": 9, "tid": 9, "time_ms": time_ms}
        if i % 5000 == 0:
            yield {"event": "rss", "size": 30000000 + i * 1000, "pid": 9, "time_ms": time_ms}
    yield {"event": "end"}


def mixed(n_nodes):
    """A function is often called along several hidden ways, which the page joins."""
    rng = random.Random(n_nodes)
    hidden = ["_find_and_load (<frozen importlib._bootstrap>:1176)", "PyImport_ImportModule (Python/import.c:12)",
              "PyObject_Call (Objects/call.c:281)", "PyObject_Vectorcall (Objects/call.c:299)", "solve (/usr/lib/libblas.so.3)"]
    for path, size in random_tree(n_nodes):
        frames = ["_start (libc.so.6)", "_run_code (<frozen runpy>:88)"] if size % 3 else []
        for label in path.split(";"):
            if rng.random() < 0.15:
                frames += rng.sample(hidden, rng.randint(1, 2))
            frames.append(label)
        # Some memory is C's alone.
        yield (hidden[2:] if size % 50 == 0 else frames), size


LIB = "/usr/lib/python3.11"
SITE = "/srv/venv/lib/python3.11/site-packages"
IMPORT = [
    "_find_and_load (<frozen importlib._bootstrap>:1176)",
    "_find_and_load_unlocked (<frozen importlib._bootstrap>:1147)",
    "_load_unlocked (<frozen importlib._bootstrap>:690)",
    "exec_module (<frozen importlib._bootstrap_external>:940)",
]
CODE = "get_code (<frozen importlib._bootstrap_external>:1073)"
CALL = "_call_with_frames_removed (<frozen importlib._bootstrap>:241)"


def importing(path, names, rng, size):
    """Each module imports the next one; the code, classes and constants of each stay in memory."""
    for name in names:
        path = path + IMPORT
        yield path + [CODE, "_compile_bytecode (<frozen importlib._bootstrap_external>:729)"], int(size * rng.uniform(0.5, 2))
        path = path + [CALL, f"<module> ({name}:{rng.randint(1, 90)})"]
        yield path, int(size * rng.uniform(0.1, 0.6))
        if rng.random() < 0.5:
            yield path + [f"namedtuple ({LIB}/collections/__init__.py:{rng.choice([418, 473, 486])})"], int(size * 0.1)
        if rng.random() < 0.4:
            yield path + [f"compile ({LIB}/re/__init__.py:227)", f"_compile ({LIB}/re/__init__.py:294)",
                          f"compile ({LIB}/re/_compiler.py:745)", f"parse ({LIB}/re/_parser.py:980)"], int(size * 0.2)


def program():
    rng = random.Random(7)
    main = ["<module> (/srv/report/serve.py:88)"]
    modules = {
        3: ["argparse.py", "gettext.py", "locale.py"],
        5: ["json/__init__.py", "json/decoder.py", "json/scanner.py"],
        6: ["asyncio/__init__.py", "asyncio/base_events.py", "ssl.py", "socket.py", "selectors.py"],
        7: ["concurrent/futures/__init__.py", "logging/__init__.py", "traceback.py"],
    }
    for line, names in modules.items():
        yield from importing([f"<module> (/srv/report/serve.py:{line})"], [f"{LIB}/{name}" for name in names], rng, 90000)
    for base in ("core", "linalg", "fft", "random", "ma", "polynomial"):
        names = [f"{SITE}/numpy/__init__.py"] + [f"{SITE}/numpy/{base}/{part}.py" for part in ("__init__", "_multiarray", "overrides")]
        yield from importing(["<module> (/srv/report/serve.py:9)"], names, rng, 160000)
        yield ["<module> (/srv/report/serve.py:9)"] + IMPORT + ["create_module (<frozen importlib._bootstrap_external>:1176)",
               "_imp_create_dynamic_impl (Python/import.c:2318)", "_dl_open (elf/dl-open.c:883)", f"PyInit__{base} (numpy/{base}.c:4121)"], rng.randint(20000, 400000)
    run = main + ["main (/srv/report/serve.py:71)"]
    load = run + ["load_orders (/srv/report/data.py:31)", f"load ({LIB}/json/__init__.py:293)"]
    yield load + ["read (<frozen codecs>:319)"], 7340032
    decode = load + [f"loads ({LIB}/json/__init__.py:346)", f"decode ({LIB}/json/decoder.py:337)", f"raw_decode ({LIB}/json/decoder.py:353)"]
    for depth, size in enumerate((4200000, 9100000, 6400000, 2300000, 800000)):
        scan = decode + ["scan_once_unicode (Modules/_json.c:1005)"]
        for _ in range(depth):
            scan = scan + ["_parse_object_unicode (Modules/_json.c:659)", "scan_once_unicode (Modules/_json.c:1023)"]
        yield scan + ["PyUnicode_DecodeUTF8Stateful (Objects/unicodeobject.c:4920)", "PyUnicode_New (Objects/unicodeobject.c:1433)"], size
        yield scan + ["PyDict_SetItem (Objects/dictobject.c:1860)", "insertdict (Objects/dictobject.c:1241)", "dictresize (Objects/dictobject.c:1430)"], size // 2
    for line, size in ((52, 9600000), (57, 4800000), (58, 2400000)):
        frame = run + [f"summarise (/srv/report/stats.py:{line})"]
        yield frame + [f"array_function_dispatch ({SITE}/numpy/core/overrides.py:180)", "PyArray_NewFromDescr_int (numpy/core/src/multiarray/ctors.c:832)",
                       "PyDataMem_UserNEW (numpy/core/src/multiarray/alloc.c:402)"], size
        yield frame + [f"percentile ({SITE}/numpy/lib/function_base.py:4205)", f"_ureduce ({SITE}/numpy/lib/function_base.py:3764)",
                       f"_quantile ({SITE}/numpy/lib/function_base.py:4699)", "PyArray_NewCopy (numpy/core/src/multiarray/convert.c:512)"], size // 3
    handlers = ["list_orders", "show_order", "search", "export_csv", "healthz"]
    serve = run + ["serve (/srv/report/serve.py:64)", f"run ({LIB}/asyncio/runners.py:190)", f"run_forever ({LIB}/asyncio/base_events.py:607)",
                   f"_run_once ({LIB}/asyncio/base_events.py:1922)", f"_run ({LIB}/asyncio/events.py:80)"]
    for i, handler in enumerate(handlers):
        path = serve + [f"dispatch (/srv/report/web.py:{40 + i})", f"{handler} (/srv/report/views.py:{20 + 31 * i})"]
        yield path + ["render (/srv/report/web.py:97)", f"dumps ({LIB}/json/__init__.py:231)", f"encode ({LIB}/json/encoder.py:200)"], 2600000 // (i + 1)
        yield path + ["query (/srv/report/data.py:77)", "<listcomp> (/srv/report/data.py:79)"], 3900000 // (i + 1)
        for j in range(14):
            yield path + ["query (/srv/report/data.py:81)", f"to_{NOUNS[j]} (/srv/report/models.py:{12 + 9 * j})"], 190000 // (i + j + 1)
        walk = path + ["links (/srv/report/web.py:120)"]
        for level in range(9):
            walk = walk + ["walk (/srv/report/web.py:133)"]
            yield walk, 60000 // (level + 1)
    yield ["[unknown]"], 420000
    yield ["_start (libc.so.6)", "_dl_relocate_object (elf/dl-reloc.c:301)"], 730000


def main():
    kind = sys.argv[1]
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    write = sys.stdout.write
    if kind == "timed":
        for event in timed(n):
            write(json.dumps(event) + "\n")
    elif kind == "deep":
        write(";".join(f"f{i % 7} (/srv/deep.py:{i % 50 + 1})" for i in range(n)) + " 4096\n")
    elif kind == "wide":
        for i in range(n):
            write(f"main (/srv/wide.py:1);leaf_{i} (/srv/wide.py:{i + 2}) 100\n")
    else:
        for path, size in random_tree(n) if kind == "random" else mixed(n) if kind == "mixed" else program():
            write(f"{path if isinstance(path, str) else ';'.join(path)} {size}\n")


main()
