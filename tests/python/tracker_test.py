"""memrec.Tracker: the contents of a block's trace, its destinations, refused uses."""
import copy
import io
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import threading
import time
import warnings

import memrec
from traces import Case, Trace


def append(n):
    numbers = []
    for i in range(n):
        numbers.append(None)
    return numbers


def growth(n):
    """The sizes of a list's array of items while it grows."""
    numbers, sizes = [], []
    empty = last = sys.getsizeof(numbers)
    for i in range(n):
        numbers.append(None)
        if sys.getsizeof(numbers) != last:
            last = sys.getsizeof(numbers)
            sizes.append(last - empty)
    return sizes


class Content(Case):
    def test_a_million_appends(self):
        with memrec.Tracker(self.out):
            append(1000000)
        # up to 512 bytes come from Python's arenas
        expected = [size for size in growth(1000000) if size > 512]
        trace = Trace(self.out)
        self.assertEqual([a["size"] for a in trace.allocs if a["allocator"] != "mmap" and a["functions"][-1] == "append"], expected)
        # the next one frees each at once, as in the tour
        text = subprocess.run("memcat %s | memtemp | memsummary --json" % self.out, shell=True, check=True,
                              stdout=subprocess.PIPE, env=memrec._places.environment()).stdout
        row, = [r for r in memrec.summary(self.out, "memtemp") if r["function"] == "append"]
        self.assertIn(b'"function":"append"', text)
        self.assertEqual((row["own_bytes"], row["allocations"]), (sum(expected), len(expected)))

    def test_with_pythons_own_allocators(self):
        with memrec.Tracker(self.out, trace_python_allocators=True):
            append(100000)
        sizes = [a["size"] for a in Trace(self.out).allocs if a["functions"][-1:] == ("append",) and a["allocator"] == "pymalloc_realloc"]
        self.assertEqual(sizes, growth(100000))

    def test_nothing_from_before_and_after(self):
        before = bytes(5000001)
        with memrec.Tracker(self.out):
            within = bytes(5000002)
            del before
        after = bytes(5000003)
        self.assertEqual([s for s in Trace(self.out).sizes() if s > 5000000], [5000035])	# bytes(n) takes n + 33
        del within, after

    def test_the_recorders_memory_is_given_however_many_sessions_there_were(self):
        for _ in range(5):
            with memrec.Tracker(self.out, overwrite=True):
                kept = bytes(5000001)
                time.sleep(0.3)		# for a sample of the resident memory
        stats = memrec.stats(self.out)
        self.assertGreater(stats["peak_rss"], len(kept))
        self.assertTrue(0 < stats["recorder_bytes"] < 20000000)

    def test_an_empty_block(self):
        with memrec.Tracker(self.out):
            pass
        trace = Trace(self.out)
        self.assertEqual(trace.allocs, [])
        self.assertEqual([e["info"]["reason"] for e in trace.of("exit")], ["detached"])

    def test_options_are_in_the_header(self):
        with memrec.Tracker(self.out, native_traces=True, trace_python_allocators=True, follow_fork=True,
                            memory_interval_ms=1, file_format=memrec.FileFormat.AGGREGATED_ALLOCATIONS):
            bytes(70000)
        trace = Trace(self.out)
        header = trace.of("header")[0]
        self.assertEqual(header["options"], {"native": True, "python_allocators": True, "follow_fork": True})
        self.assertTrue(any(f["lang"] == "native" for f in trace.of("function")))
        with open("/proc/self/cmdline") as f:
            self.assertEqual(header["command"][0], f.read().split("\0")[0])

    def test_the_hooks_are_gone_after_the_block(self):
        with memrec.Tracker(self.out, trace_python_allocators=True):
            one = bytes(70000)
        # a second block has nothing of the first one
        with memrec.Tracker(self.out, overwrite=True):
            del one
            two = bytes(80000)
        self.assertEqual([s for s in Trace(self.out).sizes() if s > 60000], [80033])
        del two


class Threads(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(0.0002)		# busy threads delay every system call of the others by this much

    def test_running_when_the_block_opens_and_closes(self):
        go, stop, done, turns = threading.Event(), threading.Event(), [], set()

        def known():			# exactly this many within the block, the others after it
            go.wait()
            for i in range(1000):
                bytes(100000)
            done.append(threading.current_thread().name)
            stop.wait()
            for i in range(1000):
                bytes(200000)

        def busy():			# all the time
            while not stop.is_set():
                within = go.is_set()
                bytes(300000)
                if within:
                    turns.add(threading.get_ident())
        threads = [threading.Thread(target=f) for f in (known, known, busy, busy)]
        for t in threads:
            t.start()
        with memrec.Tracker(self.out):
            go.set()
            while len(done) < 2 or len(turns) < 2:
                bytes(400000)
        stop.set()
        for t in threads:
            t.join()
        trace = Trace(self.out)
        self.assertEqual([a["functions"][-1] for a in trace.allocs if a["size"] == 100033], ["known"] * 2000)
        self.assertEqual(trace.count(200033), 0)
        self.assertEqual(len({a["tid"] for a in trace.allocs if a["size"] == 300033}), 2)
        self.assertEqual({a["functions"][-1] for a in trace.allocs if a["size"] == 300033}, {"busy"})
        self.assertEqual(len({a["tid"] for a in trace.allocs if a["size"] == 100033}), 2)

    def test_block_after_block_among_busy_threads(self):
        stop = threading.Event()

        def busy():
            kept = []
            while not stop.is_set():
                kept.append(bytes(1000))
                if len(kept) > 100:
                    kept.clear()
        threads = [threading.Thread(target=busy) for _ in range(2)]
        for t in threads:
            t.start()
        try:
            for i in range(6):
                with memrec.Tracker("%s.%d" % (self.out, i), trace_python_allocators=i % 2):
                    append(10000)
        finally:
            stop.set()
            for t in threads:
                t.join()
        for i in range(6):
            trace = Trace("%s.%d" % (self.out, i))
            self.assertEqual([s for s in trace.sizes("append") if s > 512 and s < 100000], [s for s in growth(10000) if s > 512])
            self.assertLessEqual({a["functions"][-1:] for a in trace.allocs if a["size"] == 1033}, {("busy",)})


class Destinations(Case):
    def test_a_file_that_exists(self):
        pathlib.Path(self.out).write_text("precious")
        with self.assertRaisesRegex(FileExistsError, "overwrite=True"):
            with memrec.Tracker(self.out):
                self.fail("not reached")
        self.assertEqual(pathlib.Path(self.out).read_text(), "precious")
        for tracker in (memrec.Tracker(self.out, overwrite=True),
                        memrec.Tracker(destination=memrec.FileDestination(self.out, overwrite=True))):
            with tracker:
                bytes(70000)
            self.assertEqual(Trace(self.out).count(70033), 1)

    def test_a_missing_folder(self):
        with self.assertRaises(FileNotFoundError):
            memrec.Tracker(os.path.join(self.folder, "no", "out.lz4")).__enter__()
        with memrec.Tracker(self.out):		# which did not leave anything behind
            pass

    def test_a_relative_path_and_bytes(self):
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            with memrec.Tracker(b"out.lz4"):
                os.chdir("/")
        finally:
            os.chdir(here)
        self.assertEqual(Trace(self.out).allocs, [])

    def test_an_open_file_and_a_descriptor(self):
        with open(self.out, "wb") as f:
            with memrec.Tracker(f):
                bytes(70000)
            self.assertFalse(f.closed)
            with memrec.Tracker(f.fileno()):
                bytes(80000)
        trace = [e for e in memrec.read(self.out) if e["event"] == "alloc" and e["size"] in (70033, 80033)]
        self.assertEqual([e["size"] for e in trace], [70033, 80033])

    def test_a_pipe(self):
        ours, theirs = os.pipe()
        events = []
        with os.fdopen(ours, "rb") as f:
            reader = threading.Thread(target=lambda: events.extend(memrec.read(f)))
            reader.start()
            with memrec.Tracker(theirs):
                append(100000)
            os.close(theirs)
            reader.join()
        self.assertEqual(events[-1]["event"], "end")

    def test_commands(self):
        with memrec.Tracker(memrec.Pipe("memtemp | memsummary > %s" % self.out)):
            append(100000)
        self.assertIn("append", pathlib.Path(self.out).read_text())
        copy = self.out + ".2"
        with memrec.Tracker(destination=["dd", "status=none", "of=" + copy]):
            append(100000)
        self.assertTrue(Trace(copy).sizes("append"))

    def test_a_command_that_fails(self):
        with self.assertRaises(FileNotFoundError):
            memrec.Tracker(["no-such-command"]).__enter__()
        with self.assertWarnsRegex(RuntimeWarning, "exited with status 3"):
            with memrec.Tracker(memrec.Pipe("cat > /dev/null; exit 3")):
                pass
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with memrec.Tracker(["true"]):	# it may stop reading, as in `memrec |`
                append(3000000)

    def test_a_full_disk(self):
        with self.assertWarnsRegex(RuntimeWarning, "/dev/full.*unrecorded"):
            with memrec.Tracker("/dev/full"):
                for i in range(30):
                    append(100000)
        with memrec.Tracker("/dev/null"):
            pass

    def test_invalid_destinations(self):
        for wrong in (io.BytesIO(), 1.5, object(), True):
            with self.assertRaisesRegex(TypeError, "a trace goes to"):
                memrec.Tracker(wrong)
        with self.assertRaisesRegex(TypeError, "Exactly one"):
            memrec.Tracker()
        with self.assertRaisesRegex(TypeError, "Exactly one"):
            memrec.Tracker(self.out, destination=self.out)
        with self.assertRaises(TypeError):
            memrec.Tracker(1, overwrite=True)
        for make, wrong in (memrec.Tracker, []), (memrec.Pipe, ()), (memrec.Pipe, ""):
            with self.assertRaisesRegex(ValueError, "no command given"):
                make(wrong)
        with open("/etc/passwd", "rb") as f:
            for wrong in f, f.fileno():
                with self.assertRaisesRegex(OSError, "not open for writing"):
                    memrec.Tracker(wrong).__enter__()
        with self.assertRaisesRegex(TypeError, "a span's name"):
            memrec.Tracker(self.out, span=b"x")
        with self.assertRaises(NotImplementedError):
            memrec.Tracker(self.out, track_object_lifetimes=True)
        with self.assertRaisesRegex(AttributeError, "memrec.Pipe"):
            memrec.SocketDestination


class Refusals(Case):
    def test_nested_and_second_use(self):
        message = "No more than one Tracker instance can be active at the same time"
        first = memrec.Tracker(self.out)
        refused = []

        def other():
            try:
                memrec.Tracker(self.out + ".3").__enter__()
            except RuntimeError as e:
                refused.append(str(e))
        with first:
            bytes(70000)
            with self.assertRaisesRegex(RuntimeError, message):
                with memrec.Tracker(self.out + ".2"):
                    self.fail("not reached")
            t = threading.Thread(target=other)
            t.start()
            t.join()
            bytes(80000)
        self.assertEqual(refused, [message])
        self.assertEqual(os.listdir(self.folder), ["out.lz4"])
        self.assertEqual([s for s in Trace(self.out).sizes() if s in (70033, 80033)], [70033, 80033])
        with self.assertRaisesRegex(RuntimeError, "used once"):
            first.__enter__()

    def test_copies(self):
        """Ending a copy would have ended the original."""
        tracker = memrec.Tracker(self.out)
        with tracker:
            for make in copy.copy, copy.deepcopy, pickle.dumps:
                with self.assertRaisesRegex(TypeError, "cannot be copied or pickled"):
                    make(tracker)
            bytes(70000)
        self.assertEqual(Trace(self.out).count(70033), 1)

    def test_no_agent(self):
        shutil.copytree(os.path.dirname(memrec.__file__), os.path.join(self.folder, "memrec"))
        p = subprocess.run([sys.executable, "-c", "import memrec; memrec.Tracker('out.lz4').__enter__()"], cwd=self.folder,
                           env={"PATH": "", "PYTHONPATH": self.folder}, stderr=subprocess.PIPE, universal_newlines=True)
        self.assertIn("FileNotFoundError: cannot find memrec's commands and agent", p.stderr)
        self.assertIn("pip install", p.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "out.lz4")))

    def test_the_reason_why_nothing_can_be_recorded(self):
        """The recorder's own message: here its file size is limited like the program's."""
        self.python("""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
memrec.Tracker(out).__enter__()
""", status=1)
        self.assertRegex(self.errors, r"RuntimeError: nothing is recorded: process .*the limit of file sizes \(ulimit -f\) is too low")
        self.assertEqual(os.listdir(self.folder), [])

    def test_importing_loads_no_agent(self):
        self.assertEqual(self.python("print('libmemrec' in open('/proc/self/maps').read())"), "False\n")
