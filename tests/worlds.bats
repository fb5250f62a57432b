# Programs that cannot load the agent run as they do without memrec, and a line says that they are not recorded.

load lib/common

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	cat > program.c <<-'END'
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		int main(int argc, char **argv)
		{
			char *p = malloc(1000000);
			memset(p, 1, 1000000);
			printf("%s %d %d\n", argc > 1 ? argv[1] : "", p[999999], getenv("LD_PRELOAD") != NULL);
			free(p);
			return 7;
		}
	END
	# Another C library, as its loader's name says.
	ln -s "$(readlink -f /lib64/ld-linux-x86-64.so.2)" ld-other.so.1
	cc -o other program.c -Wl,--dynamic-linker="$PWD/ld-other.so.1"
	# Without a C library, which few systems have for 32 bits: prints its first argument and LD_PRELOAD.
	cat > word.c <<-'END'
		static int call(int number, int a, const void *b, int c)
		{
			int result;
			__asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
			return result;
		}
		static void print(const char *text)
		{
			int n = 0;
			while (text[n])
				n++;
			call(4, 1, text, n);
			call(4, 1, "\n", 1);
		}
		void begin(const char **stack)
		{
			print(stack[2] ? stack[2] : "");
			for (const char **p = stack + (unsigned long)stack[0] + 2; *p; p++) {
				int i = 0;
				while (i < 10 && (*p)[i] == "LD_PRELOAD"[i])
					i++;
				if (i == 10)
					print(*p);
			}
			call(1, 7, 0, 0);
		}
		__asm__(".globl _start; _start: push %esp; call begin");
	END
	cc -m32 -O1 -ffreestanding -fno-pic -fno-stack-protector -nostdlib -static -o word word.c || rm -f word
	cc -m32 -o word-libc program.c || rm -f word-libc
	cc -fsanitize=address -o address program.c
	cc -fsanitize=thread -o thread program.c
	for program in other address; do
		[ ! -e $program ] || printf '#! %s/%s\n' "$PWD" $program > $program-script
	done
	chmod +x ./*-script
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
}

# A race of ThreadSanitizer with random addresses ends it on some kernels; then it is not among them.
programs() {
	for program in other word word-libc address thread other-script address-script; do
		[ ! -x $program ] || { ./$program > /dev/null 2>&1; [ $? -eq 7 ] && echo $program; }
	done
	true
}

both() { # COMMAND...: plain, then recorded with $options
	plain=0 status=0
	"$@" > plain 2>&1 || plain=$?
	memrec -v $options -f -o t.lz4 -- "$@" > recorded 2> err || status=$?
	grep -v '^memrec: ' err >> recorded || true
	diff plain recorded
	[ $plain -eq $status ]
}

@test "another C library, 32-bit, ASan, TSan: started by memrec they run as ever, and one line says why nothing was recorded" {
	[ "$(programs | wc -l)" -ge 3 ]
	for program in $(programs); do
		both ./$program one
		[ "$(grep -c '^memrec: ' err)" -eq 1 ]
		case $program in
		other*) why='its C library is neither glibc nor musl' ;;
		word*) why='it is not a 64-bit program for this processor' ;;
		*) why='it runs with a sanitizer, whose library must be the first' ;;
		esac
		grep -x "memrec: nothing was recorded: ./$program: $why" err
		PATH=/nowhere:$PWD:$PATH both $program one
	done
}

@test "another C library, 32-bit, ASan, TSan: executed by a recorded program in any way they run as ever, and are counted" {
	cat > ways.py <<-'END'
		import ctypes, os, subprocess, sys
		program = sys.argv[1]
		path = os.path.abspath(program)
		kept = [bytearray(54320) for i in range(100)]
		def run(call):
		    sys.stdout.flush()
		    pid = os.fork()
		    if pid == 0:
		        call()
		        os._exit(99)
		    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
		def by_descriptor():
		    fd = os.open(path, os.O_RDONLY)
		    os.execve(fd, [program, "descriptor"], os.environ)
		run(lambda: os.execv(path, [program, "execv"]))
		run(lambda: os.execvpe(program, [program, "searched"], {"PATH": "/nowhere:" + os.getcwd()}))
		if not program.endswith("script"):
		    run(by_descriptor)
		print(os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(path, [program, "spawn"], os.environ), 0)[1]))
		print(subprocess.run([path, "subprocess"]).returncode)
		print(subprocess.run([program, "elsewhere"], env={"PATH": os.getcwd()}).returncode)
		print(os.waitstatus_to_exitcode(os.system("exec ./" + program + " system")))
		sys.stdout.flush()
		os.execv(path, [program, "last"])
	END
	for program in $(programs); do
		for options in --follow-fork --native\ --follow-fork; do
			PATH=$PWD:$PATH both /usr/bin/python3 ways.py $program
			[ "$(memcat --json t.lz4 | grep -c '"size":54321,')" -eq 100 ]
			grep -E 'memrec: .*[78] programs ran with another C library or word size, or with a sanitizer, unrecorded' err
		done
	done
}

@test "a sanitizer that LD_PRELOAD names stays the first: nothing is recorded, and a line says why" {
	LD_PRELOAD=$(cc -print-file-name=libasan.so)
	[ -e "$LD_PRELOAD" ] || skip 'no libasan'
	LD_PRELOAD=$(ldconfig -p | sed -n 's/.*x86-64.* => \(.*libasan.so.[0-9]*\)$/\1/p' | head -1)
	options='' ASAN_OPTIONS=detect_leaks=0 both env LD_PRELOAD="$LD_PRELOAD" /usr/bin/python3 -c 'print(len([bytearray(54320) for i in range(9)]))'
	grep 'sanitizer, unrecorded' err
	export LD_PRELOAD ASAN_OPTIONS=detect_leaks=0
	run -0 "${MEMREC_BIN:-$TESTS/../build/bin}/memrec" -f -o t.lz4 -- /usr/bin/python3 -c 'print(len([bytearray(54320) for i in range(9)]))'
	[ "$output" = "9
memrec: nothing was recorded: /usr/bin/python3: it runs with a sanitizer, whose library must be the first" ]
}

@test "an attached program that executes one of these: a line says so" {
	mkfifo in
	bash -c 'read line; exec ./other' < in > /dev/null 3>&- &
	pid=$!
	exec 7> in
	memrec -v -f -o t.lz4 -p $pid 2> err 3>&- 7>&- &
	recorder=$!
	for _ in $(seq 400); do
		! grep -q 'recording process' err || break
		sleep 0.05
	done
	echo >&7
	wait $pid || [ $? -eq 7 ]
	wait $recorder
	grep '1 program ran with another C library' err
}
