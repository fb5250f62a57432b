# memrec -p: attaching to running programs, leaving them unchanged, and refusing with a reason.

load lib/common
load lib/told

setup_file() {
	try_attach
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -z "$NO_ATTACH" ] || skip "$NO_ATTACH"
	TARGET=$TESTS/../${B:-build}/tests/attach-target
	[[ ${B:-} != /* ]] || TARGET=$B/tests/attach-target
}

teardown() {
	kill_started
}

# Runs a command in the background, its pid in $pid; it is killed at the test's end.
start() {
	"$@" 3>&- &
	pid=$!
	started+=("$pid")
}

# Starts known.py; `tell` gives it orders, and it answers in the file out.
start_known() { # [COMMAND...] PYTHON
	LD_BIND_NOW=1 start_told "$@" "$TESTS/attach/known.py"
}

@test "Ctrl-C at the terminal ends the attached recording, and the report in the pipeline is printed" {
	start_told /usr/bin/python3 "$TESTS/attach/known.py"
	python3 "$TESTS/lib/ctrl_c.py" --when-said 'recording process' 1 memsummary "memrec -v -p $pid | memsummary > report" 2> err
	grep -q '^Total: ' report
	grep -q Location report
}

check_known() { # [COMMAND...] PYTHON
	rm -f in
	start_known "$@"
	attach
	tell work done
	detach
	[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 200 ]
	memcat --json t.lz4 | grep -q '"name":"work"'
	attach --trace-python-allocators
	tell work done
	tell work done
	detach
	[ "$(memcat --json t.lz4 | grep -c '"size":777777,.*"allocator":"pymalloc_')" -eq 400 ]
	tell work done
	kill $pid
}

@test "every Python, attached while it waits: known blocks are recorded exactly, and again at a second attach" {
	local failed=()
	for python in $(all_pythons); do
		run_strict check_known $(plain_blocks "$python") "$python"
		[ "$status" -eq 0 ] || { echo "$python: $output $(cat err)"; failed+=("$python"); }
	done
	[ ${#failed[@]} -eq 0 ]
}

check_undone() { # PYTHON [OPTION...]
	python3 "$TESTS/attach/got.py" $pid > slots0
	ls /proc/$pid/task > tasks0
	ls -l /proc/$pid/fd | sed 's/.* \([0-9]* ->\)/\1/' > fds0
	attach "$@"
	tell work done
	python3 "$TESTS/attach/got.py" $pid > slots1
	[ "$(diff slots0 slots1 | grep -c '^>')" -gt 8 ]
	detach
	python3 "$TESTS/attach/got.py" $pid | diff slots0 -
	ls /proc/$pid/task | diff tasks0 -
	ls -l /proc/$pid/fd | sed 's/.* \([0-9]* ->\)/\1/' | diff fds0 -
	tell allocators same
	not grep -q 'memfd:memrec\( \|$\)' /proc/$pid/maps
}

@test "afterwards the program is as before: slots, allocators, threads, descriptors, ring" {
	for python in $(pythons | sed -n '1p;$p'); do
		rm -f in
		start_known "$python"
		check_undone
		check_undone --trace-python-allocators
		check_undone --native
	done
}

@test "attaching 20 times to busy programs: C threads, loading and unloading, Python, Python threads" {
	local pids=() jobs=() kind
	for kind in malloc8 dlopen; do
		start "$TARGET" $kind
		pids+=($pid)
	done
	for kind in loop threads; do
		start python3 "$TESTS/attach/busy.py" $kind
		pids+=($pid)
	done
	sleep 0.5
	for pid in "${pids[@]}"; do
		"$TESTS/attach/rounds" $pid 20 > rounds.$pid 2>&1 3>&- &
		jobs+=($!)
	done
	for pid in "${jobs[@]}"; do
		wait $pid || { cat rounds.*; false; }
	done
	for pid in "${pids[@]}"; do
		grep -q '^20 rounds, 0 failed' rounds.$pid
		[ "$(grep -c ' 0 with events' rounds.$pid)" -eq 0 ]
		kill $pid
		wait $pid
	done
}

@test "an idle server: its requests are recorded, none is lost, and it goes on serving" {
	start python3 -u -m http.server 0 --bind 127.0.0.1 > server 2>&1
	wait_for 'port [0-9]' server
	local port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' server)
	for _ in 1 2; do
		attach
		for _ in $(seq 20); do
			curl -sf "http://127.0.0.1:$port/" > /dev/null
		done
		detach
		memcat --json t.lz4 | grep -q '"name":"[A-Za-z.]*do_GET"'
	done
	curl -sf "http://127.0.0.1:$port/" > /dev/null
}

@test "the recorder killed at any moment: the program is unharmed, its hooks are removed, attaching works again" {
	start_known python3
	python3 "$TESTS/attach/got.py" $pid > slots0
	for i in $(seq 20); do
		memrec -f -o killed.lz4 -p $pid 2> /dev/null 3>&- 7>&- &
		recorder=$!
		sleep 0.0$((i * 37 % 60 / 10))$((i * 7 % 10))
		kill -9 $recorder
		wait $recorder 2> /dev/null || true
	done
	tell work done
	for _ in $(seq 100); do
		python3 "$TESTS/attach/got.py" $pid > slots1
		cmp -s slots0 slots1 && break
		sleep 0.1
	done
	diff slots0 slots1
	attach
	tell work done
	detach
	[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 200 ]
}

@test "a program that ends while it is recorded: a whole trace, status 0" {
	start_known python3
	attach
	tell work done
	exec 7>&-
	wait $recorder
	[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 200 ]
	memcat --json t.lz4 | grep '"event":"exit"' | grep -q ended
}

start_waiting() { # COMMAND...: starts it with a pipe as its input, which is descriptor 7
	rm -f in
	mkfifo in
	"$@" < in 3>&- &
	pid=$!
	started+=("$pid")
	exec 7> in
}

@test "a program that executes another one while it is recorded: that one is recorded too, and the next" {
	cat > next.py <<-'END'
		import os, sys
		kept = [bytearray(777776) for i in range(5)]
		print("ready", flush=True)
		sys.stdin.readline()
		if len(sys.argv) > 1:
		    os.execve(sys.executable, [sys.executable, "next.py"], {})
	END
	for option in '' --follow-fork --trace-python-allocators; do
		: > out
		start_waiting bash -c 'read line; exec python3 next.py again > out'
		attach $option
		echo >&7
		wait_for ready out
		: > out
		echo >&7
		wait_for ready out
		echo >&7
		wait $recorder
		[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 10 ]
		[ "$(memcat --json t.lz4 | grep '"event":"exit"' | grep -c '"exec"')" -eq 2 ]
		not grep 'cannot be recorded' err
	done
}

@test "children of an attached program are not recorded, and get the environment that it passes" {
	start_waiting bash -c 'read line; env > child; LD_PRELOAD=libm.so.6 /usr/bin/env > other; exec sleep 600'
	attach
	echo >&7
	wait_for . other
	not grep -E 'MEMREC|LD_PRELOAD' child
	grep -x LD_PRELOAD=libm.so.6 other
	not grep MEMREC other
	detach
	[ "$(memcat --json t.lz4 | grep -c '"event":"process"')" -le 2 ]
}

@test "a program that executes one that cannot be recorded: it runs, the recording ends, and a line says why" {
	echo 'int main(void) { for (;;) ; }' | cc -x c -static -o endless -
	check() { # WHY COMMAND...
		local why=$1
		shift
		start_waiting "$@"
		# memrec(1), LIMITS: setpriv must be through.
		until grep -aqE 'read ?line' /proc/$pid/cmdline && [ "$(cat /proc/$pid/comm)" != setpriv ]; do sleep .01; done
		attach
		echo >&7
		wait $recorder
		grep -c "process $pid executed another program, which cannot be recorded: $why\$" err
		grep 'stopped early, as it executed another program' err
		kill -0 $pid
		memcat --json t.lz4 | grep '"event":"exit"' | grep -q '"exec"'
	}
	check 'it is static' bash -c 'read line; exec ./endless'
	check 'it was started without the agent' python3 -c 'import ctypes, os, sys
sys.stdin.readline()
words = ctypes.c_char_p * 3
ctypes.CDLL(None).syscall(59, b"/bin/sleep", words(b"sleep", b"600", None), words(None))'
	[ "$(id -u)" -eq 0 ] || return 0
	cp /bin/sleep privileged
	chmod 4755 privileged
	chmod 755 "$PWD" "$(dirname "$PWD")" "$(dirname "$(dirname "$PWD")")"
	check 'it has privileges that memrec may not use' setpriv --reuid=65534 --regid=65534 --clear-groups bash -c 'read line; exec ./privileged 600'
}

@test "--follow-fork: an attached program executes one that cannot be recorded: its children are" {
	cat > shell.c <<-'END'
		#include <stdlib.h>
		#include <unistd.h>
		int main(void) { return system("python3 -c 'kept = [bytearray(777776) for i in range(3)]'; read line"); }
	END
	cc -static -o static-shell shell.c
	start_waiting bash -c 'read line; exec ./static-shell'
	attach --follow-fork
	echo >&7
	wait_for 'which cannot be recorded: it is static$' err
	echo >&7
	wait $recorder
	[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 3 ]
}

@test "attaching to a program that executes others just now: it waits for the last one's C library" {
	cat > hop.sh <<-'END'
		[ "$1" = 0 ] && exec /usr/bin/python3 -c 'while True: x = bytearray(100000)'
		exec /bin/sh hop.sh $(($1 - 1))
	END
	for n in $(seq 30); do
		sh hop.sh $((n % 10)) 3>&- &
		started+=("$!")
		memrec -f -o t.lz4 -p $! --duration 10ms
		kill $!
	done
}

@test "Ctrl-C or the duration ends the recording before the program: the last line says so" {
	start_told python3 "$TESTS/attach/known.py"
	attach
	tell work done
	detach
	[ "$(tail -1 err)" = "memrec: stopped early by Ctrl-C; next: memsummary t.lz4" ]
	attach --duration 100ms
	wait $recorder
	[[ "$(tail -1 err)" == "memrec: stopped at --duration; "*"next: memsummary t.lz4" ]]
	attach
	tell work done
	kill $recorder
	wait $recorder
	[ "$(tail -1 err)" = "memrec: stopped early by a signal; next: memsummary t.lz4" ]
	attach
	tell work done
	exec 7>&-
	wait $recorder
	[[ "$(tail -1 err)" =~ ^memrec:\ [0-9,]+\ events.*next:\ memsummary\ t.lz4$ ]]
}

@test "--follow-fork: children made after the attach are recorded, with the programs they execute; without it they are not" {
	cat > parent.py <<-'END'
		import os, subprocess, sys
		print("ready", flush=True)
		for line in sys.stdin:
		    if os.fork() == 0:
		        x = bytearray(777776)
		        os._exit(0)
		    os.wait()
		    subprocess.run([sys.executable, "-c", "x = bytearray(777776)"], check=True)
		    print("done", flush=True)
	END
	start_told python3 parent.py
	attach --follow-fork
	tell work done
	detach
	[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 2 ]
	attach
	tell work done
	detach
	[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 0 ]
}

check_child() { # [OPTION...]
	cat > splits.py <<-'END'
		import os, sys
		print("ready", flush=True)
		sys.stdin.readline()
		child = os.fork()
		if child:
		    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
		print(f"child {os.getpid()} ", flush=True)
		for line in sys.stdin:
		    x = bytearray(777776)
		    print("done", flush=True)
	END
	start_told python3 splits.py
	attach "$@"
	tell fork 'child .* '
	detach
	pid=$(sed -n 's/child \([0-9]*\) /\1/p' out)
	started+=("$pid")
	for _ in 1 2; do
		attach
		tell work done
		detach
		[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 1 ]
	done
}

@test "a child of an attached process can be attached to, whether it was followed or not" {
	check_child
	check_child --follow-fork
}

@test "a program that loads the agent itself records only the allocations between start and stop" {
	start memrec --follow-fork -o t.lz4 -- sleep 60
	wait_for . "/proc/$pid/task/$pid/children"
	local child=$(tr -d ' ' < /proc/$pid/task/$pid/children) name
	for _ in $(seq 100); do
		name=$(tr '\0' '\n' < /proc/$child/environ | sed -n 's/^MEMREC_AGENT=\([^ ]*\) .*/\1/p')
		[ -z "$name" ] || break
		sleep 0.05
	done
	cat > self.py <<-'END'
		import ctypes, sys
		agent = ctypes.CDLL(sys.argv[1])
		agent.memrec_agent_start.restype = ctypes.c_char_p
		def work(n):
		    return [bytes(n - sys.getsizeof(b"")) for _ in range(200)]
		work(555555)
		for n in 666666, 777777:
		    assert agent.memrec_agent_start(f"{sys.argv[2]} 0 ".encode()) is None
		    assert b"already" in agent.memrec_agent_start(f"{sys.argv[2]} 0 ".encode())
		    work(n)
		    agent.memrec_agent_stop()
		    work(555555)
	END
	for python in $(pythons); do
		"$python" self.py "$(dirname "$(command -v memrec)")/../lib/memrec/libmemrec.so" "$name"
	done
	kill $child
	wait $pid || true
	memcat --json t.lz4 > t.json
	[ "$(grep -c '"size":666666,' t.json)" -eq $((200 * $(pythons | wc -l))) ]
	[ "$(grep -c '"size":777777,' t.json)" -eq $((200 * $(pythons | wc -l))) ]
	[ "$(grep -c '"size":555555,' t.json)" -eq 0 ]
}

@test "libraries loaded during a recording are recorded, and are found by their caller's RUNPATH" {
	mkdir plugins
	echo 'void *malloc(unsigned long); void *plug(void) { return malloc(313370); }' > plug.c
	echo 'void *dlopen(const char *, int); void *load(void) { return dlopen("libplug.so", 2); }' > caller.c
	cat > main.c <<-'END'
		#include <dlfcn.h>
		#include <stdio.h>
		int main(void)
		{
			char line[100];
			void *caller = dlopen("./libcaller.so", RTLD_NOW);
			void *(*load)(void) = dlsym(caller, "load");
			puts("ready");
			fflush(stdout);
			while (fgets(line, sizeof line, stdin)) {
				void *plugin = load();
				void *(*plug)(void) = plugin ? dlsym(plugin, "plug") : 0;
				puts(plug && plug() ? "done" : dlerror());
				fflush(stdout);
				if (plugin)
					dlclose(plugin);
			}
		}
	END
	cc -w -shared -fPIC -o plugins/libplug.so plug.c
	cc -w -shared -fPIC -Wl,--enable-new-dtags,-rpath,'$ORIGIN/plugins' -o libcaller.so caller.c
	cc -w -o main main.c -ldl
	start_told ./main
	for option in --verbose --native; do
		attach $option
		tell plug done
		tell plug done
		detach
		[ "$(memcat --json t.lz4 | grep -c '"size":313370,')" -eq 2 ]
		tell plug done
	done
}

@test "an interpreter whose file was deleted is still recorded, with its functions" {
	cp /usr/bin/python3 ./gone
	start_known ./gone
	rm gone
	attach
	tell work done
	detach
	[ "$(memcat --json t.lz4 | grep -c '"size":777777,')" -eq 200 ]
	memcat --json t.lz4 | grep -q '"name":"work"'
}

@test "in containers: other pid, mount and network namespaces; a chroot without /proc; another user" {
	[ "$(id -u)" -eq 0 ] || skip "only root can make them"
	unshare -npmf --mount-proc true 2> /dev/null || skip "namespaces cannot be made here"
	start unshare -npmf --mount-proc python3 "$TESTS/attach/busy.py" loop
	sleep 1
	pid=$(ps --ppid $pid -o pid= | tr -d ' ')
	"$TESTS/attach/rounds" $pid 2
	kill -9 $pid
	mkdir root
	cc -w -o root/target "$TESTS/attach/target.c" -ldl -lpthread
	for file in $(ldd root/target | grep -o '/[^ ]*'); do cp --parents -L "$file" root; done
	start chroot root /target malloc8
	sleep 0.5
	"$TESTS/attach/rounds" $pid 2
	[ "$(find root -name 'memrec*' | wc -l)" -eq 0 ]
	kill $pid
	wait $pid
	start setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs python3 "$TESTS/attach/busy.py" loop
	sleep 0.5
	"$TESTS/attach/rounds" $pid 2
}

@test "--duration ends the recording after that time; the exit row says detached" {
	start_known python3
	memrec -o t.lz4 -p $pid --duration 300ms
	memcat --json t.lz4 | grep '"event":"exit"' | grep -q detached
	[ "$(memcat --json t.lz4 | sed -n 's/.*"event":"end".*"time_ms":\([0-9]*\).*/\1/p')" -ge 300 ]
}

refused() { # PID PATTERN
	run memrec -o refused.lz4 -p "$1"
	echo "$output"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" =~ $2 ]]
	[ ! -e refused.lz4 ]
}

@test "a process that cannot be attached to is refused in one line that says why" {
	refused 4194303 'no process 4194303'
	start sleep 60
	kill -STOP $pid
	wait_for 'State:	T' /proc/$pid/status
	refused $pid 'is stopped.*kill -CONT'
	python3 -c 'import ctypes, time; ctypes.CDLL(None).prctl(22, 1, 0, 0, 0); x = 1
while True: x += 1' 3>&- &
	pid=$!
	started+=("$pid")
	wait_for 'Seccomp:	1' /proc/$pid/status
	refused $pid 'strict seccomp'
	echo 'int pause(void); int main(void) { return pause(); }' > static.c
	cc -static -w -o static static.c
	start ./static
	sleep 0.2
	refused $pid 'statically linked'
	if command -v musl-gcc > /dev/null; then
		musl-gcc -w -o musl static.c
		start ./musl
		sleep 0.2
		refused $pid 'uses musl'
	fi
	printf '.globl _start\n_start: mov $29, %%eax\nint $0x80\njmp _start\n' > small.s
	if as --32 -o small.o small.s && ld -m elf_i386 -o small small.o && (timeout 0.1 ./small; [ $? -eq 124 ]); then
		start ./small
		sleep 0.2
		refused $pid '32-bit program'
	fi
	(exec bash -c 'sleep 0.1 & exec sleep 60') 3>&- &
	started+=("$!")
	sleep 0.5
	refused "$(ps --ppid $! -o pid= | tr -d ' ')" 'has ended'
	start memrec -o launched.lz4 -- sleep 60
	sleep 0.5
	refused "$(ps --ppid $pid -o pid= | tr -d ' ')" 'memrec is already recording it'
}

@test "a seccomp filter of its own: refused with -f too, but not with --ignore-seccomp, which reports what the filter forbids" {
	cat > filter.py <<-'END'
		import ctypes, os, struct, time
		libc = ctypes.CDLL(None)
		ops = [(0x20, 0, 0, 0), (0x15, 0, 1, 319), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)]	# memfd_create: EPERM
		code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *op) for op in ops))
		libc.prctl(38, 1, 0, 0, 0)
		libc.prctl(22, 2, ctypes.c_char_p(struct.pack("<HxxxxxxQ", len(ops), ctypes.addressof(code))), 0, 0)
		while True:
		    time.sleep(0.1)
	END
	start python3 filter.py
	wait_for 'Seccomp:	2' /proc/$pid/status
	refused $pid 'seccomp filter.*--ignore-seccomp'
	run -1 memrec -f -o t.lz4 -p $pid
	[[ "$output" =~ 'seccomp filter' ]]
	run -1 memrec --ignore-seccomp -f -o t.lz4 -p $pid
	[[ "$output" =~ 'cannot create a memory file: Operation not permitted' ]]
	kill -0 $pid
}

@test "a traced process is refused with the tracer's name, another user's with its owner" {
	cat > tracer.c <<-'END'
		#include <stdlib.h>
		#include <sys/ptrace.h>
		#include <unistd.h>
		int main(int n, char **v) { return n == 2 && ptrace(PTRACE_SEIZE, atoi(v[1]), 0, 0) == 0 ? pause() : 1; }
	END
	cc -w -o tracer tracer.c
	start sleep 60
	local target=$pid
	start ./tracer $target
	wait_for "TracerPid:	$pid" /proc/$target/status
	refused $target "traced by process $pid \(tracer\)"
	[ "$(id -u)" -eq 0 ] || skip "another user's process: only root can make one"
	start sleep 60
	chmod 777 .
	run setpriv --reuid 65534 --regid 65534 --clear-groups memrec -o refused.lz4 -p $pid
	[[ "$output" =~ 'belongs to uid 0, and you are uid 65534' ]]
}

@test "contradictory options are usage errors" {
	run -2 memrec -o t.lz4 -p 1 -- true
	run -2 memrec -o t.lz4 --duration 1 -- true
	run -2 memrec -o t.lz4 -p 0
	run -2 memrec --ignore-seccomp -o t.lz4 -- true
	run -2 memrec -o t.lz4 -p 1 --duration 10%
	run -2 memrec -o t.lz4 -p 1 --duration never
}

@test "of memrecs that attach at the same time one records; the others are refused, and the process has one agent" {
	/usr/bin/python3 -c '
import time
open("ready", "w").close()
while True:
    kept = [bytearray(54320) for i in range(10)]
    time.sleep(0.002)' 3>&- &
	local program=$! round i n
	for _ in $(seq 200); do [ ! -e ready ] || break; sleep 0.05; done
	for round in 1 2 3 4 5; do
		local memrecs=()
		for i in 1 2 3; do
			memrec -f -o t$i.lz4 --duration 2s --pid $program 2> err$i 3>&- &
			memrecs+=($!)
		done
		n=0
		for i in 1 2 3; do
			if wait ${memrecs[i - 1]}; then
				n=$((n + 1))
				[ "$(memcat --json t$i.lz4 | grep -c '"size":54321,')" -gt 10 ]
			else
				grep -q 'memrec is already recording it' err$i || { cat err$i; kill $program; return 1; }
			fi
		done
		[ $n = 1 ] || { echo "round $round: $n of 3 recorded"; cat err?; kill $program; return 1; }
	done
	[ "$(grep -c 'r-xp.*memrec' /proc/$program/maps)" -le 1 ]
	kill $program
}

@test "a thread in a call that nothing interrupts, such as vfork, is waited for" {
	cat > held.c <<-'END'
		#include <stdlib.h>
		#include <time.h>
		#include <unistd.h>
		int main(void)
		{
			for (;;) {
				if (vfork() == 0) {
					nanosleep(&(struct timespec){ .tv_sec = 2 }, NULL);
					_exit(0);
				}
				for (int i = 0; i < 20; i++) {
					void *volatile p = malloc(54321);
					free(p);
					nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
				}
			}
		}
	END
	cc -O1 -o held held.c
	./held 3>&- &
	local program=$!
	sleep 0.5
	run memrec -o t.lz4 --duration 5s --pid $program
	kill $program
	[ "$status" = 0 ] || { echo "$output"; return 1; }
	[ "$(memcat --json t.lz4 | grep -c '"size":54321,')" -ge 10 ]
}

@test "children that a process has already are named, unless they are recorded, too" {
	cat > parent.py <<-'END'
		import os, sys, time
		children = []
		for i in range(2):
		    pid = os.fork()
		    if pid == 0:
		        time.sleep(60)
		        os._exit(0)
		    children.append(pid)
		print(*sorted(children), flush=True)
		kept = []
		while True:
		    kept.append(bytearray(12345))
		    time.sleep(.01)
	END
	python3 parent.py > children 3>&- &
	local parent=$!
	for _ in $(seq 100); do [ -s children ] && break; sleep 0.05; done
	run memrec -f -o t.lz4 --duration 300ms --pid $parent
	[ "$status" = 0 ]
	[ "$output" = "memrec: process $parent has 2 children already, not recorded: $(sed 's/ /, /' children); --follow-fork records them, too" ] || { echo "$output"; kill $parent $(cat children); return 1; }
	run memrec -f -o t.lz4 --duration 300ms --pid "$parent,$(sed 's/ /,/' children)"
	[ -z "$output" ] || { echo "$output"; kill $parent $(cat children); return 1; }
	run memrec -f -o t.lz4 --duration 300ms --pid "$(cut -d' ' -f1 children)"
	kill $parent $(cat children)
	[ -z "$output" ]
}
