"""Wheels and source distributions of memrec (PEP 517, 621, 660), with only the standard library.

pip calls build_wheel() and the like, which build the commands first; make calls
main() for files it has built. A wheel fits every Python 3, since nothing in it is
compiled for one: the package, the commands as scripts, the agent in lib/memrec,
the pages in share/man.
"""
import argparse
import ast
import base64
import glob
import hashlib
import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGE = os.path.join("record", "python", "memrec")
AGENTS = ["libmemrec.so", "libmemrec-musl.so"]


def path(*parts):
    return os.path.join(TREE, *parts)


def text(name):
    with open(path(name), encoding="utf-8") as f:
        return f.read()


# ---------------------------------------------------------------- metadata

def project():
    """pyproject.toml: {table: {key: value}}. Its values are Python literals."""
    tables, table, key, value = {}, None, None, ""
    for line in text("pyproject.toml").splitlines():
        head = re.match(r"\[([\w.-]+)\]$", line)
        begins = re.match(r'([\w-]+) = (.*)', line)
        if key is None and head:
            table = tables.setdefault(head.group(1), {})
            continue
        if key is None and begins:
            key, value = begins.groups()
        elif key is not None:
            value += "\n" + line
        try:
            if key is not None:
                table[key] = ast.literal_eval(value)
                key = None
        except SyntaxError:
            pass
    return tables


def version():
    return re.search(r'^#define MEMREC_VERSION "(.*)"', text("format/tool.h"), re.M).group(1)


def stem():
    return "memrec-" + version()


def metadata():
    p = project()["project"]
    lines = ["Metadata-Version: 2.4", "Name: " + p["name"], "Version: " + version(), "Summary: " + p["description"],
             "Keywords: " + ",".join(p["keywords"]), "License-Expression: " + p["license"]]
    lines += ["License-File: " + f for f in p["license-files"]]
    lines += ["Classifier: " + c for c in p["classifiers"]]
    lines += ["Requires-Python: " + p["requires-python"], "Description-Content-Type: text/markdown"]
    for extra, needs in project().get("project.optional-dependencies", {}).items():
        lines += ["Provides-Extra: " + extra] + ["Requires-Dist: %s; extra == '%s'" % (need, extra) for need in needs]
    return "\n".join(lines) + "\n\n" + text(p["readme"])


def entry_points():
    groups = ((t[len("project.entry-points."):], keys) for t, keys in project().items()
              if t.startswith("project.entry-points."))
    return "".join("[%s]\n%s" % (group, "".join("%s = %s\n" % item for item in keys.items())) for group, keys in groups)


def wheel_file(tags):
    python, abi, platforms = tags.split("-")
    return "Wheel-Version: 1.0\nGenerator: memrec\nRoot-Is-Purelib: false\n" + "".join(
        "Tag: %s-%s-%s\n" % (python, abi, p) for p in platforms.split("."))


def dist_info(tags, licenses=None):
    """{name: text} of the .dist-info folder, without RECORD. licenses: a folder with the licences of the linked libraries."""
    files = {"METADATA": metadata(), "WHEEL": wheel_file(tags), "entry_points.txt": entry_points()}
    for name in project()["project"]["license-files"]:
        files["licenses/" + name] = text(name)
    for name in sorted(os.listdir(licenses)) if licenses else ():
        with open(os.path.join(licenses, name), encoding="utf-8", errors="replace") as f:
            files["licenses/linked/" + name] = f.read()
    return files


def local_tags():
    return "py3-none-" + re.sub(r"[.-]", "_", sysconfig.get_platform())


# ---------------------------------------------------------------- archives

def modified():
    return int(os.environ.get("SOURCE_DATE_EPOCH", "1767225600"))		# the same bytes each time


class Wheel:
    def __init__(self, folder, tags):
        self.name = "%s-%s.whl" % (stem(), tags)
        self.zip = zipfile.ZipFile(os.path.join(folder, self.name), "w", zipfile.ZIP_DEFLATED, compresslevel=9)
        self.record = []

    def add(self, name, data, executable=False):
        info = zipfile.ZipInfo(name)
        info.external_attr = (0o100755 if executable else 0o100644) << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        data = data.encode() if isinstance(data, str) else data
        self.zip.writestr(info, data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        self.record.append("%s,sha256=%s,%d\n" % (name, digest, len(data)))

    def add_file(self, name, source, executable=False):
        with open(source, "rb") as f:
            self.add(name, f.read(), executable)

    def close(self, info):
        folder = stem() + ".dist-info/"
        for name, content in info.items():
            self.add(folder + name, content)
        self.record.append(folder + "RECORD,,\n")
        self.add(folder + "RECORD", "".join(self.record))
        self.zip.close()
        return self.name


def make_wheel(folder, tags, commands, agents, pages, licenses=None):
    """commands: {name: path}. Returns the wheel's file name."""
    wheel = Wheel(folder, tags)
    for source in sorted(glob.glob(path(PACKAGE, "*.py")) + [path(PACKAGE, "py.typed")]):
        wheel.add_file("memrec/" + os.path.basename(source), source)
    data = stem() + ".data/"
    for name, source in sorted(commands.items()):
        wheel.add_file(data + "scripts/" + name, source, executable=True)
    for agent in agents:
        wheel.add_file(data + "data/lib/memrec/" + os.path.basename(agent), agent, executable=True)
    for section in "157":
        for page in sorted(glob.glob(os.path.join(pages, "man" + section, "*." + section))):
            wheel.add_file(data + "data/share/man/man%s/%s" % (section, os.path.basename(page)), page)
    return wheel.close(dist_info(tags, licenses))


def built(folder):
    """The arguments of make_wheel() for a folder that make has built."""
    commands = {os.path.basename(f): f for f in glob.glob(os.path.join(folder, "bin", "mem*"))}
    return commands, [os.path.join(folder, "lib", "memrec", name) for name in AGENTS], os.path.join(folder, "man")


def built_one(folder, pages):
    """The same for the static program; the other commands, each of which has a page, execute it."""
    one = os.path.join(folder, "one")
    commands = {os.path.basename(f)[:-2]: os.path.join(one, "stub") for f in glob.glob(os.path.join(pages, "man1", "*.1"))}
    commands["memrec"] = os.path.join(one, "memrec")
    return commands, [os.path.join(one, name) for name in AGENTS], pages


# ---------------------------------------------------------------- building, for pip

def say(line):
    sys.stderr.write("memrec: %s\n" % line)
    sys.stderr.flush()


def make(*arguments):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        return subprocess.run(["make", "-s", "-C", TREE] + list(arguments), env=env, stdout=subprocess.PIPE,
                              universal_newlines=True)
    except FileNotFoundError:
        raise SystemExit("memrec: building the commands needs make and a C compiler; "
                         "Debian: apt install make gcc; Fedora: dnf install make gcc")


def build(config_settings):
    """config_settings: pip install . --config-settings make="CC=clang LTO=" """
    options = ((config_settings or {}).get("make") or "").split()
    missing = make("missing", *options).stdout.strip()
    if missing:
        raise SystemExit("memrec: packages that building the commands needs are missing: " + missing)
    sources = make("sources").stdout.split()
    say("compiling %d files, %d at a time" % (len(sources), os.cpu_count() or 1))
    if make("-j%d" % (os.cpu_count() or 1), "all", "man", *options).returncode:
        raise SystemExit("memrec: the commands could not be built; the compiler's messages are above")
    say("built")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    build(config_settings)
    return make_wheel(wheel_directory, local_tags(), *built(path("build")))


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    return write_dist_info(os.path.join(metadata_directory, stem() + ".dist-info"))


def write_dist_info(folder):
    for name, content in dist_info(local_tags()).items():
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(content)
    return os.path.basename(folder)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """The package is used in place, and so are the commands in build/bin."""
    build(config_settings)
    wheel = Wheel(wheel_directory, local_tags())
    wheel.add("__editable__.memrec.pth", os.path.dirname(path(PACKAGE)) + "\n")
    for name, source in sorted(built(path("build"))[0].items()):
        quoted = "'%s'" % source.replace("'", "'\\''")
        wheel.add("%s.data/scripts/%s" % (stem(), name), '#!/bin/sh\nexec %s "$@"\n' % quoted, executable=True)
    return wheel.close(dist_info(local_tags()))


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def sources():
    """The files that git tracks; in an unpacked source distribution, all files except built ones."""
    try:
        listed = subprocess.run(["git", "-C", TREE, "ls-files", "-z"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, check=True).stdout
        names = [n for n in os.fsdecode(listed).split("\0") if n]
    except (OSError, subprocess.CalledProcessError):
        names = []
    for folder, folders, files in os.walk(TREE) if not names else ():
        folders[:] = [f for f in folders if f not in ("build", "__pycache__", ".git")]
        names += [os.path.relpath(os.path.join(folder, f), TREE) for f in files]
    return sorted(n for n in names if n != "PKG-INFO" and os.path.isfile(path(n)))


def build_sdist(sdist_directory, config_settings=None):
    name = stem() + ".tar.gz"
    with tarfile.open(os.path.join(sdist_directory, name), "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for source in sources():
            tar.add(path(source), stem() + "/" + source, filter=anonymous)
        info = tarfile.TarInfo(stem() + "/PKG-INFO")
        content = metadata().encode()
        info.size = len(content)
        tar.addfile(anonymous(info), io.BytesIO(content))
    return name


def anonymous(info):
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = modified()
    return info


# ---------------------------------------------------------------- for make

def main():
    parser = argparse.ArgumentParser(description="make a wheel of what make has built, or the metadata alone")
    parser.add_argument("--build", metavar="FOLDER", help="where make has built, for a wheel")
    parser.add_argument("--one", metavar="PAGES", help="of the one static program (make one), with the pages of this folder")
    parser.add_argument("--platforms", metavar="TAG", help="the wheel's platforms, as manylinux_2_17_x86_64")
    parser.add_argument("--licenses", metavar="FOLDER", help="the licences of the statically linked libraries")
    parser.add_argument("--sdist", action="store_true", help="a source distribution")
    parser.add_argument("folder", help="where to put it; for the metadata: the .dist-info folder")
    a = parser.parse_args()
    os.makedirs(a.folder, exist_ok=True)
    if a.sdist:
        print(os.path.join(a.folder, build_sdist(a.folder)))
    elif a.build:
        tags = "py3-none-" + a.platforms if a.platforms else local_tags()
        files = built_one(a.build, a.one) if a.one else built(a.build)
        print(os.path.join(a.folder, make_wheel(a.folder, tags, *files, licenses=a.licenses)))
    else:
        write_dist_info(a.folder)


if __name__ == "__main__":
    main()
