# memrec -p of a service: its workers, those born later, several processes, processes by name.

load lib/common
load lib/told

setup_file() {
	try_attach
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -z "$NO_ATTACH" ] || skip "$NO_ATTACH"
	started=()
	cat > service.py <<-'END'
		import os, sys, time
		def until(name):
		    while not os.path.exists(name): time.sleep(.01)
		def work(n):
		    for turn in 1, 2:
		        until(f"go{turn}")
		        x = bytearray(700000 + n)
		        open(f"did{turn}.{n}", "w").close()
		def born(n):
		    pid = os.fork()
		    if pid: return pid
		    if "AS" in os.environ: os.setuid(int(os.environ["AS"]))
		    if n == 3 and os.fork() == 0: n = 4  # a worker with a child of its own
		    with open(f"pid{n}", "w") as f: print(os.getpid(), file=f)
		    os.rename(f"pid{n}", f"pid.{n}")
		    work(n)
		    until("end")
		    os._exit(0)
		for n in 1, 2, 3: born(n)
		while len([name for name in os.listdir() if name.startswith("pid.")]) < 4: time.sleep(.01)
		print("ready", flush=True)
		until("more")
		born(9)
		until("end")
	END
}

teardown() {
	touch end
	kill_started
	[ -z "$(cat pid.* 2> /dev/null)" ] || kill -9 $(cat pid.*) 2> /dev/null || true
}

start_service() {
	/usr/bin/python3 service.py > out 3>&- &
	master=$!
	started+=("$master")
	wait_for ready out
}

# Starts memrec in the background, recording into t.lz4, until it has said so.
record() { # SAYS OPTION...
	: > err
	memrec -v -f -o t.lz4 "${@:2}" 2> err 3>&- &
	recorder=$!
	started+=("$recorder")
	wait_for "$1" err
}

until_there() { # FILE...
	local file
	for file; do
		for _ in {1..400}; do
			[ ! -e "$file" ] || continue 2
			sleep .05
		done
		echo "no $file"
		return 1
	done
}

# The sizes of the workers' blocks, without the bytearray's last byte.
blocks() {
	memcat --json t.lz4 | jq -r 'select(.event == "alloc" and .size > 700000 and .size < 700020) | .size - 700001' | sort | tr '\n' ' '
}

@test "--follow-fork -p MASTER records the workers that run, their children, and those born later, each block once" {
	start_service
	record 'recording 5 processes' -F -p $master
	touch go1 more
	until_there did1.1 did1.2 did1.3 did1.4 did1.9
	detach
	[ "$(blocks)" = "1 2 3 4 9 " ]
	[ "$(memstats --json t.lz4 | jq -c '[.processes, .attached]')" = "[6,5]" ]
	[ "$(grep -Ec 'process [0-9]' err)" -eq 0 ]
	[ "$(memsplit-pid -o 'w.%p.lz4' t.lz4; ls w.*.lz4 | wc -l)" -eq 6 ]
	# Again: also the one that inherited its agent.
	record 'recording 6 processes' -F -p $master
	touch go2
	until_there did2.1 did2.2 did2.3 did2.4 did2.9
	detach
	[ "$(blocks)" = "1 2 3 4 9 " ]
	[ "$(memstats --json t.lz4 | jq -c '[.processes, .attached]')" = "[6,6]" ]
}

@test "several pids: each is recorded into one trace; one that is refused is named in one line" {
	start_service
	kill -STOP "$(cat pid.2)"
	record 'recording 2 processes' -p "$(cat pid.1),$(cat pid.2)" -p "$(cat pid.4)" -p "$(cat pid.1)"
	[ "$(grep -c 'is stopped' err)" -eq 1 ]
	grep -qx "memrec: process $(cat pid.2) is stopped (by Ctrl-Z or SIGSTOP): continue it first: kill -CONT $(cat pid.2)" err
	touch go1
	until_there did1.1 did1.3 did1.4
	detach
	[ "$(blocks)" = "1 4 " ]
	# None of them: no trace.
	kill -STOP "$(cat pid.1)"
	run -1 memrec -o none.lz4 -p "$(cat pid.1),$(cat pid.2)"
	[ ! -e none.lz4 ]
	[ "${#lines[@]}" -eq 2 ]
	kill -CONT "$(cat pid.1)" "$(cat pid.2)"
}

@test "root's memrec records a service whose workers are another user's" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	chmod 777 .
	AS=65534 start_service
	[ "$(stat -c %u /proc/"$(cat pid.4)")" = 65534 ]
	record 'recording 5 processes' -F -p $master
	touch go1
	until_there did1.1 did1.2 did1.3 did1.4
	detach
	[ "$(blocks)" = "1 2 3 4 " ]
	[ "$(memcat --json t.lz4 | jq -r 'select(.event == "memory").pid' | sort -u | wc -l)" -eq 5 ]
	record 'recording 2 processes' -p "$(cat pid.1),$(cat pid.2)"
	touch go2
	until_there did2.1 did2.2
	detach
	[ "$(blocks)" = "1 2 " ]
}

@test "--name: all processes of a script, a module or a program" {
	local name=svc$BASHPID
	cp service.py $name
	mv service.py $name.py
	for arguments in ./$name "-X dev $name.py" "-m $name"; do
		rm -f pid.*
		/usr/bin/python3 $arguments > out 3>&- &
		started+=("$!")
		wait_for ready out
		record 'recording 5 processes' --name $name
		detach
		[ "$(memstats --json t.lz4 | jq .processes)" -eq 5 ]
		kill -9 "${started[-2]}" $(cat pid.*)
	done
	cp "$(command -v sleep)" $name.bin
	./$name.bin 99 3>&- &
	started+=("$!")
	for _ in {1..600}; do
		[ "$(readlink /proc/$!/exe)" != "$PWD/$name.bin" ] || break
		sleep .05
	done
	record "recording process $!" --name $name.bin
	detach
	run -1 memrec -o none.lz4 --name $name.none
	[ "$output" = "memrec: no process is named $name.none" ]
}
