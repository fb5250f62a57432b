# The Python stack of each allocation, with every Python: the stacks that the harness (tests/pystack) captures
# equal sys._getframe(), and a cached walk equals an uncached one.

load lib/common

setup_file() {
	make -s -C "$BATS_TEST_DIRNAME/.." B=build build/tests/pystack-verify.so build/tests/pystack-bench.so build/tests/pystack-embed
	pythons > "$BATS_FILE_TMPDIR/pythons"
}

BUILD="$BATS_TEST_DIRNAME/../build/tests"
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore

# each SCRIPT [ARG...]: runs the script with every Python, under $HARNESS. All must succeed.
each() {
	local python wrong=0
	while read -r python; do
		run env LD_PRELOAD="$BUILD/${HARNESS:-pystack-verify.so}" timeout 60 "$python" "$TESTS/pystack/$1" "${@:2}"
		[ "$status" -eq 0 ] || { echo "$python, status $status: $output"; wrong=1; }
	done < "$BATS_FILE_TMPDIR/pythons"
	[ -s "$BATS_FILE_TMPDIR/pythons" ] && return $wrong
}

# none SCRIPT: the script must report wrong stacks, with every Python.
none() {
	local python right=0
	while read -r python; do
		run env LD_PRELOAD="$BUILD/pystack-verify.so" timeout 60 "$python" "$TESTS/pystack/$1"
		[ "$status" -eq 1 ] && [[ $output == *WRONG* ]] || { echo "$python, status $status: $output"; right=1; }
	done < "$BATS_FILE_TMPDIR/pythons"
	[ -s "$BATS_FILE_TMPDIR/pythons" ] && return $right
}

found() {
	grep -q . < <(while read -r p; do "$p" -c "import sys; sys.exit(sys.version_info[:2] != (3, $1))" && echo "$p"; done < "$BATS_FILE_TMPDIR/pythons") ||
		skip "no CPython 3.$1 here"
}
@test "CPython 3.8 is among those tested" { found 8; }
@test "CPython 3.9 is among those tested" { found 9; }
@test "CPython 3.10 is among those tested" { found 10; }
@test "CPython 3.11 is among those tested" { found 11; }
@test "CPython 3.12 is among those tested" { found 12; }
@test "CPython 3.13 is among those tested" { found 13; }
@test "CPython 3.14 is among those tested" { found 14; }
@test "CPython 3.15 is among those tested" { found 15; }

@test "in some 240 situations a stack equals sys._getframe()'s, with and without the GIL" {
	each stack_test.py
}

@test "the same with a variable layout, as for an unknown patch release" {
	PYSTACK_GENERIC=1 PYSTACK_DEEP=300 each stack_test.py
}

@test "the same if the numbers of stacks begin again all the time" {
	NODES_LIMIT=1024 each stack_test.py
	NODES_LIMIT=1024 each operands.py
	[[ $output == *"'epochs': "[1-9]* ]]
}

@test "known releases are walked with constant offsets" {
	each constant.py
}

@test "one callee from two lines, one generator below two callers: the last stack is not reused" {
	each naive.py
}

@test "the wrong rule 'the top frame looks the same' would be detected" {
	PYSTACK_NAIVE=1 none naive.py
}

@test "every kind of call, left by return and by exception and entered again, at any depth" {
	each operands.py
}

@test "trusting stamps without a check would be detected" {
	local python tried=
	while read -r python; do
		"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || continue
		run env PYSTACK_BLIND=1 LD_PRELOAD="$BUILD/pystack-verify.so" timeout 60 "$python" "$TESTS/pystack/operands.py"
		[ "$status" -eq 1 ] && [[ $output == *WRONG* ]] || { echo "$python, status $status: $output"; return 1; }
		tried=1
	done < "$BATS_FILE_TMPDIR/pythons"
	[ -n "$tried" ] || skip "no Python of 3.11 to 3.13 here"
}

@test "names of dead code objects are forgotten, and equal content keeps its number" {
	PYSTACK_EXECS=700 each stale.py
}

@test "missing the end of code objects would be detected" {
	PYSTACK_STALE=1 PYSTACK_EXECS=300 none stale.py
}

@test "recursion up and down across the boundaries of stack chunks" {
	each osc.py 1 8
}

@test "a debugger that moves a frame, by sys.settrace and by sys.monitoring" {
	each debugger.py
}

@test "trusting marks while a debugger is active would be detected" {
	PYSTACK_TRUSTING=1 none debugger.py
}

@test "threads without the GIL, short threads, daemons at the interpreter's shutdown, forks from threads" {
	each threads.py
}

@test "sub-interpreters" {
	each subinterpreters.py
}

@test "every object allocation of the interpreter, including its startup and shutdown" {
	PYTHONMALLOC=malloc each naive.py
	PYTHONMALLOC=malloc each subinterpreters.py
}

@test "an allocation at each of 100,000 levels of recursion takes linear time" {
	HARNESS=pystack-bench.so each deep.py
}

@test "without memory for our tables there are no stacks, and the program is unharmed" {
	for pages in 0 300000 600000; do
		PYSTACK_PAGES=$pages HARNESS=pystack-bench.so each starved.py
	done
}

@test "a libpython opened late, with local symbols or not, is found" {
	local python library home wrong=0
	while read -r python; do
		home=$("$python" -c 'import sys; print(sys.base_prefix)')
		library=$("$python" -c 'import sysconfig as s; print("%s/%s" % (s.get_config_var("LIBDIR"), s.get_config_var("INSTSONAME")))')
		[[ $library == *.so* && -e $library ]] || continue
		for how in local global; do
			run env LD_PRELOAD="$BUILD/pystack-verify.so" PYTHONHOME="$home" timeout 60 "$BUILD/pystack-embed" "$library" $how
			[ "$status" -eq 0 ] || { echo "$library $how, status $status: $output"; wrong=1; }
		done
	done < "$BATS_FILE_TMPDIR/pythons"
	return $wrong
}

@test "a build whose layout differs from its version's: one warning, no stacks, the program is unharmed" {
	PYSTACK_ODD=1 each odd.py
}

@test "a Python that is too old is named once, and continues" {
	local python
	for python in "$HOME"/.pyenv/versions/{2.*,3.6.*,3.7.*}/bin/python; do
		[ -x "$python" ] || continue
		run env LD_PRELOAD="$BUILD/pystack-verify.so" "$python" -c 'import ctypes; lib = ctypes.PyDLL(None); lib.pt_warning.restype = ctypes.c_char_p; c = (ctypes.c_uint64 * 9)(); lib.pt_counts(c); print(lib.pt_warning()); print(lib.pt_capture()); print(c[6])'
		[ "$status" -eq 0 ] || { echo "$output"; return 1; }
		[[ ${lines[0]} == *"Python before 3.8 is not supported"* && ${lines[1]} == 0 && ${lines[2]} == 1 ]] || { echo "$output"; return 1; }
		local tried=1
	done
	[ -n "${tried:-}" ] || skip "no Python before 3.8 here"
}

@test "CPython's own tests of generators and tracing, each allocation compared" {
	local python module tried=
	while read -r python; do
		"$python" -c 'import test.test_generators' 2> /dev/null || continue
		rm -f report
		for module in test_generators test_sys_settrace; do
			run env LD_PRELOAD="$BUILD/pystack-verify.so" PYSTACK_REPORT="$PWD/report" timeout 60 "$python" -m test -q $module
		done
		[ -s report ] && ! grep -v ' mismatches 0 .* disorder 0 ' report || { echo "$python: $output"; return 1; }
		tried=1
	done < "$BATS_FILE_TMPDIR/pythons"
	[ -n "$tried" ] || skip "no Python here has its test package"
}
