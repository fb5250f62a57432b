# memrec --native: C frames, their names, and Python frames among them.

load lib/common

VERIFY=${MEMREC_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/native-verify.so

# Runs a command, comparing the walker with libunwind at each allocation; prints the counts of all its processes.
compare() {
	rm -f counts
	LD_PRELOAD=$VERIFY NATIVE_REPORT=$PWD/counts "$@" > /dev/null
	cat counts
}

agrees() {
	compare "$@"
	grep -q '^captures' counts
	not grep -v 'different 0 disorder 0$' counts
}

# Prints a Python with numpy, if there is one.
numpy_python() {
	for python in $NUMPY_PYTHON $(pythons); do
		"$python" -c 'import numpy' 2> /dev/null && echo "$python" && return
	done
	true
}

json() { # TRACE OUTPUT
	memcat --json "$1" > "$2"
}

# Prints "function:line (file)" of the stack of the allocation of SIZE bytes, innermost first.
stack_of() { # TRACE SIZE
	memcat --json "$1" | jq -rn --argjson size "$2" '
		reduce inputs as $e ({f: {}, l: {}, s: {"0": []}, out: []};
			if $e.event == "function" then .f[$e.function | tostring] = $e
			elif $e.event == "frame" then .l[$e.frame | tostring] = $e
			elif $e.event == "stack" then .s[$e.stack | tostring] = [$e.frame] + .s[$e.parent | tostring]
			elif $e.event == "alloc" and $e.size == $size then .out = .s[$e.stack | tostring]
			else . end) | . as $t | .out[] | $t.l[tostring] as $l | $t.f[$l.function | tostring] as $f
			| "\($f.name):\($l.line) (\($f.file | split("/") | last // ""))"'
}

@test "the walker's frames equal libunwind's: sqlite3, json, re" {
	agrees env PYTHONMALLOC=malloc /usr/bin/python3 "$TESTS/native/objects.py"
	agrees env NODES_LIMIT=1024 PYTHONMALLOC=malloc /usr/bin/python3 "$TESTS/native/objects.py"
	grep -q 'epochs [1-9]' counts
}

# Prints the messages of memrec -n -A for a run with every Python, comparing every third hit of the walk cache with a walk.
cached_walks() { # SCRIPT [ARG...]
	local python
	while read -r python; do
		echo "$python"
		"${VERIFY%/*}/verify/bin/memrec" -n -A -f -o t.lz4 -- "$python" "$TESTS/$1" "${@:2}" 2>&1 | grep -E 'cached walk led elsewhere|evaluators are different|proved unchanged|^done$'
	done < <(pythons)
}

@test "a cached walk equals a fresh walk: calls of every kind, with every Python" {
	export PYSTACK_SEEDS=10
	run cached_walks pystack/operands.py alone
	[ "$(grep -c '^done$' <<< "$output")" -eq "$(pythons | wc -l)" ] && [[ $output != *elsewhere* && $output != *different* ]]
}

@test "an exception thrown into a generator that waits for another: each Python frame in its place, with every Python" {
	run cached_walks native/generators.py
	[ "$(grep -c '^done$' <<< "$output")" -eq "$(pythons | wc -l)" ] && [[ $output != *different* ]]
	while read -r python; do
		memrec -n -f -o t.lz4 -- "$python" "$TESTS/native/generators.py" | grep allocate > expected
		for size in 3001 5001; do
			stack_of t.lz4 $size | grep '(generators.py)' | sed 's/:.*//; s/.*[.]//' | paste -sd' '
		done > stacks
		grep -q '^allocate inner ' expected
		diff expected stacks
	done < <(pythons)
}

# Prints size and functions f<i> of each allocation of 20000 to 20039 bytes, outermost first.
paths() { # TRACE
	memcat --json "$1" | python3 -c '
import json, re, sys
functions, frames, stacks = {}, {}, {0: ()}
for row in map(json.loads, sys.stdin):
    kind = row["event"]
    if kind == "function":
        functions[row["function"]] = row["name"]
    elif kind == "frame":
        frames[row["frame"]] = functions[row["function"]]
    elif kind == "stack":
        stacks[row["stack"]] = stacks[row["parent"]] + (frames[row["frame"]],)
    elif kind == "alloc" and 20000 <= row["size"] < 20040:
        print(row["size"], *(f for f in stacks[row.get("stack", 0)] if re.fullmatch("f[0-9]+", f)))'
}

@test "if the numbers of stacks begin again all the time, each allocation still has its stack, in each thread" {
	local python options few many
	while read -r python; do
		for options in "" -n -A "-n -A"; do
			[ "$options" = "-n -A" ] || [ "$python" = "$(pythons | head -1)" ] || continue
			NODES_LIMIT=1024 "${VERIFY%/*}/verify/bin/memrec" $options -f -o few.lz4 -- "$python" "$TESTS/native/epochs.py" 4 2000 > expected 2> errors
			[[ $(< errors) != *elsewhere* && $(< errors) != *different* ]]
			paths few.lz4 | sort > stacks
			[ "$(wc -l < stacks)" -eq 8000 ]
			diff <(sort expected) stacks
		done
		memrec -n -A -f -o many.lz4 -- "$python" "$TESTS/native/epochs.py" 4 2000 > expected
		few=$(memcat --json few.lz4 | jq 'select(.event == "exit") | .info.recorder_bytes')
		many=$(memcat --json many.lz4 | jq 'select(.event == "exit") | .info.recorder_bytes')
		echo "$python: $few bytes instead of $many"
		[ "$few" -lt "$many" ]
	done < <(pythons)
}

# Prints a field of the recorder's status, in kB, as its program sees it at the end.
recorder() {
	local field=$1
	shift
	"$@" | awk -v field="$field:" '$1 == field { print $2 }'
}

@test "the recorder's memory does not grow with the number of different stacks" {
	local python few many
	python=$(pythons | head -1)
	for options in -A "-n -A"; do
		few=$(NODES_LIMIT=16384 recorder VmHWM "${VERIFY%/*}/verify/bin/memrec" $options -f -o few.lz4 -- "$python" "$TESTS/native/many_stacks.py" 20000)
		many=$(NODES_LIMIT=16384 recorder VmHWM "${VERIFY%/*}/verify/bin/memrec" $options -f -o many.lz4 -- "$python" "$TESTS/native/many_stacks.py" 100000)
		echo "$options: $few kB, with five times as many $many kB"
		[ "$many" -lt $((few + 1024)) ]
	done
	# Those that were defined again are one stack to a reader.
	memslice --span script many.lz4 | memfold | sed 's/ [0-9]*$//' | sort | uniq -d > twice
	[ ! -s twice ]
}

@test "the recorder does not keep the object files in memory that it has read" {
	local python plain native
	python=$(pythons | head -1)
	cat > imports.py <<-'END'
		import asyncio, ctypes, decimal, json, lzma, sqlite3, ssl, xml.etree.ElementTree, os
		json.loads("[1, 2]")
		print(open("/proc/%d/status" % os.getppid()).read())
	END
	plain=$(recorder RssFile memrec -f -o t.lz4 -- "$python" imports.py)
	native=$(recorder RssFile memrec -n -A -f -o t.lz4 -- "$python" imports.py)
	echo "$plain kB, with C stacks $native kB"
	[ "$native" -lt $((plain + 3072)) ]
}

@test "using a cached walk without checking it would be detected" {
	PYSTACK_SEEDS=2 NATIVE_BLIND=1 run cached_walks pystack/operands.py alone
	[[ $output == *elsewhere* ]]
}

@test "frames that proofs spare from rereading are unchanged: deep recursion through C of many kinds, with every Python" {
	run cached_walks native/recursions.py 300
	[ "$(grep -c '^done$' <<< "$output")" -eq "$(pythons | wc -l)" ]
	[[ $output != *elsewhere* && $output != *different* && $output != *unchanged* ]]
}

@test "deep recursion that differs only in its oldest frames has two stacks; to assume that it took no time would have been caught" {
	cc -g -O2 -o two_ways "$TESTS/native/two_ways.c"
	run -0 "${VERIFY%/*}/verify/bin/memrec" -n -f -o t.lz4 -- ./two_ways 20000
	[[ $output != *unchanged* ]]
	memcat --json t.lz4 | jq -r 'select(.size == 100) | .stack' | sort | uniq -c > stacks
	[ "$(awk '{ print $1 }' stacks | xargs)" = "50 50" ]
	NATIVE_BLIND=1 run "${VERIFY%/*}/verify/bin/memrec" -n -f -o t.lz4 -- ./two_ways 20000
	[[ $output == *unchanged* ]]
}

@test "the walker's frames equal libunwind's: numpy" {
	python=$(numpy_python)
	[ -n "$python" ] || skip "no Python with numpy (name one in NUMPY_PYTHON)"
	agrees env PYTHONMALLOC=malloc "$python" "$TESTS/native/arrays.py"
}

@test "the walker's frames equal libunwind's: C++ exceptions through frames of every kind, 8 threads" {
	c++ -O2 -o throwing "$TESTS/native/throwing.cpp" -lpthread
	agrees ./throwing
}

@test "the walker's frames equal libunwind's: used and unused frame pointers, stale return addresses" {
	cc -O2 -o depths "$TESTS/native/depths.c"
	agrees ./depths
}

@test "the walker's frames equal libunwind's: libraries loaded and unloaded, signals, a signal stack, threads" {
	cc -D_GNU_SOURCE -O2 -o loading "$TESTS/native/loading.c" -lpthread
	for n in 1 2; do
		cc -O1 -shared -fPIC -DN=$n -o plugin$n.so "$TESTS/native/plugin.c"
	done
	export NATIVE_STEP=1
	agrees ./loading ./plugin1.so ./plugin2.so
	# The comparison can fail: without flushing it does.
	NATIVE_NO_FLUSH=1 compare ./loading ./plugin1.so ./plugin2.so
	grep -q 'different [1-9]' counts
}

@test "the walker on aarch64 agrees with backtrace(): with and without frame pointers, signed return addresses" {
	command -v aarch64-linux-gnu-gcc > /dev/null && command -v qemu-aarch64 > /dev/null || skip "no aarch64-linux-gnu-gcc with qemu-aarch64"
	root=$TESTS/..
	for flags in -O2 -O0 "-O3 -fomit-frame-pointer" "-O2 -fno-omit-frame-pointer -mbranch-protection=standard"; do
		aarch64-linux-gnu-gcc -std=gnu11 -D_GNU_SOURCE -I"$root/format" -I"$root/record" -I"$root/record/agent" -I"$root/record/agent/native" -I"$TESTS/unit" -g $flags \
			-o walker "$TESTS/unit/cfi.c" "$root/record/agent/native/cfi.c"
		run -0 qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu ./walker
		[ "$(grep -c '^ok' <<< "$output")" -eq 3 ]
	done
}

@test "exceptions are still unwound by libgcc" {
	c++ -O2 -o throwing "$TESTS/native/throwing.cpp" -lpthread
	LD_DEBUG=bindings LD_DEBUG_OUTPUT=bind run --separate-stderr memrec --native -f -o t.lz4 -- ./throwing
	[ "$output" = 16000 ]
	grep -hq 'libstdc++.*to .*libgcc_s.*_Unwind_RaiseException' bind.*
	[ -z "$(grep -h '_Unwind_' bind.* | grep 'to .*\(libunwind\|libmemrec\)')" ]
}

@test "functions (also inlined ones), files and lines of a program with debug information" {
	cc -O2 -g -o known "$TESTS/native/known.c"
	memrec --native -o t.lz4 -- ./known
	run stack_of t.lz4 1234
	[ "${lines[0]}" = "small:7 (known.c)" ]
	[ "${lines[1]}" = "alpha:10 (known.c)" ]
	[ "${lines[2]}" = "beta:16 (known.c)" ]
	[ "${lines[3]}" = "main:25 (known.c)" ]
	memcat --json t.lz4 | head -1 | jq -e '.options.native'
	run stack_of t.lz4 1357
	[[ "${lines[0]}" == *strdup*":0 ()" ]]		# for the C library a name without a version, and no line
	[ "${lines[1]}" = "main:26 (known.c)" ]
	memcat --json t.lz4 | jq -e 'select(.event == "process" and (.info.module // "" | endswith("/known"))) | .info.build_id | length == 40' | grep -q true
}

@test "libdw reads line tables that our reader does not support" {
	cc -O2 -gdwarf-5 -o known "$TESTS/native/known.c"
	objcopy -O binary --only-section=.debug_line --set-section-flags .debug_line=alloc known lines
	printf '\2' | dd of=lines bs=1 seek=29 conv=notrunc status=none	# an unused opcode has two operands
	objcopy --update-section .debug_line=lines known odd
	run -1 cmp -s known odd
	memrec --native -o t.lz4 -- ./odd
	run stack_of t.lz4 1234
	[ "${lines[0]}" = "small:7 (known.c)" ]
	[ "${lines[1]}" = "alpha:10 (known.c)" ]
}

@test "a stripped program's functions are program+0xoffset, an offset that addr2line accepts" {
	cc -O2 -g -o known "$TESTS/native/known.c"
	cp known whole
	strip known
	memrec --native -o t.lz4 -- ./known
	run stack_of t.lz4 1234
	[[ "${lines[0]}" =~ ^known\+0x([0-9a-f]+):0 ]]
	addr2line -f -e whole "${BASH_REMATCH[1]}" | grep -qx small
}

@test "separate debug information is found by its debug link" {
	cc -O2 -g -o known "$TESTS/native/known.c"
	objcopy --only-keep-debug known known.debug
	strip known
	objcopy --add-gnu-debuglink=known.debug known
	memrec --native -o t.lz4 -- ./known
	run stack_of t.lz4 1234
	[ "${lines[1]}" = "alpha:10 (known.c)" ]
}

@test "names of C++ and Rust are demangled" {
	c++ -O1 -o names "$TESTS/native/names.cpp"
	memrec --native -o t.lz4 -- ./names
	stack_of t.lz4 1001 | head -1 | grep -qF 'space::Box<long>::take(long, char const*)'
	stack_of t.lz4 1002 | head -1 | grep -qF 'alpha::beta::gamma:'
	stack_of t.lz4 1003 | head -1 | grep -qF 'mycrate::foo'
}

@test "a trace reads the same after its binaries were deleted" {
	cc -D_GNU_SOURCE -O1 -g -shared -fPIC -DN=1 -o plugin1.so "$TESTS/native/plugin.c"
	cp plugin1.so plugin2.so
	cc -D_GNU_SOURCE -O2 -g -o loading "$TESTS/native/loading.c" -lpthread
	run memrec --native -o t.lz4 -- ./loading ./plugin1.so ./plugin2.so
	json t.lz4 before
	grep -q '"name":"plugin".*plugin1.so' before
	grep -q '"name":"plugin".*plugin2.so' before
	rm loading plugin1.so plugin2.so
	json t.lz4 after
	cmp before after
}

@test "Python frames are in their places among C frames, with every Python" {
	local failed=()
	for python in $(pythons); do
		memrec -f -o p.lz4 -- "$python" "$TESTS/native/calls.py"
		memrec -f --native -o n.lz4 -- "$python" "$TESTS/native/calls.py"
		json p.lz4 p.json
		json n.lz4 n.json
		run python3 "$TESTS/native/check_calls.py" p.json n.json
		[ "$status" -eq 0 ] || { echo "$python: $output"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

# Prints a Python with symbols, if there is one.
named_python() {
	for python in $(pythons); do
		[ "$(nm "$python" 2> /dev/null | grep -c ' _PyEval_EvalFrameDefault$')" -eq 0 ] || { echo "$python"; return; }
	done
}

@test "an interpreter whose instructions are functions that call one another: none of them is in a stack" {
	python=$(named_python)
	[ -n "$python" ] || skip "no Python with symbols (make pythons)"
	# Gives such names, in place, to its functions that make calls; those linked by name keep theirs.
	/usr/bin/python3 - "$python" tail <<-'END'
		import re, subprocess, sys
		whole = open(sys.argv[1], "rb").read()
		sections = subprocess.run(["readelf", "-SW", sys.argv[1]], capture_output=True, text=True).stdout
		start, size = (int(n, 16) for n in re.search(r" \.dynstr +\S+ +\S+ +(\S+) +(\S+)", sections).groups())
		def renamed(found):
		    keep = start <= found.start() < start + size
		    return found[0] if keep else b"_TAIL_CALL_".ljust(len(found[0]), b"X")
		names = rb"(?<=\0)(?=[^\0]{11})_?Py\w*(ectorcall|MakeTpCall|Call\w*_StackRef)[\w.]*(?=\0)"
		open(sys.argv[2], "wb").write(re.sub(names, renamed, whole).replace(b"\0.debug_", b"\0.hidden"))	# symbols only
	END
	chmod +x tail
	PYTHONHOME=$("$python" -c 'import sys; print(sys.prefix)') memrec -n -f -o t.lz4 -- ./tail "$TESTS/native/calls.py"
	memfold --total --count t.lz4 > stacks
	grep -q '_PyRun_\|PyRun_\|Py_RunMain' stacks
	run grep -o 'calls.py:[0-9]*);_TAIL_CALL_[^;]*;[^;]*' stacks
	[ -z "$output" ]
}

# Sums up folded lines without their C frames (which are in brackets).
by_python_stack() {
	awk '{
		count = $NF
		n = split(substr($0, 1, length($0) - length(count) - 1), frame, ";")
		stack = ""
		for (i = 1; i <= n; i++)
			if (frame[i] !~ /\]$/)
				stack = stack ";" frame[i]
		if (stack != "")	# not allocations before Python starts
			sum[stack] += count
	}
	END { for (stack in sum) print stack, sum[stack] }' | sort
}

@test "without its C frames each stack equals that of a recording without C, with every Python" {
	while read -r python; do
		"$python" -I -S "$TESTS/native/generators.py" > /dev/null	# so that its modules are compiled before both recordings
		for mode in "" -n; do
			PYTHONHASHSEED=0 setarch -R memrec -A $mode -f -o "t$mode.lz4" -- "$python" -I -S "$TESTS/native/generators.py"
			memfold --total --count "t$mode.lz4" | by_python_stack > "stacks$mode"
		done
		[ "$(wc -l < stacks)" -gt 1000 ]
		diff stacks stacks-n
	done < <(pythons)
}

@test "numpy.zeros and numpy.linalg.svd: the C function is directly below its Python caller" {
	python=$(numpy_python)
	[ -n "$python" ] || skip "no Python with numpy (name one in NUMPY_PYTHON)"
	memrec --native -o t.lz4 -- "$python" "$TESTS/native/arrays.py"
	json t.lz4 t.json
	run -0 python3 "$TESTS/native/check_arrays.py" t.json
}

@test "greenlets: each has its own Python frames, whatever was on the stack before" {
	python=
	for p in $NUMPY_PYTHON $(pythons); do
		"$p" -c 'import greenlet' 2> /dev/null && python=$p && break
	done
	[ -n "$python" ] || skip "no Python with greenlet"
	memrec -f -o p.lz4 -- "$python" "$TESTS/native/greenlets.py"
	memrec -f --native -o n.lz4 -- "$python" "$TESTS/native/greenlets.py"
	json p.lz4 p.json
	json n.lz4 n.json
	run -0 python3 "$TESTS/native/check_greenlets.py" p.json n.json
}

@test "the cost of deep Python stacks is proportional to their depth, with and without C frames" {
	cat > deep.py <<-'END'
		import sys
		sys.setrecursionlimit(10**6)
		def rec(n):
		    x = (n,)
		    return rec(n - 1) if n else 0
		rec(int(sys.argv[1]))
	END
	cost() { # the recorder's instructions at this depth
		valgrind --tool=callgrind --callgrind-out-file=/dev/null memrec -n -A -f -o deep.lz4 -- python3 deep.py "$1" 2>&1 |
			sed -n 's/.*Collected : //p'
	}
	a=$(cost 2000) b=$(cost 4000) c=$(cost 8000)
	echo "$a $b $c"
	# If it is proportional, the second step costs twice the first; if quadratic, four times.
	[ $((c - b)) -lt $((3 * (b - a))) ]
}

@test "deep recursion through C and Python costs in proportion to its depth, with every Python, and so does merging deep C stacks" {
	cat > recursion.py <<-'END'
		import os, resource, sys, threading
		sys.setrecursionlimit(10**6)
		threading.stack_size(1 << 30)
		def rec(n):
		    x = (n,)
		    return rec(n - 1) if n else 0
		def nest(n): return sorted([1], key=lambda _: nest(n - 1) if n else len(bytearray(4000)))[0]
		def lists(n):
		    x = []
		    for _ in range(n): x = [x]
		    repr(x)
		    while x: x = x[0]
		threading.excepthook = lambda _: os._exit(1)
		t = threading.Thread(target=globals()[sys.argv[1]], args=(int(sys.argv[2]),))
		t.start()
		t.join()
		print(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
	END
	local python kind
	# The square of the depth would take 16 times as much, 20 seconds for each.
	while read -r python; do
		for kind in "rec 5000 20000" "nest 2000 8000"; do
			set -- $kind
			# Some releases limit recursion through C; from 3.14 on no Python frame proves its C frames (evaluators.c).
			[ "$1" = rec ] || "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 14))' || continue
			"$python" recursion.py "$1" "$3" > /dev/null 2>&1 || continue
			a=$(memrec -n -A -f -o r.lz4 -- "$python" recursion.py "$1" "$2")
			b=$(memrec -n -A -f -o r.lz4 -- "$python" recursion.py "$1" "$3")
			echo "$python $1: $a $b"
			awk -v a="$a" -v b="$b" 'BEGIN { exit !(b < 4 * a + 2) }'
		done
	done < <(pythons)
	python=/usr/bin/python3
	cost() { # the recorder's instructions at this depth
		valgrind --tool=callgrind --callgrind-out-file=/dev/null memrec -n -A -f -o r.lz4 -- "$python" recursion.py lists "$1" 2>&1 |
			sed -n 's/.*Collected : //p'
	}
	a=$(cost 500) b=$(cost 1000) c=$(cost 2000)
	echo "$a $b $c"
	[ $((c - b)) -lt $((3 * (b - a))) ]
}
