# The bytes of libraries with allocators of their own, by their own account and by ours: within 1 %.

load lib/common

# Prints a row: the library's bytes, and ours: of what its own allocator, or code below make(), holds.
row() { # NAME ALLOCATOR [OPTION...]
	local name=$1 allocator=$2 theirs ours
	shift 2
	theirs=$(memrec "$@" -f -o t.lz4 -- "$DATAFRAMES" "$TESTS/allocators/hold.py" "$name")
	if [ "$allocator" = any ]; then
		ours=$(memleak t.lz4 | memgrep --function make | memsummary --json | jq .total_bytes)
	else
		ours=$(memleak t.lz4 | memgrep --allocator "$allocator" | memsummary --json | jq .total_bytes)
	fi
	echo "$name $allocator $* $theirs $ours"
	[ "$theirs" -gt 10000000 ] && [ $((ours * 100)) -ge $((theirs * 99)) ] && [ $((ours * 100)) -le $((theirs * 101)) ]
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	DATAFRAMES=${MEMREC_DATAFRAMES:-$TESTS/../build/dataframes}/bin/python
	"$DATAFRAMES" -c 'import numpy, pandas, pyarrow, polars' 2> /dev/null || skip "without pandas, pyarrow, polars: make dataframes"
}

@test "numpy and pandas" {
	for option in --verbose -A; do
		row numpy_array any $option
		row pandas_frame any $option
	done
}

@test "pyarrow, with each of its pools" {
	for option in --verbose -A; do
		ARROW_DEFAULT_MEMORY_POOL=mimalloc row pyarrow_table mimalloc $option
		ARROW_DEFAULT_MEMORY_POOL=jemalloc row pyarrow_table jemalloc $option
		ARROW_DEFAULT_MEMORY_POOL=system row pyarrow_table posix_memalign $option
	done
}

@test "polars" {
	[ "$(uname -m)" = x86_64 ] || skip "hooks at entries are for x86-64"
	for option in --verbose -A; do
		row polars_frame jemalloc $option
	done
}
