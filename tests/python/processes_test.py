"""memrec.Tracker and processes: ways to end a block, forks, waiting for children, leftovers."""
import os
import pathlib
import signal
import subprocess
import sys
import time

import memrec
from traces import Case, Trace, wait_whole

BLOCKS = int(os.environ.get("MEMREC_TEST_BLOCKS", "40"))


class Ends(Case):
    """However the block or the process ends, the trace is whole."""

    def ends(self, code, status, **more):
        self.python("with memrec.Tracker(out):\n x = bytes(3000000)\n %s\n" % code, status=status, **more)
        trace = wait_whole(self.out)
        self.assertEqual(trace.count(3000033), 1)
        self.assertEqual(len(trace.of("exit")), 1)
        return trace

    def test_an_exception(self):
        self.ends("raise ValueError('mine')", 1)
        self.assertIn("ValueError: mine", self.errors)

    def test_sys_exit(self):
        self.ends("sys.exit(3)", 3)

    def test_keyboard_interrupt(self):
        self.ends("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT)
        self.assertIn("KeyboardInterrupt", self.errors)

    def test_a_handled_signal(self):
        self.ends("signal.signal(signal.SIGTERM, lambda *a: sys.exit(7)); os.kill(os.getpid(), signal.SIGTERM)", 7)

    def test_sigterm(self):
        self.ends("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM)

    def test_sigkill(self):
        self.ends("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL)

    def test_abort(self):
        self.ends("import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()", -signal.SIGABRT)

    def test_os_exit(self):
        self.ends("os._exit(5)", 5)

    def test_exec(self):
        self.ends("os.execv('/bin/sh', ['sh', '-c', 'sleep 1; exit 6'])", 6)

    def test_ctrl_c_does_not_reach_the_collector(self):
        trace = self.ends("""
 signal.signal(signal.SIGINT, lambda *a: None)
 os.killpg(0, signal.SIGINT)
 y = bytes(4000000)""", 0, start_new_session=True)
        self.assertEqual(trace.count(4000033), 1)

    def test_a_program_that_closes_all_descriptors(self):
        trace = self.ends("os.closerange(3, 4096); f = [os.open('/dev/null', 0) for i in range(300)]; y = bytes(4000000)", 0)
        self.assertEqual(trace.count(4000033), 1)

    def test_no_exit_at_all(self):
        self.python("t = memrec.Tracker(out)\nt.__enter__()\nx = bytes(3000000)")
        self.assertEqual(Trace(self.out).count(3000033), 1)


FORK = """
warnings = __import__('warnings'); warnings.simplefilter('ignore')
before = bytes(2000000)
with memrec.Tracker(out, follow_fork=%s):
    pid = os.fork()
    if pid == 0:
        child = bytes(3000000)
        del before
        %s
    parent = [bytes(4000000)]
    assert os.waitpid(pid, 0) == (pid, 0)
    parent.append(bytes(5000000))
"""


class Forks(Case):
    def test_not_followed(self):
        for end in ("sys.exit()", "os._exit(0)"):
            self.python(FORK % (False, end))
            trace = Trace(self.out)
            self.assertEqual([s for s in trace.sizes() if s > 1000000], [4000033, 5000033])
            self.assertEqual(len(trace.of("exit")), 1)
            os.unlink(self.out)

    def test_followed(self):
        self.python(FORK % (True, "sys.exit()"))
        trace = Trace(self.out)
        self.assertEqual(sorted(s for s in trace.sizes() if s > 1000000), [3000033, 4000033, 5000033])
        self.assertEqual(len(trace.of("exit")), 2)
        self.assertEqual(len({a["pid"] for a in trace.allocs if a["size"] > 1000000}), 2)

    def test_a_pool_is_followed(self):
        program = os.path.join(self.folder, "pool.py")
        pathlib.Path(program).write_text("""
import memrec, multiprocessing, sys
def work(n): return len(bytes(1000000 + n))
if __name__ == "__main__":
    with memrec.Tracker(sys.argv[1], follow_fork=True):
        for method in "fork", "spawn":
            with multiprocessing.get_context(method).Pool(2) as pool:
                pool.map(work, range(1, 5))
                pool.close()
                pool.join()
""")
        subprocess.run([sys.executable, program, self.out], check=True)
        self.assertEqual(sorted(s for s in Trace(self.out).sizes() if 1000033 < s < 1000043),
                         sorted(2 * [1000034, 1000035, 1000036, 1000037]))

    def test_a_child_that_outlives_the_block(self):
        self.python("""
(ready, there), (wait, go) = os.pipe(), os.pipe()
with memrec.Tracker(out, follow_fork=True):
    if os.fork() == 0:
        kept = [bytes(1000 + i % 7) for i in range(30000)]
        os.write(there, b'.')
        os.close(go)
        os.read(wait, 1)
        more = bytes(9000)
        os._exit(0)
    assert os.read(ready, 1) == b'.'
os.write(go, b'!')
assert os.wait()[1] == 0
""")
        trace = Trace(self.out)
        self.assertEqual(len([s for s in trace.sizes() if 1033 <= s <= 1039]), 30000)
        self.assertEqual([e["info"].get("reason") for e in trace.of("exit")], ["detached", "detached"])

    def test_a_block_in_a_child(self):
        """Not followed, a child has its own trace; followed, its block is a span of the parent's trace."""
        code = """
with memrec.Tracker(out, follow_fork=%s):
    if os.fork() == 0:
        with memrec.Tracker(out + ".child") as t:
            y = bytes(3000000)
        print(t.span)
        sys.stdout.flush()
        os._exit(0)
    assert os.wait()[1] == 0
"""
        self.assertEqual(self.python(code % False), "None\n")
        self.assertEqual(Trace(self.out + ".child").count(3000033), 1)
        self.assertEqual(Trace(self.out).count(3000033), 0)
        os.unlink(self.out)
        os.unlink(self.out + ".child")
        self.assertEqual(self.python(code % True), self.out + ".child\n")
        self.assertFalse(os.path.exists(self.out + ".child"))
        spans = Trace(self.out).spans()
        self.assertEqual([s["begins"] for s in spans], [True, False])


# Counts this process's children (reaped or not), descriptors, mappings.
COUNT = """
import gc, resource
def count():
    gc.collect()
    children = open('/proc/self/task/%d/children' % os.getpid()).read().split()
    return len(os.listdir('/proc/self/fd')), len(open('/proc/self/maps').readlines()), len(children)
signals = []
signal.signal(signal.SIGCHLD, lambda *a: signals.append(a))
"""


class Leftovers(Case):
    def test_block_after_block(self):
        """Descriptors, mappings, processes."""
        printed = self.python(COUNT + """
import time
n = %d
def block(i):
    with memrec.Tracker(out, overwrite=True, trace_python_allocators=i %% 2 == 0, native_traces=i %% 3 == 0):
        bytes(70000 + i)
for i in range(6): block(i)
before, start = count(), time.monotonic()
for i in range(n): block(i)
seconds, after = time.monotonic() - start, count()
print(n, "blocks,", *before, "before", *after, "after (descriptors, mappings, children); %%.1f ms each" %% (seconds * 1000 / n))
assert after[0] == before[0] and after[2] == before[2] == 0 and after[1] <= before[1] + 2, (before, after)
assert not signals
""" % BLOCKS)
        self.assertEqual(Trace(self.out).count(70033 + BLOCKS - 1), 1)
        if "MEMREC_TEST_FIGURES" in os.environ:
            with open(os.environ["MEMREC_TEST_FIGURES"], "a") as f:
                f.write("%d.%d.%d: %s" % (sys.version_info[:3] + (printed,)))

    def test_the_collector_is_not_a_child_of_the_program(self):
        self.python(COUNT + """
import warnings
warnings.simplefilter("ignore")
with memrec.Tracker(out):
    try: os.wait()
    except ChildProcessError: pass
    else: sys.exit(1)
    assert count()[2] == 0
    child = os.fork()
    if child == 0: os._exit(9)
    assert os.wait() == (child, 9 << 8)
assert len(signals) == 1, signals
""")

    def test_a_process_that_inherits_orphans(self):
        """The init of a container, or a subreaper, waits for the collector itself."""
        self.python(COUNT + """
import ctypes
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0	# PR_SET_CHILD_SUBREAPER
for i in range(3):
    with memrec.Tracker(out, overwrite=True):
        assert count()[2] == 1
    assert count()[2] == 0
""")

    def test_few_descriptors(self):
        """A block needs some descriptors; with too few it raises OSError, and closes those that it got."""
        self.python("""
import resource
with memrec.Tracker(out): pass
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
taken = []
try:
    while True: taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError: pass
for spare in range(20):
    for i in range(3):
        try:
            with memrec.Tracker(out, overwrite=True): x = bytes(3000000)
            sys.exit(0 if spare < 8 else 8)
        except OSError as e:
            assert e.errno == 24, e
    os.close(taken.pop())
sys.exit(9)
""")
        self.assertEqual(Trace(self.out).count(3000033), 1)

    def test_a_limit_of_eight_descriptors(self):
        """Even then the collector has its own end of the pipe, not the program's standard error."""
        self.python("""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
with memrec.Tracker(out) as t:
    x = bytes(3000000)
    assert os.readlink("/proc/%d/fd/2" % t._collector.pid).startswith("pipe:")
    assert os.readlink("/proc/%d/fd/1" % t._collector.pid) == out
""")
        self.assertEqual(Trace(self.out).count(3000033), 1)

    def test_ctrl_c_while_a_block_begins_or_ends(self):
        """The next block is not refused and is not a span of the last one, and no descriptor is left."""
        self.python("""
library = memrec._agent.load()
class Interrupted:		# a handler that raises when a call of the agent is done
    def __init__(self, name): self.name = name
    def __getattr__(self, name):
        def call(*arguments):
            result = getattr(library, name)(*arguments)
            if name == self.name:
                self.name = None
                raise KeyboardInterrupt
            return result
        return call
with memrec.Tracker(out): pass
before = sorted(os.listdir("/proc/self/fd"))
for name in "memrec_agent_recording", "memrec_agent_spawn", "memrec_agent_start", "memrec_agent_stop":
    memrec._agent._library = Interrupted(name)
    try:
        with memrec.Tracker("/dev/null"): pass
    except KeyboardInterrupt: pass
    else: sys.exit(8)
    assert memrec.tracker._active is None, name
    assert sorted(os.listdir("/proc/self/fd")) == before, name
    with memrec.Tracker(out, overwrite=True) as t: x = bytes(3000000)
    assert t.span is None
""")
        self.assertEqual(Trace(self.out).count(3000033), 1)

    def test_a_block_in_a_signal_handler(self):
        """A handler finds the tracker active or not; the program does not deadlock."""
        self.python("""
inside = [0, 0]
def handler(*arguments):
    try:
        with memrec.Tracker("/dev/null"): inside[0] += 1
    except RuntimeError: inside[1] += 1
signal.signal(signal.SIGALRM, handler)
with memrec.tracker._lock:		# as if interrupted between two lines of ours
    os.kill(os.getpid(), signal.SIGALRM)
assert inside == [1, 0], inside
with memrec.Tracker(out):
    os.kill(os.getpid(), signal.SIGALRM)
    x = bytes(3000000)
assert inside == [1, 1], inside
""")
        self.assertEqual(Trace(self.out).count(3000033), 1)

    def test_the_collector_is_killed(self):
        self.python("""
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with memrec.Tracker(out) as t:
        bytes(3000000)
        os.kill(t._collector.pid, signal.SIGKILL)
        for i in range(200000): bytes(1000)
assert [str(w.message) for w in caught] == ["memrec was killed: the trace in %s is cut off" % out], caught
assert caught[0].filename == "<string>"
warnings.simplefilter("error")
with memrec.Tracker(out, overwrite=True):
    bytes(3000000)
""")
        self.assertEqual(Trace(self.out).count(3000033), 1)

    def test_the_collector_keeps_nothing_of_the_program(self):
        """The collector has neither the program's descriptors nor its folder, and is not recorded itself."""
        self.python("""
with open("/etc/passwd") as f, memrec.Tracker(out, follow_fork=True) as t:
    them = "/proc/%d/" % t._collector.pid
    files = [os.readlink(them + "fd/" + fd) for fd in os.listdir(them + "fd")]
    assert "/etc/passwd" not in files, files
    assert sys.argv[1] in files
    assert os.readlink(them + "cwd") == "/"
    assert os.getsid(t._collector.pid) != os.getsid(0)
    assert "libmemrec" not in open(them + "maps").read()
    assert "libmemrec" in open("/proc/self/maps").read()
""")
        self.assertEqual(len(Trace(self.out).of("exit")), 1)
