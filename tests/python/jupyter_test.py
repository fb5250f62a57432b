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
        del self.shell.display_pub.outputs[:]
        stdout, sys.stdout, self.said = sys.stdout, io.StringIO(), ""
        stderr, sys.stderr = sys.stderr, sys.stdout
        try:
            result = self.shell.run_cell("%%memrec " + line + "\n" + cell)
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
