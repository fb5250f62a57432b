# Programs of musl (Alpine): the same agent records them, by its one library for all C libraries.

load lib/common

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	command -v musl-gcc > /dev/null || return 0
	cat > library.c <<-'END'
		#include <stdlib.h>
		void *in_library(size_t n) { void *p = malloc(n); ((char *)p)[0] = 1; return p; }
	END
	cat > program.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <malloc.h>
		#include <pthread.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static void *volatile kept;
		static __attribute__((noinline)) void *inner(size_t n) { kept = malloc(n); return kept; }
		static __attribute__((noinline)) void *outer(size_t n) { void *p = inner(n); __asm__ volatile("" ::: "memory"); return p; }
		static void *thread(void *n) { outer((size_t)n); return NULL; }
		int main(int argc, char **argv)
		{
			void *p = NULL;
			if (argc > 1 && strcmp(argv[1], "child") == 0)
				return outer(1000100) == NULL;
			outer(1000000);
			kept = calloc(10, 100001);
			kept = realloc(kept, 1000020);
			kept = reallocarray(NULL, 10, 100003);
			if (posix_memalign(&p, 64, 1000040)) return 1;
			kept = aligned_alloc(64, 1000064);
			kept = memalign(128, 1000050);
			kept = mmap(NULL, 1003520, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			munmap(kept, 1003520);
			char text[1000071];
			memset(text, 'x', sizeof text);
			text[1000070] = 0;
			kept = strdup(text);
			pthread_t t;
			pthread_create(&t, NULL, thread, (void *)1000080);
			pthread_join(t, NULL);
			void *library = dlopen(LIBRARY, RTLD_NOW);
			void *(*function)(size_t) = (void *(*)(size_t))dlsym(library, "in_library");
			function(1000090);
			dlclose(library);
			if (argc > 1) {
				if (fork() == 0) { outer(1000110); _exit(0); }
				wait(NULL);
				if (fork() == 0) { execl("./program", "program", "child", NULL); _exit(1); }
				wait(NULL);
				int status = system("exec /usr/bin/python3 -c 'x = b\"x\" * 1000120'");
				if (status) return status;
			}
			printf("%d\n", getenv("LD_PRELOAD") != NULL);
			return 7;
		}
	END
	musl-gcc -shared -fPIC -g -O1 -Wl,--eh-frame-hdr -o library.so library.c
	musl-gcc -g -O1 -Wl,--eh-frame-hdr -fno-optimize-sibling-calls -fasynchronous-unwind-tables -DLIBRARY="\"$PWD/library.so\"" -o program program.c
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
	[ -x program ] || skip 'no musl-gcc'
	python=$(readlink -f "$TESTS/../build/pythons/musl/python3.13-musl") || python=
}

# Prints "SIZE FUNCTION…", innermost first, of each large allocation.
large() { # TRACE
	memcat --json "$1" | PYTHONPATH=$TESTS/lib python3 -c '
import sys
from trace import Trace
for a in sorted(Trace(sys.stdin).allocations, key=lambda a: a.size):
    if 1000000 <= a.size < 1100000:
        print(a.size, a.allocator, *[frame[0] for frame in reversed(a.stack)])'
}

@test "every allocation function of musl is recorded, with threads and a library loaded later; the C functions have names" {
	run -7 memrec -n -f -o t.lz4 -- ./program
	[ "$output" = 1 ]
	large t.lz4 > blocks
	cat blocks
	[ "$(awk '{ print $1, $2 }' blocks)" = "1000000 malloc
1000010 calloc
1000020 realloc
1000030 reallocarray
1000040 posix_memalign
1000050 memalign
1000064 aligned_alloc
1000071 malloc
1000080 malloc
1000090 malloc
1003520 mmap" ]
	grep -x '1000000 malloc inner outer main .*' blocks
	grep -x '1000080 malloc inner outer thread.*' blocks
	grep -x '1000090 malloc in_library main .*' blocks
}

@test "children of a musl program are followed by fork, exec and system, into a program of glibc too" {
	run -7 memrec -F -f -o t.lz4 -- ./program all
	[ "$output" = 1 ]
	large t.lz4 | cut -d' ' -f1 > sizes
	for size in 1000000 1000100 1000110 1000153; do
		grep -x $size sizes
	done
	run -7 memrec -f -o t.lz4 -- ./program all
	large t.lz4 | cut -d' ' -f1 > sizes
	grep -x 1000000 sizes
	run -1 grep -E '10001' sizes
}

@test "a program of glibc executes one of musl: it is recorded too" {
	memrec -F -v -f -o t.lz4 -- /usr/bin/python3 -c 'import subprocess; kept = b"x" * 1000200; subprocess.run(["./program", "child"], check=True)' 2> err
	large t.lz4 | cut -d' ' -f1 > sizes
	grep -x 1000233 sizes
	grep -x 1000100 sizes
	run -1 grep 'ran with another C library' err
	memrec -f -o t.lz4 -- /usr/bin/python3 -c 'import os; os.execv("./program", ["./program", "child"])'
	large t.lz4 | grep '^1000100 '
}

@test "a running program of musl is not attached to: one line says so, and it goes on" {
	mkfifo in
	cat > waits.c <<-'END'
		#include <unistd.h>
		int main(void) { char c; return read(0, &c, 1) == 1 ? 7 : 1; }
	END
	musl-gcc -o waits waits.c
	./waits < in 3>&- &
	pid=$!
	exec 7> in
	run -1 memrec -f -o t.lz4 -p $pid
	[ "$output" = "memrec: process $pid uses musl, to which memrec cannot attach: start it under memrec, or record it by memrec.Tracker" ]
	echo >&7
	wait $pid || [ $? -eq 7 ]
}

@test "the agent imports only what both musl and glibc 2.17 have, without versions, and needs no library" {
	for agent in libmemrec libmemrec-musl; do
		agent=$(dirname "$(command -v memrec)")/../lib/memrec/$agent.so
		nm -D --undefined-only "$agent" | sed -n 's/^ *[Uw] //p' | sort > imports
		[ -s imports ]
		run -1 grep '@' imports
		nm -D --defined-only /usr/lib/x86_64-linux-musl/libc.so | sed 's/.* //; s/@.*//' | sort > musl
		nm -D --defined-only "$(ldconfig -p | sed -n 's/.*libc\.so\.6 .*x86-64.*=> //p' | head -1)" | grep -E '@@?GLIBC_2\.([0-9]|1[0-7])(\.|$)' | sed 's/.* //; s/@.*//' | sort > glibc
		[ "$(comm -23 imports musl)" = '' ]
		missing=$(comm -23 imports glibc)
		[ "$missing" = '' ] || [ "$missing" = __tls_get_addr ]		# in the loader
		run -1 grep NEEDED <(readelf -d "$agent")
	done
}

@test "a Python of musl: launch, fork, allocators, native, Tracker" {
	[ -x "$python" ] || skip 'no Python of musl (make pythons)'
	run -0 env PYTHONPATH="$TESTS/../record/python" python3 "$TESTS/roots/check.py" "$(dirname "$(command -v memrec)")" "$python"
	[[ "$output" == *'plain ok, fork ok, allocators ok, native ok, attach declines, tracker ok, reports ok' ]]
}

@test "a Python of musl: the Python package's tests of Tracker" {
	[ -x "$python" ] || skip 'no Python of musl (make pythons)'
	cp "$TESTS"/python/*.py .
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$TESTS/../record/python:. timeout 280 "$python" -m unittest tracker_test 2> out || { tail -50 out; return 1; }
	grep -x OK.* out
}
