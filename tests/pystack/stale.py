"""Code objects die and others take their addresses; equal contents get the same number again."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
N = int(os.environ.get("PYSTACK_EXECS", "2000"))
def work(i):
    text = "def f%d(a):\n%s  return [bytes(600) for _ in range(2)]\nf%d(1)" % (i % 77, "\n" * (i % 7), i % 77)
    exec(compile(text, "<gen %d>" % (i % 11), "exec"), {})
for i in range(N): work(i)
before = pt.counts()["codes"]
for i in range(N): work(i)
pt.verdict()
assert pt.counts()["codes"] - before < 20, "the same contents got new numbers"
assert pt.counts()["deaths"] > N, "the end of code objects was not noticed"
