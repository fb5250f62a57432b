# Allocators inside programs and libraries: their blocks are recorded, and their mappings are not counted beside them.

load lib/common
load lib/told

setup_file() {
	try_attach
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ "$(uname -m)" = x86_64 ] || skip "hooks at entries are for x86-64"
	local c="cc -O2 -w -D_GNU_SOURCE -fPIC"
	$c -shared -DCOPY=2000001 -o one.so "$TESTS/allocators/private.c" -lpthread
	$c -shared -DCOPY=2000002 -o two.so "$TESTS/allocators/private.c" -lpthread
	$c -DMAIN -DCOPY=2000003 -o program "$TESTS/allocators/private.c" -ldl -lpthread
}

teardown() {
	kill_started
}

blocks() { # the sizes of jemalloc's blocks that are left, each once, with their number
	memleak t.lz4 | memcat --json | jq 'select(.event == "alloc" and .allocator == "jemalloc") | .size' | sort -n | uniq -c | awk '{ printf "%sx%s ", $1, $2 }'
}

mapped() { # the largest mapping
	memcat --json t.lz4 | jq -s '[.[] | select(.event == "alloc" and (.allocator | startswith("mmap"))) | .size] | max // 0'
}

@test "an allocator in a program without exported symbols, and in libraries: blocks, not mappings" {
	for option in --verbose --native --trace-python-allocators; do
		printf '%s\n' work ./one.so ./two.so work | memrec $option -f -o t.lz4 -- ./program 2> err
		[ "$(blocks)" = "4x1000001 4x1000002 4x1000003 1x2000001 1x2000002 2x2000003 " ]
		# 8 MB are stacks of threads.
		[ "$(mapped)" -lt 16000000 ]
		# Every block of the threads was freed or grown.
		[ "$(memcat --json t.lz4 | grep -c '"size":64,.*jemalloc')" -eq 32000 ]
		[ "$(memcat --json t.lz4 | grep -c '"size":128,.*jemalloc')" -eq 32000 ]
	done
	memrec --native -f -o t.lz4 -- ./program <<< work
	memleak t.lz4 | memgrep --allocator jemalloc | memfold | grep -q 'main.*;work.* 5000009$'
}

@test "a library with an allocator is loaded, unloaded and loaded again" {
	printf '%s\n' ./one.so close ./two.so close ./one.so | memrec -f -o t.lz4 -- ./program
	[ "$(blocks)" = "3x1000001 3x1000002 3x1000003 2x2000001 1x2000002 " ]
	[ "$(mapped)" -lt 16000000 ]
}

@test "with a sample of the blocks, their sum is about right" {
	printf '%s\n' work ./one.so | memrec --sample 4KiB --seed 1 -f -o t.lz4 -- ./program
	[ "$(blocks)" = "2x1000001 2x1000002 2x1000003 1x2000001 1x2000003 " ]
	# 3,072,000 by the threads; the standard error is 0.11 million.
	memcat --json t.lz4 | jq -s '[.[] | select(.event == "alloc" and .allocator == "jemalloc" and .size <= 128) | .size * (.weight // 1)] | add' > sum
	[ "$(cat sum)" -gt 2500000 ] && [ "$(cat sum)" -lt 3700000 ]
}

@test "without a symbol table there is no name to hook, and the mapping is recorded" {
	strip one.so
	memrec -f -o t.lz4 -- ./program <<< ./one.so
	[ -z "$(blocks)" ]
	[ "$(mapped)" -eq 268435456 ]
}

@test "a file that is not the one that was loaded has no names either" {
	cat > swap.c <<-'END'
	#include <dlfcn.h>
	#include <stdio.h>
	/* Before the allocator's first mapping. */
	__attribute__((constructor(101))) static void swap(void) { rename("two.so", "one.so"); }
	END
	cc -O2 -w -D_GNU_SOURCE -fPIC -shared -DCOPY=2000001 -o one.so swap.c "$TESTS/allocators/private.c" -lpthread
	memrec -f -o t.lz4 -- ./program <<< ./one.so
	[ -z "$(blocks)" ]
	[ "$(mapped)" -eq 268435456 ]
}

@test "attached: a library that is loaded from then on; its calls go on when the recording has ended, and are recorded in the next" {
	[ -z "$NO_ATTACH" ] || skip "$NO_ATTACH"
	start_told ./program
	attach
	tell ./one.so done
	detach
	[ "$(blocks)" = "1x1000001 1x1000002 1x1000003 1x2000001 " ]
	[ "$(mapped)" -lt 16000000 ]
	tell ./one.so done
	attach
	tell ./one.so done
	tell ./two.so done
	detach
	[ "$(blocks)" = "2x1000001 2x1000002 2x1000003 1x2000001 1x2000002 " ]
}

@test "a child of the recorded process has the hooks too" {
	cat > fork.c <<-'END'
	#include <dlfcn.h>
	#include <sys/wait.h>
	#include <unistd.h>
	int main(void) {
		void (*work)(void) = (void (*)(void))dlsym(dlopen("./one.so", RTLD_NOW), "work");
		if (fork() == 0) { work(); return 0; }
		int status; wait(&status); return status != 0;
	}
	END
	cc -w -o fork fork.c -ldl
	memrec --follow-fork -f -o t.lz4 -- ./fork
	[ "$(blocks)" = "1x1000001 1x1000002 1x1000003 1x2000001 " ]
	memrec -f -o t.lz4 -- ./fork
	[ -z "$(blocks)" ]
}

# ---------------------------------------------------------------- memrec.h

clients() {
	local c="cc -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -I$TESTS/../record"
	$c -DBYTES=1234 -o client "$TESTS/allocators/client.c" -ldl
	$c -fPIC -shared -DLIBRARY -DBYTES=4321 -o client.so "$TESTS/allocators/client.c"
}

pools() { # sizes of the blocks of pools that are left
	memleak t.lz4 | memcat --json | jq 'select(.event == "alloc" and .allocator == "pool") | .size' | sort -n | tr '\n' ' '
}

@test "memrec.h: the blocks of a pool are recorded, and what it hides is not; in a library, too" {
	clients
	printf 'work\n./client.so\n' | memrec -f -o t.lz4 -- ./client
	[ "$(pools)" = "1234 4321 600000 600000 " ]
	[ "$(memcat --json t.lz4 | jq 'select(.allocator == "pool" and .size == 500000) | .size' | wc -l)" -eq 2 ]
	[ "$(memcat --json t.lz4 | grep -cE '"size":(50000000|60000000|1000),')" -eq 0 ]
	[ "$(memcat --json t.lz4 | grep -c '"size":70000,')" -eq 2 ]
	memrec --native -f -o t.lz4 -- ./client <<< work
	memgrep --allocator pool t.lz4 | memleak | memfold | grep -q 'main.*;work.* 601234$'
}

@test "memrec.h: without a recording nothing happens; nor with clang, C++, older C, or optimization at link time" {
	clients
	[ "$(printf 'work\n./client.so\n' | ./client)" = $'ready\ndone\ndone' ]
	printf '#include "memrec.h"\nint main(void) { memrec_alloc("", 1); memrec_free(""); memrec_show(memrec_hide()); return 0; }\n' > a.c
	cp a.c a.cc
	local compile
	for compile in "cc -std=gnu99 -pedantic" "clang" "c++ -std=c++11" "cc -O2 -flto" "cc -static" "cc -m32 -fsyntax-only"; do
		[[ $compile != clang ]] || command -v clang > /dev/null || continue
		$compile -Wall -Wextra -Werror -I"$TESTS/../record" -o a "$([[ $compile == c++* ]] && echo a.cc || echo a.c)"
		[[ $compile == *syntax* ]] || ./a
	done
	memrec -f -o t.lz4 -- ./a
}

@test "memrec.h in a program that is attached to, and in a library that it loads then" {
	[ -z "$NO_ATTACH" ] || skip "$NO_ATTACH"
	clients
	start_told ./client
	tell work done
	attach
	tell work done
	tell ./client.so done
	detach
	[ "$(pools)" = "1234 4321 600000 600000 " ]
	tell work done
	attach
	tell ./client.so done
	detach
	[ "$(pools)" = "4321 600000 " ]
}

@test "Python: memrec.alloc and memrec.free report blocks, with the stack of their caller" {
	cat > pool.py <<-'END'
	import memrec
	def take(i): memrec.alloc(0x1000 + i * 4096, 1000 + i)
	for i in range(3): take(i)
	memrec.free(0x2000)
	END
	export PYTHONPATH=$TESTS/../record/python
	python3 pool.py
	memrec -f -o t.lz4 -- python3 pool.py
	[ "$(pools)" = "1000 1002 " ]
	memleak t.lz4 | memgrep --allocator pool | memfold | grep -q 'take (.*pool.py:2) 2002$'
	cat > tracked.py <<-'END'
	import memrec, pool
	with memrec.Tracker("t.lz4", overwrite=True):
	    pool.take(7)
	END
	python3 tracked.py
	[ "$(pools)" = "1007 " ]
}
