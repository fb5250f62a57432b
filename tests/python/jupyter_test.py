"""%%memrec in IPython, as in a notebook's kernel."""
import html
import io
import os
import subprocess
import sys
import unittest
from html.parser import HTMLParser

import memrec
from traces import Case, Trace

try:
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
except ImportError:
    InteractiveShell = None


class Srcdoc(HTMLParser):
    page = None

    def handle_starttag(self, tag, attributes):
        if tag == "iframe":
            self.page = dict(attributes)["srcdoc"]


CELL = "def work():\n    kept = []\n    for i in range(100000): kept.append(i)\n    return kept\nkept = work()\n"


@unittest.skipIf(InteractiveShell is None, "this Python has no IPython")
class Magic(Case):
    @classmethod
    def setUpClass(cls):
        cls.shell = InteractiveShell.instance(display_pub_class=CapturingDisplayPublisher)
        cls.shell.display_formatter.active_types = cls.shell.display_formatter.format_types
        cls.shell.run_cell("%load_ext memrec")

    def cell(self, line, cell):
        return self.run_cell("%%memrec " + line + "\n" + cell)

    def run_cell(self, text):
        del self.shell.display_pub.outputs[:]
        stdout, sys.stdout, self.said = sys.stdout, io.StringIO(), ""
        stderr, sys.stderr = sys.stderr, sys.stdout
        try:
            result = self.shell.run_cell(text)
        finally:
            self.said, sys.stdout, sys.stderr = sys.stdout.getvalue(), stdout, stderr
        pages = []
        for output in self.shell.display_pub.outputs:
            parser = Srcdoc()
            parser.feed(output["data"].get("text/html", ""))
            pages.append(parser.page)
        return result, pages

    def pages_of(self, trace, *first):
        command = " | ".join((" ".join(first + (trace,)), "memflame"))
        return [subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE, env=memrec._places.environment()).stdout.decode()]

    def test_the_page_is_shown_and_the_cell_has_run_in_the_notebook(self):
        result, pages = self.cell("-o " + self.out, CELL)
        self.assertTrue(result.success)
        self.assertEqual(len(self.shell.user_ns["kept"]), 100000)
        self.assertTrue(Trace(self.out).sizes("work"))
        self.assertTrue(pages == self.pages_of(self.out, "memcat"), "another page")
        self.assertTrue(pages[0].rstrip().endswith("</html>"))

    def test_options_choose_what_is_shown(self):
        for option, command in ("--leaks", "memleak"), ("--temporary", "memtemp"):
            _, pages = self.cell("-f %s -o %s" % (option, self.out), CELL)
            self.assertTrue(pages == self.pages_of(self.out, command), "another page")
        self.cell("-f -n -A -F --height 300 -o " + self.out, CELL)
        self.assertEqual(Trace(self.out).of("header")[0]["options"], {"native": True, "python_allocators": True, "follow_fork": True})
        self.assertIn("height:300px", self.shell.display_pub.outputs[0]["data"]["text/html"])

    def test_a_statement_in_a_line(self):
        self.run_cell(CELL)
        result, pages = self.run_cell("%memrec -A --leaks -o " + self.out + " kept = [word for word in 'a  b'.split(' ')] + work()")
        self.assertTrue(result.success)
        self.assertEqual(self.shell.user_ns["kept"][:4], ["a", "", "b", 0])
        self.assertTrue(pages == self.pages_of(self.out, "memleak"), "another page")
        self.assertEqual(Trace(self.out).of("header")[0]["options"]["python_allocators"], True)
        _, pages = self.run_cell("%memrec -- -len(work())")
        self.assertEqual(len(pages), 1)
        self.assertIn("-100000", self.said)
        self.assertIn("which statement?", (self.run_cell("%memrec --leaks"), self.said)[1])

    def test_inverted_and_thresholds(self):
        self.cell("-f --inverted --temporary --threshold 5 -o " + self.out, CELL)
        command = "memtemp --threshold=5 %s | memflame --inverted" % self.out
        page = subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE, env=memrec._places.environment()).stdout.decode()
        shown = Srcdoc()
        shown.feed(self.shell.display_pub.outputs[0]["data"]["text/html"])
        self.assertTrue(shown.page == page, "another page")
        self.assertIn("--threshold needs --temporary", (self.cell("--threshold 5", "1"), self.said)[1])

    def test_answers_are_shown_as_tables(self):
        self.cell("-o " + self.out, CELL + "import time\ndel kept[:]\nkept = bytearray(5000000)\ntime.sleep(0.05)\nmore = bytearray(3000)\n")
        shown = self.shell.display_formatter.format(memrec.table(self.out))[0]["text/html"]
        self.assertIn("<th style=\"text-align:right\">size</th>", shown)
        self.assertIn(">5.000MB</td>", shown)
        shown = self.shell.display_formatter.format(memrec.stats(self.out))[0]["text/html"]
        for text in "Peak memory", "<svg", ">heap <", "resident", "5.000MB":
            self.assertIn(text, shown)
        with open(self.out, "rb") as stream:
            figures = memrec.stats(stream)
        self.assertEqual(figures, memrec.stats(self.out))
        self.assertNotIn("<svg", figures._repr_html_())
        self.assertEqual(memrec._display.table([]), "<p>no rows</p>")
        self.assertIn("&lt;b&gt;", memrec._display.table([{"function": "<b>", "size": 1}]))
        self.assertIn("and 50 more rows", memrec._display.table([{"size": 1}] * 100))

    def test_an_exception_in_the_cell(self):
        _, pages = self.cell("", "x = bytearray(3000000)\n1/0")
        self.assertIn("ZeroDivisionError", self.said)
        self.assertEqual(len(pages), 1)

    def test_usage_errors(self):
        self.assertIn("unrecognized arguments: --nix", (self.cell("--nix", "x"), self.said)[1])
        self.assertEqual(self.shell.display_pub.outputs, [])
        self.cell("-o " + self.out, CELL)
        self.cell("-o " + self.out, CELL)
        self.assertIn("FileExistsError", self.said)
        self.cell("--help", "1")
        self.assertIn("--temporary", self.said)

    def test_a_terminal_gets_a_hint(self):
        from memrec.jupyter import Frame
        self.assertIn("memflame", repr(Frame("<html>", 600)))
        self.assertIn(html.escape('"quoted" </iframe>', quote=True), Frame('"quoted" </iframe>', 1)._repr_html_())
