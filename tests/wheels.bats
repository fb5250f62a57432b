# Packages: wheels for every Linux, the tarball, the static program with the agent inside.

load lib/common

setup_file() {
	load lib/common
	local lto=LTO=
	cd "$TESTS/.." || return 1
	export B=${B:-build}
	! objdump -h "$B/obj/format/reader.o" | grep -q gnu.lto_ || lto=
	make -s wheels $lto PYTHON=/usr/bin/python3 > "$BATS_FILE_TMPDIR/log" 2>&1 && make -s dist $lto PYTHON=/usr/bin/python3 >> "$BATS_FILE_TMPDIR/log" 2>&1 ||
		{ cat "$BATS_FILE_TMPDIR/log"; return 1; }
	ONE=$(realpath "$B/one/memrec") WHEEL=$(echo "$PWD/$B"/wheels/*_"$(uname -m)".whl) TARBALL=$(echo "$PWD/$B"/dist/*-linux-"$(uname -m)".tar.xz)
	PLACE="$BATS_FILE_TMPDIR/a place of ours"
	/usr/bin/python3 -m venv --system-site-packages "$PLACE"
	"$PLACE/bin/python" -m pip install -q --no-index --no-deps "$WHEEL"
	export ONE WHEEL TARBALL PLACE
}

# Prints the sizes of the large allocations in a trace.
cat_sizes() { # TRACE
	memcat --json "$1" | jq -r 'select(.event == "alloc" and .size > 700000) | .size'
}

# Starts a program that allocates until it is killed; returns when it has begun.
endless() {
	/usr/bin/python3 -c 'import time
open("begun", "w").close()
while True: x = b"x" * 1000000; time.sleep(.01)' 3>&- &
	endless=$!
	while [ ! -e begun ]; do sleep .05; done
	rm begun
}

program='import subprocess, sys
x = b"x" * 1000000
subprocess.run([sys.executable, "-c", "y = b\"y\" * 800000"], check=True)
sys.stderr.write("the end\n")'

@test "the program needs no library and is stripped; its symbols are kept" {
	readelf -lW "$ONE" > headers
	run -1 grep -E 'INTERP|DYNAMIC' headers
	readelf -SW "$ONE" > sections
	run -1 grep -E '\.debug_|\.symtab' sections
	tar xJf "$(dirname "$WHEEL")"/*-"$(uname -m)"-symbols.tar.xz
	readelf -SW memrec.debug | grep -q '\.debug_info'
	readelf -SW libmemrec.so.debug | grep -q '\.debug_info'
	readelf -SW libmemrec-musl.so.debug | grep -q '\.debug_info'
	id() { readelf -n "$1" | sed -n 's/.*Build ID: //p'; }
	[ "$(id memrec.debug)" = "$(id "$ONE")" ] && [ "$(id libmemrec.so.debug)" = "$(id "$(dirname "$ONE")/libmemrec.so")" ]
}

@test "the wheel is for every Python 3 on glibc 2.17 and musl 1.2, with licences, pages and types; it contains no path of the build machine" {
	[[ "$(basename "$WHEEL")" == memrec-*-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.musllinux_1_2_x86_64.whl ]]
	/usr/bin/python3 -m zipfile -e "$WHEEL" .
	[ -f memrec/py.typed ] && [ -f memrec-*.data/data/share/man/man1/memfold.1 ] && [ -f memrec-*.data/data/share/man/man7/memrec.7 ]
	[ -s memrec-*.dist-info/licenses/LICENSE ]
	grep -q 'GNU' memrec-*.dist-info/licenses/linked/libdw-dev.txt
	grep -q '^License-Expression: MIT' memrec-*.dist-info/METADATA
	grep -q '^Requires-Python: >=3.8' memrec-*.dist-info/METADATA
	grep -cE '^Tag: py3-none-(many|musl)linux' memrec-*.dist-info/WHEEL | grep -qx 3
	run -1 grep -rlF "$(cd "$TESTS/.." && pwd)" .
	if command -v auditwheel > /dev/null; then
		auditwheel show "$WHEEL" | tr '\n' ' ' | grep -q 'consistent with the following platform tag: "manylinux_2_17_x86_64"'
	else
		echo "# auditwheel is not installed: not run" >&3
	fi
}

@test "in a virtual environment whose path has spaces, every command works" {
	commands=("$BATS_TEST_DIRNAME"/../"$B"/bin/*)
	for command in "${commands[@]##*/}"; do
		[ "$("$PLACE/bin/$command" --version)" = "$("$command" --version)" ]
		[ "$("$PLACE/bin/$command" --help)" = "$("$command" --help)" ]
	done
	[ ${#commands[@]} -ge 18 ]
	ln -s "$PLACE/bin/memstats" elsewhere	# as pipx and uv expose them
	[ "$(./elsewhere --version)" = "$(memstats --version)" ]
}

@test "from there programs are recorded: output, followed children, C functions; attached; by the Tracker" {
	for options in "" "-F" "-n -A -F"; do
		"$PLACE/bin/memrec" $options -f -o t.lz4 -- "$PLACE/bin/python" -c "$program" > said 2>&1
		[ "$(cat said)" = "the end" ]
		cat_sizes t.lz4 | grep -q '^1000'
		[[ "$options" != *F* ]] || cat_sizes t.lz4 | grep -q '^8000'
	done
	"$PLACE/bin/memfold" t.lz4 | grep -q '<module>'
	"$PLACE/bin/python" -m memrec run -f -o t.lz4 -c 'x = b"x" * 1000000'
	cat_sizes t.lz4 | grep -q '^1000'
	"$PLACE/bin/python" -c 'import memrec, subprocess, sys
with memrec.Tracker("t2.lz4", follow_fork=True):
    x = b"x" * 1000000
    subprocess.run([sys.executable, "-c", "y = b\"y\" * 800000"], check=True)
assert any(e.get("size", 0) > 1000000 for e in memrec.read("t2.lz4"))
assert "place of ours" in memrec._places.prefix()'
	cat_sizes t2.lz4 | grep -q '^1000'
	cat_sizes t2.lz4 | grep -q '^8000'
	endless
	"$PLACE/bin/memrec" -p $endless --duration 500ms -f -o t3.lz4
	kill $endless
	cat_sizes t3.lz4 | grep -q '^1000'
}

@test "one copied file records and attaches, and links to it are the reports" {
	mkdir alone
	cp "$ONE" alone/recorder
	ln -s recorder alone/memtable
	alone/recorder -F -o t.lz4 -- /usr/bin/python3 -c "$program" > said 2>&1
	[ "$(cat said)" = "the end" ]
	[ "$(cat_sizes t.lz4 | wc -l)" -ge 2 ]
	alone/memtable t.lz4 | grep -q '<module>'
	endless
	alone/recorder -p $endless --duration 500ms -o t3.lz4
	kill $endless
	cat_sizes t3.lz4 | grep -q '^1000'
}

@test "an agent of another build beside it is not used" {
	mkdir -p place/bin place/lib/memrec
	cp "$ONE" place/bin
	echo nonsense > place/lib/memrec/libmemrec.so
	place/bin/memrec -o t.lz4 -- /usr/bin/python3 -c 'x = b"x" * 1000000' > said 2>&1
	[ ! -s said ]
	cat_sizes t.lz4 | grep -q '^1000'
}

@test "after memrec is killed, programs executed later print nothing about the missing agent" {
	cp "$ONE" .
	cat > daemon.py <<-'END'
		import os, signal, subprocess, time
		parent = int(open("pid").read())
		os.kill(parent, signal.SIGKILL)
		while os.getppid() == parent: time.sleep(.01)
		out = subprocess.run(["/bin/sh", "-c", "echo child; /usr/bin/env echo grandchild"], stdout=-1, stderr=-2).stdout
		open("out.new", "wb").write(out)
		os.rename("out.new", "out")
	END
	(sh -c 'echo $$ > pid; exec ./memrec -F -o t.lz4 -- /usr/bin/python3 daemon.py' || true) 2> /dev/null
	for ((i = 0; i < 100; i++)); do [ ! -e out ] || break; sleep .1; done
	[ "$(cat out)" = $'child\ngrandchild' ]
}

@test "a program executed in a root without /proc prints nothing about the agent" {
	cp "$ONE" .
	mkdir root
	printf 'int puts(const char *); int main(void) { return puts("inside") < 0; }\n' | gcc -o root/inside -x c -
	ldd root/inside | grep -o '/[^ ]*' | xargs -I{} cp --parents -L {} root
	cat > execute.py <<-'END'
		import os
		os.chroot("root")
		os.execv("/inside", ["inside"])
	END
	[ "$(id -u)" = 0 ] || skip "needs root, to change the root directory"
	./memrec -F -o t.lz4 -- /usr/bin/python3 execute.py > said 2>&1
	[ "$(cat said)" = inside ]
}

@test "the tarball works where it is unpacked, and after it is moved" {
	tar xJf "$TARBALL"
	mkdir "to: a"
	mv memrec-*/ "to: a/place"
	"to: a/place/bin/memrec" -o t.lz4 -- /usr/bin/python3 -c 'x = b"x" * 1000000'
	"to: a/place/bin/memcat" t.lz4 | "to: a/place/bin/memtable" | grep -q '<module>'
	[ -s "to: a/place/share/man/man1/memrec.1" ] && [ -s "to: a/place/share/doc/memrec/LICENSE" ]
	PATH=/usr/bin:/bin /usr/bin/python3 -c 'import sys
sys.path.insert(0, "to: a/place/lib/python")
import memrec
with memrec.Tracker("t2.lz4"):
    x = b"x" * 1000000'
	cat_sizes t2.lz4 | grep -q '^1000'
}

@test "a command without memrec beside it reports that" {
	mkdir lonely
	cp "$PLACE/bin/memcat" lonely
	run -127 lonely/memcat
	[ "$output" = "memcat: cannot execute memrec, which is installed beside it" ]
}
