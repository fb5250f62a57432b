# Mappings: reserved address space and mapped files are in a trace, but not in sums.

load lib/common
load lib/told
load lib/traces

teardown() {
	kill_started
}

figure() { # JQ-EXPRESSION [TRACE]
	memstats --json "${2:-t.lz4}" | jq -c "$1"
}

@test "a reservation is memory only while it is accessible; a mapped file never is; to the byte" {
	cc -O1 -w -o mappings "$TESTS/truth/mappings.c"
	memrec -v -f -o t.lz4 -- ./mappings 2> said
	memcat --json t.lz4 | python3 "$TESTS/truth/check_mappings.py"
	# 50 + 7 + 50 MiB are used at the high-water mark; libc itself has no large block.
	[ "$(figure '[.peak_anonymous, .peak_reserved, .peak_file_backed]')" = "[$((107 << 20)),$((65536 << 20)),$((1024 << 20))]" ]
	[ "$(figure '.metadata.peak_memory - .peak_anonymous < 100000')" = true ]
	# memrec's final line counts in the same way.
	grep -q 'peak 112\.' said
}

@test "the same for a running program" {
	cc -O1 -w -Dmain=work -c -o work.o "$TESTS/truth/mappings.c"
	printf '#include <stdio.h>\nint work(void);\nint main(void) { puts("ready"); fflush(stdout); getchar(); return work(); }\n' > main.c
	cc -w -o mappings main.c work.o
	start_told ./mappings
	attach
	echo >&7
	wait $recorder
	memcat --json t.lz4 | python3 "$TESTS/truth/check_mappings.py"
}

@test "a file mapped by Python has its line, and is counted if chosen by name" {
	memrec -f -o t.lz4 -- python3 - 2> said <<-'END'
	import mmap, tempfile
	f = tempfile.TemporaryFile(); f.truncate(1 << 30)
	def view(): return mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
	m = view()
	def anonymous(): return mmap.mmap(-1, 3 << 20)
	a = anonymous()
	END
	[ "$(figure '.metadata.peak_memory < 100e6 and .peak_file_backed == 1073741824 and .peak_anonymous >= 3145728')" = true ]
	memfold t.lz4 > folded
	not grep -q ';view ' folded
	grep -q ';anonymous .* 3145728$' folded
	memgrep --allocator mmap_file t.lz4 > files.lz4
	[ "$(figure .metadata.peak_memory files.lz4)" = 1073741824 ]
	for report in memfold 'memfold --leaks' 'memfold --total' memsummary memtable memtree memtime; do
		$report files.lz4 | grep -q '1073741824\|1\.074GB\|1\.1GB'
	done
	for filter in mempeak memleak 'memgrep --function view' 'memslice --begin 0'; do
		$filter files.lz4 | memfold | grep -q ';view .* 1073741824$'
	done
}

@test "no report or filter counts mappings that are not memory" {
	trace > t.lz4 <<-END
	alloc 1 1000 a@a.py:1
	alloc 2 5000000 b@a.py:2 allocator=mmap_reserved
	alloc 3 7000000 c@a.py:3 allocator=mmap_file
	alloc 4 20 d@a.py:4 allocator=mimalloc
	resize 3 100
	free 2
	alloc 5 30 e@a.py:5 allocator=jemalloc
	free 5
	alloc 6 40 f@a.py:6 allocator=mmap_file
	free 6
	END
	[ "$(memfold t.lz4 | sort)" = "$(printf 'a (a.py:1) 1000\nd (a.py:4) 20\ne (a.py:5) 30')" ]
	[ "$(memfold --leaks t.lz4 | sort)" = "$(printf 'a (a.py:1) 1000\nd (a.py:4) 20')" ]
	[ "$(memfold --total t.lz4 | sort)" = "$(printf 'a (a.py:1) 1000\nd (a.py:4) 20\ne (a.py:5) 30')" ]
	[ "$(mempeak t.lz4 | memfold | sort)" = "$(memfold t.lz4 | sort)" ]
	[ "$(memleak t.lz4 | memfold | sort)" = "$(memfold --leaks t.lz4 | sort)" ]
	[ "$(memtemp t.lz4 | memfold)" = 'e (a.py:5) 30' ]
	[ "$(memage --max-age 1 t.lz4 | memfold --total | sort)" = "$(memfold --total t.lz4 | sort)" ]
	[ "$(memcat t.lz4 | memgrep -v --function zzz | memfold | sort)" = "$(memfold t.lz4 | sort)" ]
	[ "$(figure '[.total_num_allocations, .total_bytes_allocated, .total_frees, .leaked_bytes, .metadata.peak_memory]')" = '[3,1050,1,1020,1050]' ]
	[ "$(figure '[.peak_heap, .peak_anonymous, .peak_reserved, .peak_file_backed]')" = '[1050,0,5000000,7000000]' ]
	[ "$(figure '.allocator_type_distribution | keys')" = '["JEMALLOC","MALLOC","MIMALLOC"]' ]
	run memstats t.lz4
	[[ "$output" == *"Reserved (not counted):   5.000MB"* && "$output" == *"Of files (not counted):   7.000MB"* ]]
	# Mappings left out by a filter are not counted as skipped.
	{ echo 'alloc 1 8 a@a.py:1'; printf 'alloc %d 9 b@a.py:2 allocator=mmap_file\n' 2 3 4; echo 'free 1'; } | trace > t.lz4
	[ "$(memtemp --threshold 0 t.lz4 | memfold)" = 'a (a.py:1) 8' ]
	[ "$(memgrep --function a t.lz4 | memtemp --threshold 0 | memfold)" = 'a (a.py:1) 8' ]
}

@test "an allocation that is not memory ends an older one with its id" {
	printf 'alloc 1 8 a@a.py:1\nalloc 1 9 b@a.py:2 allocator=mmap_file\nalloc 2 5 c@a.py:3\n' | trace > t.lz4
	[ "$(memfold --leaks t.lz4)" = 'c (a.py:3) 5' ]
	[ "$(memfold t.lz4)" = 'a (a.py:1) 8' ]
	[ "$(figure '[.leaked_bytes, .metadata.peak_memory]')" = '[5,8]' ]
}

# Two copies of the library, each opened with local symbols.
pools() {
	cc -shared -fPIC -w -DCOPY=1000004 -o one.so "$TESTS/truth/pool.c"
	cc -shared -fPIC -w -DCOPY=2000005 -o two.so "$TESTS/truth/pool.c"
	cat > use.c <<-'END'
	#include <dlfcn.h>
	static void use(void *h) { ((void (*)(void))dlsym(h, "work"))(); }
	int main(void) {
		void *one = dlopen("./one.so", RTLD_LAZY), *two = dlopen("./two.so", RTLD_NOW);
		use(one); use(two);
		dlclose(two); two = dlopen("./two.so", RTLD_LAZY); use(two);
		return 0;
	}
	END
	cc -w -o use use.c -ldl
}

check_pools() {
	memcat --json t.lz4 | jq -c 'select(.allocator == "mimalloc") | .size' | sort -n | uniq -c | awk '{ print $1 "x" $2 }' > got
	printf '%dx1000004\n%dx2000005\n%dx3000002\n%dx5000001\n%dx7000003\n' 1 2 3 3 3 | diff - got
	memleak t.lz4 | memgrep --allocator mimalloc | memcat --json | jq 'select(.event == "alloc") | .size' | sort -n | tr '\n' ' ' > left
	[ "$(cat left)" = "1000004 2000005 2000005 7000003 7000003 7000003 " ]
	# Their mappings are not counted too.
	[ "$(figure '.metadata.peak_memory < 40e6 and .peak_reserved == 0')" = true ]
}

@test "the blocks of Arrow's mimalloc are recorded in each copy, but not its mappings" {
	pools
	memrec -f -o t.lz4 -- ./use
	check_pools
}

@test "pyarrow: a table has its bytes, at its line" {
	python3 -c 'import numpy, pyarrow' 2> /dev/null || skip "no pyarrow"
	ARROW_DEFAULT_MEMORY_POOL=mimalloc memrec -f -o t.lz4 -- python3 - <<-'END'
	import numpy, pyarrow
	def make(): return pyarrow.array(numpy.arange(3_000_000)).cast(pyarrow.float64())
	t = make()
	END
	[ "$(memgrep --allocator mimalloc --function make t.lz4 | memfold | awk '{ n += $NF } END { print n }')" = 24000000 ]
}
