# Python loaded late: a program that opens libpython, or a plugin linked with it, after any number of allocations.

load lib/common

setup_file() {
	cc -o "$BATS_FILE_TMPDIR/host" "$BATS_TEST_DIRNAME/late/host.c" -ldl
}

# For each shared libpython: FUNCTION, with LIBRARY and PYTHONHOME set.
each_library() {
	local python wrong=0
	while read -r python; do
		unset PYTHONHOME
		LIBRARY=$("$python" -c 'import sysconfig as s; print("%s/%s" % (s.get_config_var("LIBDIR"), s.get_config_var("INSTSONAME")))')
		export PYTHONHOME=$("$python" -c 'import sys; print(sys.base_prefix)')
		[[ $LIBRARY == *.so* && -e $LIBRARY ]] || continue
		"$1" || { echo "$LIBRARY: $1"; wrong=1; }
	done < <(pythons)
	return $wrong
}

# Checks that the 20 blocks of 1 MB are recorded, each at its line.
recorded() { # N LIBRARY [BROKEN]
	local option
	for option in --verbose --native --trace-python-allocators; do
		run memrec $option -f -o t.lz4 -- "$BATS_FILE_TMPDIR/host" "$@"
		[ "$status" -eq 0 ] && [[ "$output" == *20* ]] || { echo "$option $*: status $status: $output"; return 1; }
		[ "$(memcat --json t.lz4 | grep -cE '"size":10000[0-9]{2},')" -eq 20 ] || { echo "$option $*: another number of blocks"; return 1; }
		[ "$(memfold t.lz4 | grep 'grab' | awk '{ sum += $NF } END { print (sum >= 20000190 && sum < 20100000) }')" = 1 ] || { echo "$option $*: blocks without stack"; return 1; }
	done
}

@test "libpython opened after 0, 5000 or 100,500 allocations: every block has its stack, with each option" {
	opened() {
		local n
		for n in 0 5000 100500; do recorded $n "$LIBRARY" || return 1; done
	}
	each_library opened
}

plugin() { # NAME [OPTION]
	cc -shared -fPIC ${2:-} -o "$1" "$TESTS/late/plugin.c" "$LIBRARY" -Wl,-rpath,"$(dirname "$LIBRARY")"
}

@test "the same for a plugin linked with libpython, after any number of allocations" {
	linked() {
		local n
		plugin plugin.so || return 1
		for n in 0 3 15 500; do recorded $n "$PWD/plugin.so" || return 1; done
	}
	each_library linked
}

@test "a library that loads libpython and then fails to load is harmless, and the next libpython is found" {
	broken() {
		plugin broken.so -DBROKEN || return 1
		recorded 0 "$LIBRARY" "$PWD/broken.so" && recorded 5000 "$LIBRARY" "$PWD/broken.so"
	}
	each_library broken
}
