"""pytest: memory limits as markers, and a report of the tests that hold most memory.

    @pytest.mark.limit_memory("24 MB")		fails if the test's peak reaches the limit
    @pytest.mark.limit_leaks("1 MB")		fails if one stack leaks that much
    @pytest.mark.limit_leaked_objects()		fails if objects that the test made are alive after it
    pytest --memrec				reports the tests with the highest peaks at the end
    pytest --memrec-compare BASE.json		compares them with an earlier session's, kept by --memrec-json

Options, configuration and markers are pytest-memray's. If that is installed too, it
handles the markers, unless --memrec is given.
"""
import contextlib
import functools
import importlib.util
import inspect
import os
import shutil
import tempfile
import threading
import uuid
from os.path import exists

import pytest

from . import _compare, _limits, _objects
from ._limits import Stack, StackFrame
from .tracker import Tracker

__all__ = ["Stack", "StackFrame"]

# Our options. They also have a short name, unless pytest-memray, which uses the same, is installed.
_SHARED = (
    ("most-allocations", dict(type=int, default=None, metavar="N", help="show the N tests that hold most memory (0: all; default 5)")),
    ("stacks", dict(type=int, default=None, metavar="N", help="show N frames of each stack (default 1)")),
    ("native", dict(action="store_true", default=None, help="record C functions too")),
    ("trace-python-allocators", dict(action="store_true", default=None, help="record every call to Python's own allocators")),
    ("fail-on-increase", dict(action="store_true", default=None,
                              help="fail a test with limit_memory if its peak is higher than in its last successful run")),
)


# The keys of pytest-memray's configuration, and ours for the same; they count where pytest-memray is not installed.
_MEMRAY_KEYS = {"memray": "memrec", "hide_memray_summary": "hide_memrec_summary", "most_allocations": "memrec_most_allocations",
                "stacks": "memrec_stacks", "native": "memrec_native", "trace_python_allocators": "memrec_trace_python_allocators",
                "fail-on-increase": "memrec_fail_on_increase", "verbosity_memray": None}


def _ini_name(name):
    return "memrec_" + name.replace("-", "_")


def _is_alone():
    return importlib.util.find_spec("pytest_memray") is None


def pytest_addoption(parser):
    group = parser.getgroup("memrec", "memory by memrec")
    alone = _is_alone()

    def add(name, memray, **more):
        group.addoption(name, *([memray] if alone and memray else []), default=None, **more)
    add("--memrec", "--memray", action="store_true", help="record each test's allocations, and report at the end")
    add("--memrec-bin-path", "--memray-bin-path", metavar="FOLDER", help="keep the tests' traces in FOLDER")
    add("--memrec-bin-prefix", "--memray-bin-prefix", metavar="PREFIX", help="prefix of the traces' names (default: a new one each time)")
    add("--hide-memrec-summary", "--hide-memray-summary", action="store_true", help="print no report at the end")
    add("--memrec-json", None, metavar="FILE", help="write each test's figures to FILE, for --memrec-compare")
    add("--memrec-compare", None, metavar="FILE", help="report what changed since the session that wrote FILE")
    add("--memrec-fail-if", None, action="append", metavar="LIMIT",
        help="with --memrec-compare: fail if a test is over it: 'peak > +5%%', 'peak > +1MB', 'allocations > 1000'; may be repeated")
    for name, more in _SHARED:
        names = ["--memrec-" + name] + (["--" + name] if alone else [])
        group.addoption(*names, dest=_ini_name(name), **more)
    parser.addini("memrec", "same as --memrec", type="bool", default=False)
    parser.addini("hide_memrec_summary", "same as --hide-memrec-summary", type="bool", default=False)
    for name, more in _SHARED:
        parser.addini(_ini_name(name), more["help"], **(dict(type="bool", default=False) if "action" in more else {}))
    for name, ours in _MEMRAY_KEYS.items() if alone else ():
        parser.addini(name, "pytest-memray's name of %s" % ours if ours else "pytest-memray's; has no effect")


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    settings = Settings(config)
    memray = config.pluginmanager.get_plugin("memray_manager")
    if memray is not None:
        if not settings.active:
            return
        if config.getoption("memray", False):
            raise pytest.UsageError("--memray and --memrec: only one of them can record a test")
        config.pluginmanager.unregister(memray)
    else:
        config.addinivalue_line("markers", "limit_memory(limit, current_thread_only=False): fail if the test's peak memory reaches the limit")
        config.addinivalue_line("markers", "limit_leaks(location_limit, filter_fn=None, current_thread_only=False): "
                                           "fail if one stack leaks that much")
        config.addinivalue_line("markers", "limit_leaked_objects(filter_fn=None): "
                                           "fail if objects that the test made are still alive after it")
    config.pluginmanager.register(Recorder(config, settings), "memrec_recorder")


class Settings:
    def __init__(self, config):
        self._config = config
        self._memray_keys = {ours: name for name, ours in _MEMRAY_KEYS.items() if ours} if _is_alone() else {}
        self.json = config.getoption("memrec_json")
        self.compared = config.getoption("memrec_compare")
        self.active = bool(self._value("memrec", "memrec") or self.json or self.compared)
        self.hidden = bool(self._value("hide_memrec_summary", "hide_memrec_summary"))
        self.stacks = max(1, int(self._shared("stacks") or 1))
        most = self._shared("most-allocations")
        self.most = 5 if most in (None, "") else int(most)
        self.native = bool(self._shared("native"))
        self.python_allocators = bool(self._shared("trace-python-allocators"))
        self.fail_on_increase = bool(self._shared("fail-on-increase"))
        self.folder = config.getoption("memrec_bin_path")
        if self.folder:
            self.folder = os.path.abspath(self.folder)
            os.makedirs(self.folder, exist_ok=True)
        worker = getattr(config, "workerinput", {})
        self.prefix = worker.get("memrec_prefix") or config.getoption("memrec_bin_prefix") or uuid.uuid4().hex
        self.test = None

    def _value(self, option, ini):
        value = self._config.getoption(option)
        if value is not None:
            return value
        value = self._config.getini(ini)
        if value or ini not in self._memray_keys:
            return value
        value = self._config.getini(self._memray_keys[ini]) or ""		# a text, whatever its type
        if isinstance(value, str) and value.strip().lower() in ("false", "no", "off", "0") and "most" not in ini:
            return ""
        return value

    def _shared(self, name):
        return self._value(_ini_name(name), _ini_name(name))

    def previous_peak(self, size):
        """Returns the peak of the test's last run, and stores `size`, unless it is an increase and increases fail."""
        cache, key = getattr(self._config, "cache", None), "memrec/" + self.test
        if cache is None:
            return None
        previous = cache.get(key, None)
        if previous is None or size <= previous or not self.fail_on_increase:
            cache.set(key, size)
        return previous


class Recorder:
    """Records and judges tests (with xdist: in the workers), and reports at the end (in the controller)."""

    def __init__(self, config, settings):
        self._settings = settings
        self._folder = None
        self._recordings = {}		# by a test's id
        self._results = {}
        self._before, self._limits = self._read_base(config)
        self._comparison = None

    def _read_base(self, config):
        """Returns the figures to compare with, None: none, and the limits."""
        limits = config.getoption("memrec_fail_if") or []
        if not self._settings.compared:
            if limits:
                raise pytest.UsageError("--memrec-fail-if needs --memrec-compare")
            return None, []
        try:
            return _compare.load(self._settings.compared), [_compare.Limit(text) for text in limits]
        except (OSError, ValueError) as e:
            raise pytest.UsageError("memrec: %s" % e) from None

    # ---- recording ----

    def _path(self, test_id):
        if self._settings.folder:
            return os.path.join(self._settings.folder, _limits.file_name(self._settings.prefix, test_id))
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="pytest-memrec-")
        return os.path.join(self._folder, uuid.uuid4().hex + ".lz4")

    @contextlib.contextmanager
    def _recorded(self, item, marker):
        if marker is not None:		# an invalid one fails the test before it runs
            _limits.check(marker)
        name = marker.name if marker is not None else None
        everything, objects = name == "limit_leaks", name == "limit_leaked_objects"
        path = self._path(item.nodeid)
        tracker = Tracker(path, overwrite=True, span=item.nodeid, native_traces=everything or self._settings.native,
                          trace_python_allocators=everything or objects or self._settings.python_allocators)
        recorded = _limits.Recorded(path, threading.get_native_id())
        try:
            with tracker:
                watch = _objects.Watch() if objects and tracker.span is None else _objects.NoWatch()
                yield watch
            if objects and tracker.span is None:
                recorded.survivors = watch.survivors(path)
        finally:			# a failed test was recorded, too
            if tracker.span is None and exists(path):
                self._recordings[item.nodeid] = recorded

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        markers = [m for m in pyfuncitem.iter_markers() if m.name in _limits.JUDGES]
        names = {m.name for m in markers}
        if not markers and not self._settings.active:
            yield
            return
        function = pyfuncitem.obj

        def begin():
            pyfuncitem.obj = function		# in case the hook is called again (flaky)
            if len(names) > 1:
                raise ValueError("Only one memrec marker can be applied to each test")
            return self._recorded(pyfuncitem, markers[0] if markers else None)

        @functools.wraps(function)
        def test(*args, **kwargs):
            with begin() as watch:
                watch.begin()
                try:
                    return function(*args, **kwargs)
                finally:
                    watch.end()

        @functools.wraps(function)
        async def async_test(*args, **kwargs):
            with begin() as watch:
                watch.begin()
                try:
                    return await function(*args, **kwargs)
                finally:
                    watch.end()
        pyfuncitem.obj = async_test if inspect.iscoroutinefunction(function) else test
        yield

    # ---- judging ----

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        if call.when != "call" or item.nodeid not in self._recordings:
            return
        report = outcome.get_result()
        recorded = self._recordings.pop(item.nodeid)
        self._settings.test = item.nodeid
        try:
            if report.outcome == "passed":
                self._judge(item, report, recorded)
            if self._settings.active:
                report.memrec = _limits.figures(recorded.trace)
        except Exception:		# from a filter_fn, or an unreadable trace: the session continues
            report.outcome = "failed"
            report.longrepr = item.repr_failure(pytest.ExceptionInfo.from_current())
        finally:
            if not self._settings.folder:
                os.unlink(recorded.trace)

    def _judge(self, item, report, recorded):
        for marker in item.iter_markers():
            judge = _limits.JUDGES.get(marker.name)
            verdict = judge and judge(recorded, self._settings, *marker.args, **marker.kwargs)
            if verdict:
                report.outcome = "failed"
                report.longrepr = verdict.line
                report.sections.append(verdict.section)
                return

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_report_teststatus(self, report):
        outcome = yield
        if report.when == "call" and report.outcome == "failed" and any(title.startswith("memrec-") for title, _ in report.sections):
            outcome.force_result(("failed", "M", "MEMORY PROBLEMS"))

    # ---- reporting ----

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and hasattr(report, "memrec"):
            self._results[report.nodeid] = report.memrec

    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workerinput"):
            return
        if self._settings.json:
            _compare.write(self._settings.json, self._results)
        if self._before is not None:
            self._comparison = _compare.Comparison(self._before, self._results, self._limits)
            if self._comparison.exceeded and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        self._report_peaks(terminalreporter)
        if self._comparison:
            terminalreporter.write_sep("=", "MEMREC COMPARISON with %s" % self._settings.compared)
            for line in self._comparison.lines(self._settings.most):
                terminalreporter.write_line(line)

    def _report_peaks(self, terminalreporter):
        if not self._settings.active or self._settings.hidden:
            return
        write = terminalreporter.write_line
        write("")
        terminalreporter.write_sep("=", "MEMREC REPORT")
        found = sorted(self._results.items(), key=lambda item: item[1]["peak"], reverse=True)
        for test_id, result in found[:self._settings.most or None]:
            write("Allocation results for %s at the high watermark" % test_id)
            write("")
            write("\t Total memory allocated: %s" % _limits.size_text(result["peak"]))
            write("\t Total allocations: %d" % result["allocations"])
            write("\t Biggest allocating functions:")
            for function, file, line, size in result["top"]:
                write("\t\t- %s:%s:%s -> %s" % (function, file, line, _limits.size_text(size)))
            write("")
        if self._settings.folder:
            write("%d traces in %s with prefix %s" % (len(self._results), self._settings.folder, self._settings.prefix))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        """xdist: the traces of all workers have the same prefix."""
        node.workerinput["memrec_prefix"] = self._settings.prefix

    def pytest_unconfigure(self):
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
