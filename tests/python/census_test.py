"""memrec.census of a trace: rows for blocks and for types, against objects that this process made."""
import io
import os
import subprocess
import sys

import memrec
from traces import Case


class Request:
    def __init__(self, i):
        self.body = bytes(2000 + i)


LINE = Request.__init__.__code__.co_firstlineno + 1
kept = []


def remember(n):
    for i in range(n):
        kept.append(Request(i))


def name(what):
    return "%s.%s" % (what.__module__, what.__qualname__)


class Census(Case):
    def setUp(self):
        super().setUp()
        del kept[:]
        with memrec.Tracker(self.out, trace_python_allocators=True):
            remember(100)
            self.first = memrec.census()
            remember(50)
            self.second = memrec.census()
        self.assertEqual((self.first, self.second), (True, True))
        self.known = memrec.census(self.out).typed		# of this Python's objects
        if sys.version_info < (3, 14):
            self.assertTrue(self.known)

    def test_each_block_is_a_row(self):
        census = memrec.census(self.out)
        self.assertEqual(len(list(census)), len(census))
        bodies = {id(r.body): r.body for r in kept}
        found = [b for b in census if b.address in bodies]
        self.assertEqual(len(found), 150)
        for block in found:
            self.assertEqual(block.size, sys.getsizeof(bodies[block.address]))
            self.assertEqual((block.function.split(".")[-1], os.path.basename(block.file), block.line), ("__init__", "census_test.py", LINE))
            self.assertEqual([f[0].split(".")[-1] for f in block.stack[:3]], ["__init__", "remember", "setUp"])
            self.assertEqual((block.pid, block.weight), (os.getpid(), 1))
            self.assertEqual(block.type, "bytes" if self.known else "")
        self.assertEqual(census[0], next(iter(census)))
        self.assertEqual(census[-3:], list(census)[-3:])
        self.assertEqual(dict(zip(memrec.Block._fields, found[0]))["type"], found[0].type)

    def test_each_type_is_a_row(self):
        census = memrec.census(self.out)
        self.assertEqual((census.typed, census.moment), (self.known, "request"))
        types = {row["type"]: (row["count"], row["bytes"]) for row in census.types()}
        self.assertEqual(sum(count for count, _ in types.values()), len(census))
        self.assertEqual(sum(size for _, size in types.values()), sum(b.size for b in census))
        if not self.known:
            self.assertEqual(list(types), [""])
            return
        self.assertEqual(types[name(Request)][0], 150)
        self.assertEqual(types["bytes"], (150, sum(sys.getsizeof(r.body) for r in kept)))
        self.assertIn("<td style=\"text-align:left\">bytes</td>", census._repr_html_())

    def test_two_censuses_of_one_recording(self):
        if not self.known:
            self.skipTest("no types with this Python")
        first = memrec.census(self.out, n=1)
        self.assertEqual(len(memrec.census(self.out, n=2)), len(memrec.census(self.out)))
        with self.assertRaisesRegex(memrec.TraceError, "has no census 3"):
            memrec.census(self.out, n=3)
        rows = {row["type"]: (row["count"], row["bytes"]) for row in memrec.census(self.out).types(since=first)}
        self.assertEqual(rows["bytes"], (50, sum(sys.getsizeof(r.body) for r in kept[100:])))
        self.assertEqual(rows[name(Request)][0], 50)
        self.assertNotIn("type", rows)

    def test_filters_and_processes(self):
        large = memrec.census(self.out, [["memgrep", "--min-size", "2000"]])
        self.assertGreaterEqual(len(large), 150)
        self.assertTrue(all(b.size >= 2000 for b in large))
        self.assertEqual(len(memrec.census(self.out, pid=os.getpid())), len(memrec.census(self.out)))
        with open(self.out, "rb") as f:
            self.assertEqual(len(memrec.census(f)), len(memrec.census(self.out)))
        with self.assertRaisesRegex(memrec.TraceError, "no census of process 1"):
            memrec.census(self.out, pid=1)

    def test_a_trace_without_a_census(self):
        with memrec.Tracker(self.out, overwrite=True):
            remember(10)
        with self.assertRaisesRegex(memrec.TraceError, "has no census: record it with .*memrec --census"):
            memrec.census(self.out)
        with self.assertRaisesRegex(memrec.TraceError, "has no census with references: record it with 'memrec --references'"):
            memrec.holders(self.out)
        with self.assertRaisesRegex(memrec.TraceError, "not a memory trace"):
            memrec.census(io.BytesIO(b"no trace"))
        with self.assertRaises(FileNotFoundError):
            memrec.census("nowhere.lz4")

    def test_places_by_type(self):
        if not self.known:
            self.skipTest("no types with this Python")
        row, = [r for r in memrec.table(self.out, by="type") if r["type"] == "bytes"]
        self.assertEqual((row["allocations"], row["line"]), (150, LINE))

    def test_holders(self):
        if not self.known:
            self.skipTest("no types with this Python")
        program = "class Request: pass\nkept = [Request() for i in range(70)]\n"
        subprocess.run([memrec._places.command("memrec"), "-A", "--references", "-f", "-o", self.out, "--", sys.executable, "-c", program], check=True)
        row, = memrec.holders(self.out, type="^__main__.Request$")
        self.assertEqual((row["objects"], row["path"]), (70, "module __main__ -> kept (list) -> […] (__main__.Request)"))
        self.assertEqual(len(memrec.holders(self.out, rows=3)), 3)
