"""The wheel: the package, and next to it the commands, the agent and the pages, laid out as by `make install`.

In a virtual environment they are installed in its bin, lib/memrec and share/man. This
folder must be in a source tree, which is built first if necessary.
"""
import os
import re
import subprocess

from setuptools import Distribution, setup

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:		# before setuptools 70
    from wheel.bdist_wheel import bdist_wheel

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))


def build():
    """Returns paths relative to this folder, by folder of the installation."""
    if not os.path.exists(os.path.join(TREE, "Makefile")):
        raise SystemExit("memrec's source tree is not around %s: the commands cannot be built" % HERE)
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.check_call(["make", "-s", "-C", TREE, "all", "man"], env=env)
    for folder in ("bin", "lib/memrec", "man/man1", "man/man5", "man/man7"):
        path = os.path.join(TREE, "build", folder)
        files = sorted(f for f in os.listdir(path) if not f.endswith((".options", ".new")))
        yield ("share/" + folder if folder.startswith("man") else folder,
               [os.path.relpath(os.path.join(path, f), HERE) for f in files])


def version():
    with open(os.path.join(HERE, "memrec", "__init__.py")) as f:
        return re.search(r'^__version__ = "(.*)"', f.read(), re.M).group(1)


class Binary(Distribution):
    """There is compiled code, but it does not depend on the Python version."""

    def has_ext_modules(self):
        return True


class Wheel(bdist_wheel):
    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


os.chdir(HERE)
with open("README.md") as readme:
    setup(
        name="memrec",
        version=version(),
        description="Where does the memory of a Python program go? Record it once, ask with pipes.",
        long_description=readme.read(),
        long_description_content_type="text/markdown",
        license="MIT",
        python_requires=">=3.8",
        packages=["memrec"],
        data_files=list(build()),
        zip_safe=False,
        entry_points={"pytest11": ["memrec = memrec.pytest_plugin"]},
        distclass=Binary,
        cmdclass={"bdist_wheel": Wheel},
        classifiers=["Framework :: Pytest", "Framework :: IPython", "Operating System :: POSIX :: Linux",
                     "Topic :: Software Development :: Debuggers"],
    )
