"""memray and the programs to run under it: a venv in build/bench, made once (PyPI)."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("MEMREC_BIN") or os.path.join(ROOT, "build", "bin")
VENV = os.path.join(ROOT, "build", "bench", "venv")
PACKAGES = ["memray==1.20.0", "pyperformance==1.11.0", "pyperf", "numpy", "Django==5.1.4"]


def set_up():
    """Make the venv with memray and the programs; returns its python."""
    python = os.path.join(VENV, "bin", "python")
    ready = os.path.join(VENV, "ready")
    wanted = "\n".join(PACKAGES)
    if not os.path.exists(ready) or open(ready).read() != wanted:
        print("setting up %s (PyPI)" % VENV, file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "-q", "install", *PACKAGES], check=True)
        with open(ready, "w") as out:
            out.write(wanted)
    return python


def benchmarks(python):
    """The folder with pyperformance's benchmarks."""
    site = subprocess.run([python, "-c", "import pyperformance; print(pyperformance.__path__[0])"],
                          check=True, capture_output=True, text=True).stdout.strip()
    return os.path.join(site, "data-files", "benchmarks")


def benchmark(folder, name, arguments):
    """One of them as arguments after the interpreter's name: pyperf's worker, one value of one loop, in this
    process itself."""
    return [os.path.join(folder, name, "run_benchmark.py"), *arguments,
            "--worker", "--loops=1", "--values=1", "--warmups=0"]
