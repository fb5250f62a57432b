# Lines of source code: what memrec records of them, what it must not read, and how filters pass them on.

load lib/common
load lib/told
load lib/traces

started=()
teardown() {
	kill_started
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cat > app.py <<-'END'
		import sys

		def load(n):
		    return bytearray(n)   # é

		class Store:
		    @staticmethod
		    def fill():
		        return [bytearray(100_000) for i in range(3)]

		kept = Store.fill(), load(200_000), (lambda: bytearray(300_000))()
	END
}

# sources TRACE [FILE]: prints "line before text" of each source row of files with that name.
sources() {
	memcat --json "$1" | jq -r --arg file "${2:-app.py}" 'select(.event == "source" and (.file | endswith($file))) | "\(.line) \(.before) \(.text)"'
}

# source_of FILE: how many source rows have a file of that name.
count_of() {
	memcat --json t.lz4 | jq -s --arg file "$1" '[.[] | select(.event == "source" and (.file | endswith($file)))] | length'
}

# A program that runs code of that file name, of two functions. It prints "done".
named() { # FILE-NAME
	cat > named.py <<-END
		source = "def one(): return bytearray(100_000)\ndef two(): return bytearray(200_000)\n"
		exec(compile(source, "$1", "exec"))
		kept = one(), two()
	END
	memrec -f -o t.lz4 -- python3 named.py
	[ "$(memtable --json t.lz4 | jq '[.rows[] | select(.function == "one" or .function == "two")] | length')" -eq 2 ]
}

@test "every line of a program's stacks is in the trace once, as in its file" {
	for python in $(pythons); do
		memrec -f -A -o t.lz4 -- "$python" app.py
		sources t.lz4 | sort -n > lines
		[ "$(cut -d' ' -f1 lines | uniq -d | wc -l)" -eq 0 ]
		while read -r line before text; do
			[ "$before" = 0 ]
			[ "$text" = "$(sed -n "${line}{s/^ *//;p}" app.py)" ]
		done < lines
		grep -qx "4 0     return bytearray(n)   # é" lines
		grep -q '^9 0 .*range(3)' lines
		grep -q '^11 0 kept = ' lines
	done
	# No frame of the program is without its line.
	memcat --json t.lz4 | jq -rs '[.[] | select(.event == "function" and (.file | endswith("app.py"))).function] as $own |
		.[] | select(.event == "frame" and (.function | IN($own[]))).line' | sort -un > framed
	diff framed <(cut -d' ' -f1 lines)
}

@test "--source records neighbours, --no-source nothing; both at once are a mistake" {
	memrec --source=2 -o t.lz4 -- python3 app.py
	[ "$(sources t.lz4 | grep -A4 '^4 2 ')" = '4 2 
def load(n):
    return bytearray(n)   # é

class Store:' ]
	memrec --no-source -f -o t.lz4 -- python3 app.py
	[ -z "$(memcat --json t.lz4 | grep '"event":"source"')" ]
	run -2 memrec --no-source --source=2 -o u.lz4 -- python3 app.py
	run -2 memrec --source=101 -o u.lz4 -- python3 app.py
	run -2 memrec --source=-1 -o u.lz4 -- python3 app.py
}

@test "the first line, the last line, and CR LF; no blanks at the end; long lines are cut" {
	printf 'def one(): return bytearray(100_000)\t \r\nx = "%s"; kept = one(), bytearray(50_000)' "$(printf 'é%.0s' {1..1000})" > odd.py
	memrec --source=3 -o t.lz4 -- python3 odd.py
	[ "$(sources t.lz4 odd.py | head -1)" = '1 0 def one(): return bytearray(100_000)' ] || [ "$(sources t.lz4 odd.py | sed -n 's/^1 0 //p')" = 'def one(): return bytearray(100_000)' ]
	memcat --json t.lz4 | jq -r 'select(.event == "source" and .line == 2 and (.file | endswith("odd.py"))).text' | sed -n 2p > long
	[ "$(wc -c < long)" -le 405 ]
	grep -q 'é…$' long
}

@test "names of other things than small regular files: FIFO, device, folder, /proc, a huge or a binary file, none at all" {
	mkfifo fifo.py
	mkdir folder.py
	truncate -s 10G huge.py
	{ cat app.py; head -c 100000 /dev/zero; } > binary.py
	printf 'def one(): pass\rdef two(): pass\n' > returns.py
	: > empty.py
	for name in "$PWD"/{fifo,folder,huge,binary,returns,empty,absent}.py /dev/zero /proc/self/environ /proc/kmsg /sys/kernel/uevent_seqnum '<string>' '' fifo.py; do
		named "$name"
		[ "$(count_of "$name")" -eq 0 ] || [ "$name" = '' ]
	done
	[ "$(memcat --json t.lz4 | jq -s '[.[] | select(.event == "source" and .file == "")] | length')" -eq 0 ]
}

@test "a file that is not the code that was run has no text: another file of that name, one that changed" {
	printf 'def other(): return 1\ndef two(): pass\n' > another.py
	named "$PWD/another.py"
	[ "$(count_of another.py)" -eq 0 ]
	# A file changes after its first line was read. What is in memory is as it was run; it is not read again.
	cat > changing.py <<-'END'
		import importlib, sys
		def one(): return bytearray(100_000)
		def two(): return bytearray(200_000)
		def three(): return bytearray(300_000)
		kept = [one()]
		print("one", flush=True); input()
		kept.append(two())
		for i in range(80):
		    importlib.import_module("module%d" % i)
		kept.append(three())
	END
	for i in {0..79}; do echo 'def one(): return bytearray(50_000)
kept = one()' > module$i.py; done
	sed 's/def /# a changed line\n&/' changing.py > new.py
	mkfifo in
	memrec -f -o t.lz4 -- python3 -B changing.py < in > out 3>&- &
	started+=("$!")
	recorder=$!
	exec 7> in
	wait_for one out
	for _ in $(seq 400); do sources t.lz4 changing.py 2> /dev/null | grep -q '^2 0 def one' && break; sleep .05; done
	mv new.py changing.py
	echo >&7
	wait $recorder
	sources t.lz4 changing.py > lines
	grep -q '^2 0 def one' lines
	grep -qx '7 0 kept.append(two())' lines
	grep -qx '3 0 def two(): return bytearray(200_000)' lines
	[ "$(sources t.lz4 module79.py | wc -l)" -eq 2 ]
	[ "$(memtable --json t.lz4 | jq '[.rows[] | select(.function == "three")] | length')" -eq 1 ]
	[ "$(grep -c 'three' lines)" -eq 0 ]
}

@test "attached: lines of files that have not changed since the process began" {
	cat > told.py <<-'END'
		import sys
		def work(): return bytearray(100_000)
		kept = []
		print("ready", flush=True)
		for order in sys.stdin:
		    kept.append(work())
		    print("done", flush=True)
	END
	start_told python3 told.py
	if ! memrec -o try.lz4 -p "$pid" -d 0.01 2> why; then
		grep -Eq 'ptrace_scope|forbids' why && skip "$(cat why)"
	fi
	attach
	tell work done
	detach
	[ "$(sources t.lz4 told.py | grep -c '^2 0 def work')" -eq 1 ]
	touch -d '+1 hour' told.py
	attach
	tell work done
	detach
	[ "$(memtable --json t.lz4 | jq '[.rows[] | select(.function == "work")] | length')" -eq 1 ]
	[ "$(count_of told.py)" -eq 0 ]
}

@test "root that records another user's process in several files reads only what that user could" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	user=$(getent passwd nobody > /dev/null && echo nobody) || skip "no user nobody"
	chmod 755 "$BATS_TEST_TMPDIR"
	for folder in "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"; do chmod a+x "$folder"; done
	printf 'def one(): return bytearray(100_000)\n' > secret.py
	chmod 600 secret.py
	cp secret.py open.py
	chmod 644 open.py
	cat > told.py <<-END
		import sys
		code = "def one(): return bytearray(100_000)\n"
		scopes = {}
		for name in "secret", "open":
		    exec(compile(code, "$PWD/%s.py" % name, "exec"), scopes.setdefault(name, {}))
		kept = []
		print("ready", flush=True)
		for order in sys.stdin:
		    kept += [scope["one"]() for scope in scopes.values()]
		    print("done", flush=True)
	END
	setpriv --reuid nobody --clear-groups test -r "$PWD/told.py" || skip "nobody cannot reach the tests' folder"
	start_told setpriv --reuid nobody --clear-groups python3 told.py
	if ! memrec -o try.lz4 -p "$pid" -d 0.01 2> why; then
		grep -Eq 'ptrace_scope|forbids' why && skip "$(cat why)"
	fi
	attach --rotate 1h
	tell work done
	detach
	memcat t.000001.lz4 > t.lz4
	[ "$(memtable --json t.lz4 | jq '[.rows[] | select(.function == "one")] | length')" -ge 1 ]
	[ "$(count_of open.py)" -eq 1 ]
	[ "$(count_of secret.py)" -eq 0 ]
}

@test "filters pass lines on, joined, merged, split, in several files; an anonymous trace has none" {
	memrec -o t.lz4 -- python3 app.py
	sources t.lz4 | sort > lines
	[ "$(wc -l < lines)" -ge 4 ]
	memcat --json t.lz4 | memcat --from-json > u.lz4
	sources u.lz4 | sort | diff lines -
	memgrep --function load t.lz4 | memcat > u.lz4
	sources u.lz4 | sort | diff lines -
	memmerge t.lz4 t.lz4 > u.lz4	# a line of both traces may occur twice
	sources u.lz4 | sort -u | diff lines -
	memsplit-pid -o 'part.%p.lz4' t.lz4
	sources part.*.lz4 | sort | diff lines -
	memrec -o s.lz4 --rotate 10ms -- python3 app.py
	last=$(ls s.0*.lz4 | tail -1)
	sources "$last" | sort | diff lines -
	memcat --anonymize t.lz4 | memcat --json > anonymous
	not grep -q '"event":"source"' anonymous
	not grep -q 'range(3)' anonymous
}

@test "children are followed, with files relative to their own folders" {
	mkdir sub
	cat > sub/worker.py <<-'END'
		def work(): return bytearray(100_000)
		kept = work()
	END
	cat > relative.py <<-'END'
		import os
		os.chdir("sub")
		os.execvp("python3", ["python3", "-c", "exec(compile(open('worker.py').read(), 'worker.py', 'exec'))"])
	END
	memrec -f -o t.lz4 -- python3 relative.py
	memcat --json t.lz4 | jq -r 'select(.event == "source" and .file == "worker.py").text' | grep -qx 'def work(): return bytearray(100_000)'
}

@test "--native: lines of C code that is newer than its source" {
	command -v gcc > /dev/null || skip "no gcc"
	cat > hold.c <<-'END'
		#include <stdlib.h>
		void *hold(size_t n)
		{
			return malloc(n);
		}
	END
	gcc -g -O0 -shared -fPIC -o libhold.so "$PWD/hold.c"
	cat > caller.py <<-END
		import ctypes
		ctypes.CDLL("$PWD/libhold.so").hold(ctypes.c_size_t(100_000))
	END
	memrec -n -f -o t.lz4 -- python3 caller.py
	[ "$(sources t.lz4 hold.c)" = "4 0 return malloc(n);" ]
	touch -d '+1 minute' hold.c
	memrec -n -f -o t.lz4 -- python3 caller.py
	[ "$(count_of hold.c)" -eq 0 ]
}

@test "memtree --source shows each call's line, safe for a terminal" {
	three_lines '# first\n    main, \"all\"\u001b[31m  ' > t.lz4
	[ "$(memtree --source t.lz4 | tail -n +4 | cut -c37-)" = '└─ main (/srv/app.py:10)  main, "all"\x1b[31m
   ├─ load (/srv/app.py:3)  return read()
   └─ load (/srv/app.py:4)' ]
	[ "$(memtree --source --json t.lz4 | jq -c '[.calls[].source]')" = '["main, \"all\"\\x1b[31m","return read()",null]' ]
	[ "$(memtree --json t.lz4 | jq '[.calls[] | select(has("source"))] | length')" -eq 0 ]
	[ "$(memtree --source --by file t.lz4 | tail -n +4 | cut -c37-)" = '└─ /srv/app.py' ]
	# A terminal cuts the text, not the place.
	NO_COLOR=1 python3 "$TESTS/lib/screen.py" 72x10 end show -- memtree --source t.lz4 > screen
	grep -q 'main (.srv.app.py:10)  ma' screen
	[ "$(wc -L < screen)" -le 72 ]
}

@test "memtable --source shows each place's line, as text, CSV and JSON, and while the trace is read" {
	three_lines '# first\n    main, \"all\"\u001b[31m  ' > t.lz4
	[ "$(memtable --source t.lz4 | sed -n '3,5s/.*malloc  *//p')" = 'load at /srv/app.py:3  return read()
load at /srv/app.py:4
main at /srv/app.py:10  main, "all"\x1b[31m' ]
	[ "$(memtable --source --csv t.lz4 | cut -d, -f 12-)" = 'source
return read()

"main, ""all""\x1b[31m"' ]
	[ "$(memtable --source --json t.lz4 | jq -c '[.rows[].source]')" = '["return read()",null,"main, \"all\"\\x1b[31m"]' ]
	[ "$(memtable --source --json --every 1s t.lz4 | jq -c '[.rows[].source]')" = '["return read()",null,"main, \"all\"\\x1b[31m"]' ]
	memtable --csv t.lz4 | head -1 | grep -qx '.*language'
}
