"""memrec's pytest plugin, tested by pytester: each test runs pytest on its own tests."""
import glob
import importlib.util
import os

import pytest

import memrec

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def plugin(monkeypatch):
    monkeypatch.setenv("PYTEST_PLUGINS", "memrec.pytest_plugin")


def run(pytester, text, *options):
    pytester.makepyfile("import pytest\n" + text)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)


LIMITED = """
@pytest.mark.limit_memory("%s")
def test_it():
    for i in range(10):
        bytearray(1 << 20)		# one at a time
"""


@pytest.mark.parametrize("limit, passes", [("1 MB", False), ("1.2MB", True), ("1024 KB", False), ("1 gb", True), ("10 B", False)])
def test_the_peak_is_limited(pytester, limit, passes):
    result = run(pytester, LIMITED % limit)
    result.assert_outcomes(passed=int(passes), failed=int(not passes))


def test_a_failure_shows_by_how_much_and_where(pytester):
    result = run(pytester, LIMITED % "500KB")
    result.stdout.fnmatch_lines(["*test_a_failure* M*", "*Test was limited to 500.0KiB but allocated 1.0MiB",
                                 "*memrec-max-memory*", "List of allocations:", "*- 1.0MiB allocated here:",
                                 "*test_it:*test_a_failure_shows_by_how_much_and_where.py:6"])
    run(pytester, LIMITED % "500KB", "-v").stdout.fnmatch_lines(["*::test_it MEMORY PROBLEMS*"])


def test_stacks_and_native(pytester):
    text = LIMITED % "500KB"
    result = run(pytester, text.replace("bytearray(1 << 20)", "f()") + "def f(): bytearray(1 << 20)", "--stacks", "2")
    result.stdout.fnmatch_lines(["*allocated here:", "*f:*:7", "*test_it:*:6", "*..."])
    result = run(pytester, text, "--native", "--memrec-stacks=12")		# 3.15 has more of its own functions between
    result.stdout.fnmatch_lines(["*allocated here:", "*PyByteArray_Resize*", "*..."])


@pytest.mark.parametrize("mark", ['limit_memory("much")', "limit_memory(3)", 'limit_memory("1 MB"), pytest.mark.limit_leaks("1 MB")'])
def test_meaningless_marks_fail_their_test(pytester, mark):
    result = run(pytester, "pytestmark = [pytest.mark.%s]\ndef test_it(): pass\ndef test_other(): pass\n" % mark)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*ValueError: *"])


@pytest.mark.parametrize("mark", ["limit_memory()", 'limit_memory("1 MB", "2 MB")', 'limit_leaks("1 MB", limit="2 MB")', "limit_leaked_objects(0)",
                                  "limit_leaked_objects(filter_fn=3)"])
def test_a_mark_with_wrong_arguments_fails_its_test_alone(pytester, mark):
    result = run(pytester, "@pytest.mark.%s\ndef test_it(): assert 0, 'it ran'\ndef test_other(): pass\n" % mark)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*TypeError: limit_*"])
    result.stdout.no_fnmatch_line("*it ran*")


def test_a_limit_by_name(pytester):
    text = LIMITED.replace('"%s"', "current_thread_only=True, limit='%s'")
    run(pytester, text % "2 MB").assert_outcomes(passed=1)
    run(pytester, text % "1 MB").assert_outcomes(failed=1)


LEAKING = """
kept = []
%s
def test_it():
    for i in range(10):
        kept.append(bytearray(%d))
        bytearray(1 << 20)
"""


@pytest.mark.parametrize("size, passes", [(200000, False), (1000, True)])
def test_leaks_are_limited_for_each_stack(pytester, size, passes):
    result = run(pytester, LEAKING % ('@pytest.mark.limit_leaks("1 MB")', size), "--stacks=12")
    result.assert_outcomes(passed=int(passes), failed=int(not passes))
    if not passes:
        result.stdout.fnmatch_lines(["*Test was allowed to leak 1.0MiB per location but at least one location leaked more",
                                     "*memrec-leaked-memory*", "*- 1.9MiB allocated here:", "*test_it:*:7"])


def test_known_leaks(pytester):
    text = LEAKING % ('''
def unknown(stack):
    assert all(isinstance(f.function, str) and isinstance(f.filename, str) and isinstance(f.lineno, int) for f in stack.frames)
    return not any(f.function.endswith("test_it") for f in stack.frames)
@pytest.mark.limit_leaks("1 MB", filter_fn=unknown)''', 200000)
    run(pytester, text).assert_outcomes(passed=1)


LEAVING = """
class Request:
    def __init__(self): self.body = []
class Answer:
    def __repr__(self): raise ValueError
kept, before = [], [Request() for i in range(50)]
%s
def test_it():
    for i in range(100):
        Request().me = Request()
        cycle = Request()
        cycle.me = cycle
    for i in range(%d):
        kept.append(Request())
        kept.append(Answer())
"""


def test_objects_that_a_test_leaves_are_limited(pytester):
    run(pytester, LEAVING % ("@pytest.mark.limit_leaked_objects()", 0)).assert_outcomes(passed=1)
    result = run(pytester, LEAVING % ("@pytest.mark.limit_leaked_objects(filter_fn=lambda o: not isinstance(o, (dict, str, int)))", 3), "--strict-markers")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*test_objects_that_a_test_leaves* M*", "Test leaked 9 objects", "*memrec-leaked-objects*", "List of leaked objects:",
                                 "    Object types that leaked (total: 9 objects):"])
    for line in ["        - 3 Request instance(s)", "        - 3 Answer instance(s)", "        - 3 list instance(s)",
                 "        - Answer: <repr failed>, allocated here:", "        - Request: <*.Request object at 0x*>, allocated here:",
                 "            test_it:*test_objects_that_a_test_leaves_are_limited.py:15"]:
        result.stdout.fnmatch_lines([line])


def test_objects_that_are_known_to_stay(pytester):
    text = LEAVING % ("@pytest.mark.limit_leaked_objects(filter_fn=lambda o: isinstance(o, %s))", 3)
    run(pytester, text % "float").assert_outcomes(passed=1)
    run(pytester, text % "Answer").stdout.fnmatch_lines(["Test leaked 3 objects"])
    result = run(pytester, text % "nix" + "def test_other(): pass\n")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*NameError: *nix*"])


def test_objects_where_there_can_be_no_census_fail_their_test(pytester):
    pytester.makeconftest("""
import pytest, memrec._objects
memrec._objects.Watch.end = lambda watch: None		# as if the process could not be copied
""")
    result = run(pytester, LEAVING % ("@pytest.mark.limit_leaked_objects()", 0) + "def test_other(): pass\n")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*TraceError: *has no census*"])


def test_a_test_that_fails_does_so_whatever_it_leaves(pytester):
    result = run(pytester, LEAVING % ("@pytest.mark.limit_leaked_objects()", 3) + "    assert 1 == 2\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2"])
    result.stdout.no_fnmatch_line("*Test leaked*")


def test_a_filter_that_raises_fails_its_test_alone(pytester):
    text = LEAKING % ('@pytest.mark.limit_leaks("1 MB", filter_fn=lambda stack: stack.nix)', 200000)
    result = run(pytester, text + "def test_other(): pass\n")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*AttributeError: *nix*"])


@pytest.mark.parametrize("options", [[], ["--memrec"]])
def test_a_trace_that_cannot_be_read_fails_its_test_alone(pytester, options):
    """As with a full disk."""
    pytester.makeconftest("import memrec._limits, io\ndef nothing(*a, **k): raise memrec.TraceError('empty: no trace')\n"
                          "memrec._limits.reading.read = memrec._limits.reading.stats = nothing\n")
    result = run(pytester, LIMITED % "2 MB" + "def test_other(): pass\n", *options)
    result.assert_outcomes(failed=2 if options else 1, passed=0 if options else 1)
    result.stdout.fnmatch_lines(["*TraceError: empty: no trace*"])


THREADS = """
import threading
kept = []
def eat(): kept.append(bytearray(3 << 20))
@pytest.mark.%s("2 MB", current_thread_only=%s)
def test_it():
    t = threading.Thread(target=eat)
    t.start()
    t.join()
"""


@pytest.mark.parametrize("mark", ["limit_memory", "limit_leaks"])
@pytest.mark.parametrize("only", [True, False])
def test_the_current_thread_only(pytester, mark, only):
    run(pytester, THREADS % (mark, only)).assert_outcomes(passed=int(only), failed=int(not only))


def test_the_plugin_works_when_a_test_replaces_functions(pytester):
    text = LIMITED.replace("test_it()", "test_it(monkeypatch)") % "500 KB" + """
    import builtins, os, subprocess
    for name in "getpid", "fstat", "access":
        monkeypatch.setattr(os, name, lambda *arguments: 1)
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(builtins, "open", None)
    monkeypatch.setenv("PATH", "")
@pytest.mark.limit_memory("1 MB")
def test_other(): pass
"""
    result = run(pytester, text)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*Test was limited to 500.0KiB*"])


def test_a_test_that_fails_by_itself_keeps_its_own_message(pytester):
    result = run(pytester, LIMITED % "1 KB" + "    assert 1 == 2\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2"])
    result.stdout.no_fnmatch_line("*Test was limited*")


MANY = """
@pytest.mark.parametrize("n", range(1, 9))
def test_it(n):
    kept = bytearray(n << 20)
def test_fails():
    kept = bytearray(20 << 20)
    assert 0
"""
TOP = ["*MEMREC REPORT*", "*test_fails at the high watermark", "*Total memory allocated: 20.0MiB", "*Total allocations: *",
       "*Biggest allocating functions:", "*- test_fails:*.py:7 -> 20.0MiB", "*test_it[[]8] at the high watermark", "*memory allocated: 8.0MiB"]


@pytest.mark.parametrize("xdist", [[], ["-n", "2"]])
def test_the_report_has_the_top_tests(pytester, xdist):
    result = run(pytester, MANY, "--memrec", *xdist)
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines(TOP)
    assert str(result.stdout).count("at the high watermark") == 5
    result = run(pytester, MANY, "--memrec", "--most-allocations=2", *xdist)
    assert str(result.stdout).count("at the high watermark") == 2
    result = run(pytester, MANY, "--memrec", "--memrec-most-allocations=0", *xdist)
    assert str(result.stdout).count("at the high watermark") == 9
    for options in ["--memrec", "--hide-memrec-summary"], []:
        run(pytester, MANY, *options, *xdist).stdout.no_fnmatch_line("*MEMREC REPORT*")


@pytest.mark.parametrize("xdist", [[], ["-n", "2"]])
def test_limits_with_xdist(pytester, xdist):
    text = LIMITED % "500KB" + LEAKING.replace("test_it", "test_leaks") % ('@pytest.mark.limit_leaks("1 MB")', 200000) + "def test_well(): pass\n"
    result = run(pytester, text, *xdist)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines_random(["*Test was limited to 500.0KiB*", "*Test was allowed to leak 1.0MiB*"])


@pytest.mark.parametrize("xdist", [[], ["-n", "2"]])
def test_traces_are_kept_where_asked(pytester, xdist):
    folder = str(pytester.path / "traces")
    run(pytester, MANY, "--memrec", "--memrec-bin-path", folder, "--memrec-bin-prefix=p", *xdist).stdout.fnmatch_lines(["9 traces in *traces with prefix p"])
    traces = glob.glob(folder + "/p-*.lz4")
    assert len(traces) == 9
    trace, = [t for t in traces if "[3]" in t]
    assert any(e.get("size") == (3 << 20) + 1 for e in memrec.read(trace))
    # a second run with the same prefix replaces them; a new prefix does not
    run(pytester, MANY, "--memrec", "--memrec-bin-path", folder, "--memrec-bin-prefix=p", *xdist).assert_outcomes(passed=8, failed=1)
    run(pytester, MANY, "--memrec", "--memrec-bin-path", folder, *xdist)
    assert len(os.listdir(folder)) == 18
    assert len({name[:32] for name in os.listdir(folder) if not name.startswith("p-")}) == 1


def test_nothing_is_left_in_the_folder_of_temporary_files(pytester, monkeypatch):
    folder = pytester.mkdir("tmp")
    monkeypatch.setenv("TMPDIR", str(folder))
    run(pytester, LIMITED % "1 KB" + MANY, "--memrec", "-n", "2")
    assert glob.glob(str(folder / "pytest-memrec-*")) == []


def test_settings_in_a_file(pytester):
    pytester.makeini("[pytest]\nmemrec = true\nmemrec_most_allocations = 1\nmemrec_stacks = 2\n")
    result = run(pytester, MANY)
    assert str(result.stdout).count("at the high watermark") == 1


def test_an_increase_fails(pytester):
    for size, outcome in (20, "passed"), (10, "passed"), (15, "failed"), (10, "passed"):
        pytester.makepyfile(test_it="import pytest\n@pytest.mark.limit_memory('100 MB')\ndef test_it(): x = bytearray(%d << 20)\n" % size)
        result = pytester.runpytest_subprocess("--fail-on-increase")
        result.assert_outcomes(**{outcome: 1})
        if outcome == "failed":
            result.stdout.fnmatch_lines(["Test previously used 10.0MiB but now uses 15.0MiB"])


def test_an_increase_since_a_run_without_the_option(pytester):
    for size, options, outcome in (10, [], "passed"), (15, ["--fail-on-increase"], "failed"), (15, [], "passed"), (15, ["--fail-on-increase"], "passed"):
        pytester.makepyfile(test_it="import pytest\n@pytest.mark.limit_memory('100 MB')\ndef test_it(): x = bytearray(%d << 20)\n" % size)
        pytester.runpytest_subprocess(*options).assert_outcomes(**{outcome: 1})


def test_asynchronous_tests(pytester):
    pytester.makeconftest("""
import asyncio, inspect, pytest
@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):		# like pytest-asyncio and anyio
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        asyncio.run(pyfuncitem.obj())
        return True
""")
    text = LIMITED.replace("def test_it", "async def test_it").replace("bytearray(1 << 20)", "bytearray(1 << 20); await asyncio.sleep(0)")
    run(pytester, "import asyncio\n" + text % "500 KB").assert_outcomes(failed=1)
    run(pytester, "import asyncio\n" + text % "2 MB").assert_outcomes(passed=1)


def test_under_memrec_tests_are_spans(pytester):
    pytester.makepyfile("import pytest\n" + LIMITED % "500 KB")
    out = str(pytester.path / "t.lz4")
    import sys
    result = pytester.run(memrec._places.command("memrec"), "-o", out, "--", sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, warnings=1)
    name = "test_under_memrec_tests_are_spans.py::test_it"
    sizes = [e["size"] for e in memrec.read(out, [["memslice", "--span", name]]) if e["event"] == "alloc"]
    assert sizes.count((1 << 20) + 1) == 10


def test_pytest_memray_keeps_its_markers_unless_memrec_is_requested(pytester):
    """memray's plugin is imitated: a manager of the same name, options of the same names."""
    pytester.makepyfile(pytest_memray="")
    pytester.makeconftest("""
class Theirs:
    def pytest_pyfunc_call(self, pyfuncitem): print("recorded by memray")
def pytest_addoption(parser):
    for name in "memray", "native", "trace-python-allocators", "fail-on-increase":
        parser.addoption("--" + name, action="store_true", default=False)
    parser.addoption("--stacks", type=int)
    parser.addoption("--most-allocations", type=int)
def pytest_configure(config):
    config.pluginmanager.register(Theirs(), "memray_manager")
""")
    result = run(pytester, LIMITED % "500 KB", "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*recorded by memray*"])
    result = run(pytester, LIMITED % "500 KB", "-s", "--memrec")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*recorded by memray*")
    assert run(pytester, LIMITED % "500 KB", "--memrec", "--memray").ret == pytest.ExitCode.USAGE_ERROR


# ---------------------------------------------------------------- comparing sessions

SIZED = """
def test_same(): bytearray(3 << 20)
def test_grows(): bytearray(%d << 20)
def test_%s(): pass
"""


def compared(pytester, *options):
    """Runs two sessions, the second with the options."""
    run(pytester, SIZED % (1, "old"), "--memrec-json=base.json").assert_outcomes(passed=3)
    return run(pytester, SIZED % (2, "new"), "--memrec-compare=base.json", *options)


def test_a_session_is_compared_with_an_earlier_one(pytester):
    result = compared(pytester)
    result.assert_outcomes(passed=3)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*MEMREC COMPARISON with base.json*", "*::test_grows: peak 1.0MiB -> 2.0MiB (+*%)",
                                 "1 tests within 1 %, 1 changed, 1 new, 1 not run"])
    result.stdout.no_fnmatch_line("*over the limit*")


@pytest.mark.parametrize("limit, fails", [("peak > +5%", True), ("peak > +2MB", False), ("peak > +512 KB", True), ("peak > 2.5MB", True),
                                          ("peak > +200%", False), ("allocations > +1000", False), ("allocations > 1000", False)])
def test_growth_over_a_limit_fails_the_session(pytester, limit, fails):
    result = compared(pytester, "--memrec-fail-if", limit)
    result.assert_outcomes(passed=3)
    assert result.ret == int(fails)
    if fails:
        result.stdout.fnmatch_lines(["over the limit '%s': *::test_*: 1.0MiB -> 2.0MiB (+*" % limit if "+" in limit else
                                     "over the limit '%s': *::test_same: 3.0MiB -> 3.0MiB (+*" % limit])


@pytest.mark.parametrize("options, why", [(["--memrec-compare=absent.json"], "absent.json"), (["--memrec-compare=other.json"], "other.json was not written by"),
                                          (["--memrec-compare=bad.json"], "bad.json is not JSON"), (["--memrec-fail-if=peak > 1"], "needs --memrec-compare"),
                                          (["--memrec-compare=base.json", "--memrec-fail-if=peak > 5%"], "'peak > 5%' is not a limit")])
def test_what_cannot_be_compared_is_a_usage_error(pytester, options, why):
    pytester.path.joinpath("other.json").write_text("{}")
    pytester.path.joinpath("bad.json").write_text("{")
    pytester.path.joinpath("base.json").write_text('{"format": "memrec-pytest", "version": 1, "tests": {}}')
    result = run(pytester, SIZED % (1, "old"), *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert why in "".join(result.errlines + result.outlines)


def test_the_workers_of_xdist_are_compared(pytester):
    pytest.importorskip("xdist")
    run(pytester, SIZED % (1, "old"), "--memrec-json=base.json", "-p", "xdist", "-n2").assert_outcomes(passed=3)
    result = run(pytester, SIZED % (2, "new"), "--memrec-compare=base.json", "--memrec-fail-if=peak > +5%", "-p", "xdist", "-n2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["over the limit 'peak > +5%': *::test_grows: 1.0MiB -> 2.0MiB (+*"])


# ---------------------------------------------------------------- pytest-memray's spelling, where it is not installed


def test_memrays_options_and_configuration(pytester):
    if importlib.util.find_spec("pytest_memray"):
        pytest.skip("pytest-memray is installed")
    text = SIZED % (1, "old")
    result = run(pytester, text, "--memray", "--memray-bin-path=traces", "--memray-bin-prefix=mine")
    result.stdout.fnmatch_lines(["*MEMREC REPORT*", "*3 traces in *traces with prefix mine"])
    run(pytester, text, "--memray", "--hide-memray-summary").stdout.no_fnmatch_line("*MEMREC REPORT*")
    pytester.makeini("[pytest]\nmemray = true\nmost_allocations = 1\nstacks = 2\nverbosity_memray = 1\nfail-on-increase = false\n")
    result = run(pytester, text, "--strict-config")
    result.stdout.fnmatch_lines(["Allocation results for *::test_same *"])
    result.stdout.no_fnmatch_line("Allocation results for *::test_grows *")
    pytester.makeini("[pytest]\nmemray = false\n")
    run(pytester, text, "--strict-config").stdout.no_fnmatch_line("*MEMREC REPORT*")
