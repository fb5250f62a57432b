"""memrec.read, summary, table, stats; python -m memrec."""
import gc
import io
import os
import shlex
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

    def test_damage_gives_a_warning_and_the_rest_is_used(self):
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

    def test_input_that_is_not_a_trace(self):
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

    def test_options_are_parsed_like_memray(self):
        with open(os.path.join(self.folder, "script.py"), "w") as f:
            f.write("import sys\nx = bytes(3000000)\nprint(sys.argv[1:])\n")
        for options in (["-fo", self.out], ["-fo" + self.out], ["-nfo", self.out], ["--out", self.out, "--force"], ["--output", self.out, "-f"],
                        ["--out=" + self.out, "--nat", "-f"], ["-Afo", self.out, "--"]):
            said = self.memrec("run", *options, "script.py", "-fo", "a")
            self.assertEqual((said, Trace(self.out).count(3000033)), ("['-fo', 'a']\n", 1), options)
        for how in (["-fm", "script"], ["-fmscript"], ["-f", "-m", "script"], ["-f", "-mscript"]):
            self.assertEqual(self.memrec("run", "-o", self.out, *how, "-o", "b"), "['-o', 'b']\n", how)
        for how in (["-fc", "print(1)"], ["-fcprint(1)"], ["-f", "-c", "print(1)"]):
            self.assertEqual(self.memrec("run", "-o", self.out, *how), "1\n", how)
        self.assertEqual([n for n in os.listdir(self.folder) if n.startswith("-")], [])
        for words in (["run", "--help"], ["run", "-h"], ["run", "-fh"]):
            said = self.memrec(*words)
            self.assertIn("Usage: python -m memrec run [OPTION...] (SCRIPT | -m MODULE | -c CODE) [ARG...]", said)
            self.assertIn("--follow-fork", said)
        self.assertIn("unknown or ambiguous option '--nix'", self.memrec("run", "--nix", "script.py", status=2))

    def test_attach(self):
        program = subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: x = bytes(3000000)"], stdout=subprocess.PIPE)
        try:
            program.stdout.readline()
            pid = str(program.pid)
            for words in ([pid, "-d", "200ms", "-fo", self.out], ["-fo", self.out, "--dur=200ms", pid]):
                self.memrec("attach", *words)
                self.assertGreater(Trace(self.out).count(3000033), 0)
        finally:
            program.kill()
            program.wait()
            program.stdout.close()
        self.assertIn("give one PID", self.memrec("attach", status=2).replace("Give", "give"))
        self.assertIn("'nix' is not one PID", self.memrec("attach", "nix", status=2))

    def test_reports_have_memrays_names(self):
        self.memrec("run", "-fo", self.out, "-c", "x = bytes(3000000)")
        for name, head in (("summary", "Location"), ("table", "Allocator"), ("tree", "Percent"), ("stats", "Total allocations")):
            self.assertIn(head, self.memrec(name, self.out))
        self.assertIn("<html", self.memrec("flamegraph", self.out))
        self.memrec("flamegraph", "-lo", "page.html", self.out)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "page.html")))
        script = "%s -m memrec flamegraph %s 2> said" % (sys.executable, self.out)
        subprocess.run(["script", "-qec", script, "/dev/null"], cwd=self.folder, stdout=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, check=True)
        page = "memrec-flamegraph-%s.html" % os.path.basename(self.out)[:-len(".lz4")]
        self.assertTrue(os.path.exists(os.path.join(self.folder, page)), os.listdir(self.folder))

    def test_on_a_terminal_reports_name_their_command(self):
        self.memrec("run", "-fo", self.out, "-c", "x = bytes(3000000)")
        script = "%s -m memrec summary -r 3 %s" % (sys.executable, self.out)
        said = subprocess.run(["script", "-qec", script, "/dev/null"], cwd=self.folder, stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, check=True).stdout.decode()
        self.assertIn("memrec: this is: memsummary -r 3 %s" % self.out, said)

    def on_terminal(self, *words, status=0):
        """What it prints on a terminal: first of all the command that it becomes."""
        p = subprocess.run(["script", "-qec", shlex.join((sys.executable, "-m", "memrec") + words), "/dev/null"], cwd=self.folder,
                           stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.assertEqual(p.returncode, status, p.stdout)
        return p.stdout.decode().replace("\r", "")

    def test_options_that_only_memray_has(self):
        with open(os.path.join(self.folder, "script.py"), "w") as f:
            f.write("x = [bytes(3000000) for i in range(3)]\n")
        for options, line in (
                ("-qfo t.lz4 --no-compress", "--force --output=t.lz4"), ("--aggregate --buffered-file-io -nfo t.lz4", "-nfo t.lz4"),
                ("--compress-on-exit --trace-python --follow -f -o t.lz4", "--trace-python --follow -f -o t.lz4")):
            said = self.on_terminal("run", *options.split(), "script.py")
            self.assertTrue(said.startswith("memrec: this is: memrec %s -- %s script.py\n" % (line, sys.executable)), said)
        for words, line in (
                ("flamegraph -fo page.html t.lz4", "memflame --output=page.html t.lz4"),
                ("flamegraph --temporal --no-web --split-threads --max-memory-records 9 -o page.html t.lz4", "memflame -o page.html t.lz4"),
                ("flamegraph --confidential-files=all -o page.html t.lz4", "memflame -o page.html --no-source t.lz4"),
                ("flamegraph --temporary-allocations -o page.html t.lz4", "memtemp t.lz4 | memflame -o page.html"),
                ("table --temporary-allocation-threshold 3 t.lz4", "memtemp --threshold 3 t.lz4 | memtable"),
                ("table -fo table.txt --no-web t.lz4", "memtable t.lz4 > table.txt"),
                ("tree --temporary-allocations t.lz4", "memtemp t.lz4 | memtree"),
                ("tree --biggest-allocs 5 t.lz4", "memtree --biggest=5 t.lz4"),
                ("summary --sort-column 2 --max-rows 3 t.lz4", "memsummary --sort=2 --rows=3 t.lz4"),
                ("stats --json --num-largest 3 -fo stats.json t.lz4", "memstats --json --num-largest 3 t.lz4 > stats.json"),
                ("transform --leaks csv -o leaks.csv t.lz4", "memtable --csv --leaks t.lz4 > leaks.csv"),
                ("transform speedscope -o profile.json t.lz4", "mem2speedscope -o profile.json t.lz4"),
                ("parse t.lz4", "memcat --json t.lz4")):
            said = self.on_terminal(*words.split())
            self.assertTrue(said.startswith("memrec: this is: %s\n" % line), said)
        for name, start in (("table.txt", "%s script.py: alive" % sys.executable), ("stats.json", "{"), ("leaks.csv", "size,"), ("page.html", "<!doctype")):
            with open(os.path.join(self.folder, name)) as f:
                self.assertTrue(f.read(200).lower().startswith(start.lower()), name)
        self.assertIn("script.py:1", self.memrec("transform", "csv", "t.lz4").replace(",1,", ":1"))
        self.assertIn("<listcomp> at " if sys.version_info < (3, 12) else "<module> at ", self.memrec("run", "--live", "script.py"))
        for words, advice in (("run --live-remote script.py", "ssh HOST memrec"), ("run --live-port 9 --live-remote script.py", "ssh HOST memrec"),
                              ("run --track-object-lifetimes script.py", "--census"), ("transform gprof2dot t.lz4", "mem2pprof"),
                              ("transform", "csv or speedscope"), ("live 9000", "memtop"), ("detach 1", "Ctrl-C")):
            self.assertIn(advice, self.memrec(*words.split(), status=2))

    def test_commands_and_usage_errors(self):
        self.assertIn("memrec 0.1.0", self.memrec("--version"))
        self.assertIn("Usage: memfold", self.memrec("memfold", "--help"))
        self.assertIn("Usage: memsummary", self.memrec("summary", "--help"))
        self.assertIn("python -m memrec run", self.memrec("--help"))
        self.assertIn("is not a memrec command", self.memrec("nix", status=2))
        self.assertIn("is not a memrec command", self.memrec("../bin/memcat", status=2))
        for words in (["run"], ["run", "-o"], ["run", "-m"], ["run", "--native"]):
            self.assertIn("Try 'python -m memrec --help'", self.memrec(*words, status=2))
