"""memrec.read, summary, table, stats; python -m memrec."""
import gc
import io
import os
import subprocess
import sys

import memrec
from traces import Case, Trace


class Reading(Case):
    def setUp(self):
        super().setUp()
        with memrec.Tracker(self.out):
            self.work()

    def work(self):
        kept = []
        for i in range(100):
            kept.append(bytes(1000 + i))

    def events(self, *arguments):
        return [e for e in memrec.read(*arguments) if e["event"] == "alloc" and 1033 <= e["size"] <= 1132]

    def test_a_path_and_streams(self):
        expected = self.events(self.out)
        self.assertEqual([e["size"] for e in expected], list(range(1033, 1133)))
        with open(self.out, "rb") as f:
            content = f.read()
            f.seek(0)
            self.assertEqual(self.events(f), expected)
        self.assertEqual(self.events(io.BytesIO(content)), expected)
        self.assertEqual(self.events(os.fsencode(self.out)), expected)
        with subprocess.Popen(["cat", self.out], stdout=subprocess.PIPE) as p:
            self.assertEqual(self.events(p.stdout), expected)
        self.assertEqual(len(self.events(self.out, [["memgrep", "--min-size", "1083"], "memleak"])), 0)
        self.assertEqual(len(self.events(self.out, [["memgrep", "--min-size", "1083"]])), 50)

    def test_text_and_large_numbers(self):
        trace = subprocess.run([os.path.join(memrec._places.prefix(), "bin", "memcat"), "--from-json"], check=True, stdout=subprocess.PIPE,
                               input=b'{"event":"alloc","id":1,"size":{"$uint":"18446744073709551615"}}\n{"event":"end"}\n').stdout
        alloc, = [e for e in memrec.read(io.BytesIO(trace)) if e["event"] == "alloc"]
        self.assertEqual(alloc["size"], 2**64 - 1)

    def test_stopping_early_leaves_nothing(self):
        descriptors = len(os.listdir("/proc/self/fd"))
        for i in range(20):
            for event in memrec.read(self.out, "memtemp"):
                break
        del event
        gc.collect()
        self.assertEqual(len(os.listdir("/proc/self/fd")), descriptors)
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    def test_damage_is_warned_of_and_the_rest_used(self):
        with memrec.Tracker(self.out, overwrite=True):
            for i in range(100000):
                bytes(1000 + i)
        with open(self.out, "rb") as f:
            cut = f.read()
        cut = cut[:len(cut) // 2]
        with self.assertWarnsRegex(RuntimeWarning, "cut off"):
            self.assertGreater(len(list(memrec.read(io.BytesIO(cut)))), 5)
        with self.assertWarnsRegex(RuntimeWarning, "cut off"):
            memrec.summary(io.BytesIO(cut))

    def test_what_is_no_trace(self):
        with self.assertRaisesRegex(memrec.TraceError, "not a memory trace"):
            list(memrec.read(io.BytesIO(b"no trace")))
        with self.assertRaisesRegex(memrec.TraceError, "not a memory trace"):
            memrec.summary("/etc/passwd")
        with self.assertRaises(FileNotFoundError):
            list(memrec.read("nowhere.lz4"))
        with self.assertRaises(TypeError):
            list(memrec.read(3.5))
        with self.assertRaisesRegex(FileNotFoundError, "no command memnix"):
            list(memrec.read(self.out, "memnix"))

    def test_rows(self):
        row, = [r for r in memrec.summary(self.out) if r["function"].endswith("work")]
        self.assertGreaterEqual(row["own_bytes"], sum(range(1033, 1133)))
        rows = [r for r in memrec.table(self.out, total=True) if r["function"].endswith("work")]
        self.assertGreaterEqual(sum(r["allocations"] for r in rows), 100)
        self.assertEqual([r for r in memrec.summary(self.out, leaks=True) if r["allocations"] > 99], [])
        self.assertGreaterEqual(memrec.stats(self.out)["total_num_allocations"], 100)
        self.assertEqual({t["name"] for r in memrec.table(self.out, split_threads=True) for t in r["threads"]} - {None}, {Trace(self.out).of("thread")[0]["name"]})
        with self.assertRaises(TypeError):
            memrec.summary(self.out, leaks=True, total=True)


class Module(Case):
    def memrec(self, *words, status=0):
        p = subprocess.run([sys.executable, "-m", "memrec"] + list(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           universal_newlines=True, cwd=self.folder)
        self.assertEqual(p.returncode, status, p.stderr)
        return p.stdout + p.stderr

    def test_run(self):
        script = os.path.join(self.folder, "script.py")
        with open(script, "w") as f:
            f.write("import sys\nprint(sys.argv[1:], sys.path[0], sys.executable)\nx = bytes(3000000)\nsys.exit(4)\n")
        said = self.memrec("run", "-o", self.out, script, "-x", "y", status=4)
        self.assertEqual(said, "['-x', 'y'] %s %s\n" % (self.folder, sys.executable))
        self.assertEqual(Trace(self.out).count(3000033), 1)
        self.memrec("run", "-f", "--native", "-o", self.out, "-m", "script", "a", status=4)
        self.assertTrue(Trace(self.out).of("header")[0]["options"]["native"])
        self.assertEqual(self.memrec("run", "--output=" + self.out, "-f", "-c", "import sys; print(sys.argv)", "1"), "['-c', '1']\n")

    def test_to_standard_output(self):
        with open(self.out, "wb") as f:
            subprocess.run([sys.executable, "-m", "memrec", "run", "-c", "x = bytes(3000000)"], stdout=f, check=True)
        self.assertEqual(Trace(self.out).count(3000033), 1)

    def test_to_a_file_of_its_own_on_a_terminal(self):
        script = "%s -m memrec run -c 'x = bytes(3000000)'" % sys.executable
        subprocess.run(["script", "-qec", script, "/dev/null"], cwd=self.folder, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
        name, = [n for n in os.listdir(self.folder) if n.startswith("memrec-string.") and n.endswith(".lz4")]
        self.assertEqual(Trace(os.path.join(self.folder, name)).count(3000033), 1)

    def test_commands_and_misuse(self):
        self.assertIn("memrec 0.1.0", self.memrec("--version"))
        self.assertIn("Usage: memfold", self.memrec("memfold", "--help"))
        self.assertIn("Usage: memsummary", self.memrec("summary", "--help"))
        self.assertIn("python -m memrec run", self.memrec("--help"))
        self.assertIn("is not a memrec command", self.memrec("nix", status=2))
        self.assertIn("is not a memrec command", self.memrec("../bin/memcat", status=2))
        for words in (["run"], ["run", "-o"], ["run", "-m"], ["run", "--native"]):
            self.assertIn("Try 'python -m memrec --help'", self.memrec(*words, status=2))
