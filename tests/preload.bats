# LD_PRELOAD belongs to the program: every program it executes gets the environment it asked for, except for our entry;
# and another allocator in the list, before or after ours, keeps its blocks.

load lib/common

setup_file() {
	local t=$BATS_TEST_DIRNAME/preload piece
	cd "$BATS_FILE_TMPDIR" || return 1
	cc -Wall -D_GNU_SOURCE -o rounds "$t/rounds.c"
	cc -Wall -D_GNU_SOURCE -o dump "$t/dump.c"
	cc -Wall -D_GNU_SOURCE -static -o dump-static "$t/dump.c"
	for piece in one two; do cc -shared -fPIC -o lib$piece.so -x c - <<< "int ${piece}_is_here = 1;"; done
	c++ -std=c++17 -O1 -fno-builtin -o blocks "$t/blocks.cpp" -ldl
	cc -O1 -fno-builtin -c "$t/own.c"
	c++ -std=c++17 -O1 -fno-builtin -rdynamic -o blocks-own "$t/blocks.cpp" own.o -ldl
	AGENT=$(realpath "$(dirname "$(command -v memrec)")/..")/lib/memrec/libmemrec.so
	export AGENT PIECES=$BATS_FILE_TMPDIR
	# PRELOAD_ROUNDS=10000 tests/run preload
	export ROUNDS=${PRELOAD_ROUNDS:-200}
}

# Prints the environment that a recorded program sees, after ours was removed.
without_ours() {
	sed "s|^LD_PRELOAD=$AGENT[: ]|LD_PRELOAD=|; \|^LD_PRELOAD=$AGENT\$|d; /^MEMREC_AGENT=/d" "$1"
}

same() { # FILE FILE
	cmp "$1" "$2" || { diff "$1" "$2" | cut -c1-200 | head -20; return 1; }
}

dumps() {
	memcat --json t.lz4 | grep -c '"size":777777,'
}

# Runs the program with BASE in LD_PRELOAD ("unset": without).
under() { # BASE COMMAND...
	if [ "$1" = unset ]; then env -u LD_PRELOAD "${@:2}"; else env LD_PRELOAD="$1" "${@:2}"; fi
}

rounds() { # BASE LISTS
	local p=$PIECES r="$PIECES/rounds ${SEED:-1} $ROUNDS $2"
	under "$1" $r "$p/dump" "$p/dump-static" > plain 2>&1
	under "$1" memrec -f -o t.lz4 -- $r "$p/dump" "$p/dump-static" > recorded 2>&1
	[ "$(grep -c '^pieces' plain)" -eq "$ROUNDS" ]
	same plain recorded
	under "$1" $r "$p/dump" > plain 2>&1
	under "$1" memrec --follow-fork -f -o t.lz4 -- $r "$p/dump" > recorded 2>&1
	same <(without_ours plain) <(without_ours recorded)
	[ "$(dumps)" -eq "$ROUNDS" ]
}

@test "random environments, every way to execute: children get the same as without memrec; LD_PRELOAD was not set" {
	rounds unset ends
}

@test "the same if LD_PRELOAD was empty, and our entry is anywhere in the list" {
	rounds "" any
}

@test "the same if LD_PRELOAD named a library" {
	rounds "$PIECES/libtwo.so" any
}

@test "a program that repeatedly executes itself in random environments is recorded each time, and sees the same" {
	local option seed=$(printf '%08d' "${SEED:-1}") n=$(printf '%08d' "$ROUNDS")
	env -i PIECES="$PIECES" "$PIECES/rounds" "$seed" "$n" chain x > plain 2> plain.err
	for option in --verbose --follow-fork; do
		env -i PIECES="$PIECES" "$(command -v memrec)" $option -f -o t.lz4 -- "$PIECES/rounds" "$seed" "$n" chain x > recorded 2> err
		same <(without_ours plain) <(without_ours recorded)
		same plain.err <(grep -v '^memrec: ' err)
		[ "$(dumps)" -eq $((ROUNDS + 1)) ]
	done
}

@test "a long environment next to a short LD_PRELOAD is not read past its end" {
	cat > long.py <<-'END'
		import os, subprocess
		os.environ["BIG"] = "A" * 60000
		for preload in None, "", "x", "x.so:y.so":
		    os.environ.pop("LD_PRELOAD", None)
		    if preload is not None: os.environ["LD_PRELOAD"] = preload
		    for run in (lambda: subprocess.run(["env"], stderr=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout, lambda: os.popen("env 2> /dev/null").read()):
		        print([line[:100] for line in run().splitlines() if "PRELOAD" in line or "MEMREC" in line])
		pid = os.posix_spawn("/bin/echo", ["echo", "spawned"], os.environ)
		print(os.waitpid(pid, 0)[1])
	END
	env -u LD_PRELOAD python3 long.py > plain 2> /dev/null
	memrec -o t.lz4 -- python3 long.py > recorded 2> /dev/null
	same plain recorded
}

@test "memrec under memrec: each records its own" {
	memrec -o outer.lz4 -- memrec -o inner.lz4 -- python3 -c 'x = bytearray(7777777)'
	[ "$(memcat --json inner.lz4 | grep -c '"size":7777778,')" -eq 1 ]
	[ "$(memcat --json outer.lz4 | grep -c '"size":7777778,')" -eq 0 ]
}

# Debian's file of each allocator.
allocators() {
	local file
	for file in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2.0 libtbbmalloc_proxy.so.2; do
		ls /usr/lib/*/$file
	done
}

kept() { # the sizes left by `keep` in blocks.cpp, one of each
	memcat --json t.lz4 | jq -r 'select(.event == "alloc" and .size >= 4000001 and .size <= 4000101) | .size' | sort -n | tr '\n' ' '
}
EACH="4000001 4000011 4000021 4000031 4000041 4000061 4000064 4000071 "
NEW="4000081 4000091 4000101 "

# The blocks of every function, those of C++'s operators too, except TBB's; and whatever was freed is not left.
is_recorded() { # ALLOCATOR
	local expected=$EACH$NEW
	[[ $1 != *tbb* ]] || expected=$EACH
	[ "$(kept)" = "$expected" ] || { echo "$1: $(kept)"; return 1; }
	[ "$(memleak t.lz4 | memcat --json | grep -c '"size":1100000,')" -eq 0 ]
}

@test "jemalloc, tcmalloc, mimalloc, TBB preloaded by the user or a start script, before or after us: they work, and are recorded" {
	local allocator option script
	for allocator in $(allocators); do
		env LD_PRELOAD="$allocator" "$PIECES/blocks"
		for option in --verbose --native --trace-python-allocators; do
			env LD_PRELOAD="$allocator" memrec $option -f -o t.lz4 -- "$PIECES/blocks" 2> err
			is_recorded "$allocator"
		done
		for script in "LD_PRELOAD=$allocator\${LD_PRELOAD:+:\$LD_PRELOAD}" "LD_PRELOAD=\${LD_PRELOAD:+\$LD_PRELOAD:}$allocator" "LD_PRELOAD=$allocator"; do
			memrec -f -o t.lz4 -- sh -c "export $script; exec $PIECES/blocks"
			is_recorded "$script"
			memrec --follow-fork -f -o t.lz4 -- sh -c "$script $PIECES/blocks; true"
			is_recorded "$script, a child"
		done
	done
}

@test "if the loader puts another allocator before us, every block goes back to its allocator" {
	local allocator
	for allocator in $(allocators); do
		env LD_PRELOAD="$allocator:$AGENT" "$PIECES/blocks"
	done
	cat > shell.py <<-'END'
		import os, sys
		os.environ["LD_PRELOAD"] = sys.argv[1] + ":" + os.environ.get("LD_PRELOAD", "")
		sys.exit(os.system(sys.argv[2]) != 0)
	END
	for allocator in $(allocators); do
		memrec -f -o t.lz4 -- python3 shell.py "$allocator" "$PIECES/blocks"
		memrec --follow-fork -f -o t.lz4 -- python3 shell.py "$allocator" "$PIECES/blocks"
		[[ $(kept) == "$EACH"* ]]
	done
}

@test "a program with its own malloc keeps it, and none of its blocks is recorded" {
	memrec -o t.lz4 -- "$PIECES/blocks-own" throw
	[ -z "$(kept)" ]
}

@test "Python with a preloaded jemalloc, tcmalloc, mimalloc, TBB: its memory is recorded as malloc's, at its line" {
	local allocator
	cat > grab.py <<-'END'
		def grab(): return bytearray(5000000)
		x = grab()
	END
	for allocator in $(allocators); do
		memrec -f -o t.lz4 -- sh -c "export LD_PRELOAD=$allocator:\$LD_PRELOAD; exec python3 grab.py"
		memfold t.lz4 | grep -q 'grab.* 5000001$'
	done
}
