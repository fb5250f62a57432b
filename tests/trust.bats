# Trust: processes outside a recording neither learn from it nor change it, and processes in it cannot harm one another.

load lib/common

setup_file() {
	cc -O1 -D_GNU_SOURCE -I"$BATS_TEST_DIRNAME/../record" -o "$BATS_FILE_TMPDIR/caller" "$BATS_TEST_DIRNAME/trust/caller.c"
	chmod 755 "$BATS_FILE_TMPDIR/caller"
	# Works until the file "go" exists, then makes a child, which works too.
	cat > "$BATS_FILE_TMPDIR/victim.py" <<-'EOF'
		import os, sys, time
		kept = [bytearray(111110) for i in range(100)]
		open("ready", "w").close()
		while not os.path.exists("go"):
		    kept = [bytearray(2000) for i in range(100)]
		    time.sleep(0.001)
		if os.fork() == 0:
		    kept = [bytearray(222220) for i in range(100)]
		    os._exit(0)
		_, status = os.wait()
		kept = [bytearray(333330) for i in range(100)]
		sys.exit(status)
	EOF
}

teardown() {
	touch go
	[ ${#started[@]} -eq 0 ] || kill -9 "${started[@]}" 2> /dev/null
	return 0
}

as_root() {
	[ "$(id -u)" = 0 ] || skip "two users are needed, and only root can be another one"
}

# Another user, without any privileges. Not a function: in the background that would be a shell that ends before its command.
other='setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs'

# Waits until a command succeeds.
until_true() {
	for _ in $(seq 600); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "never true: $*"
	return 1
}

# Runs the program above under memrec; sets $memrec, $program, and the collector's $address.
start_victim() { # OPTIONS
	cp "$BATS_FILE_TMPDIR/caller" .
	chmod 755 . caller
	memrec "$@" -o t.lz4 -- /usr/bin/python3 "$BATS_FILE_TMPDIR/victim.py" 2> err 3>&- &
	memrec=$!
	started+=($memrec)
	until_true test -e ready
	program=$(tr -d ' ' < /proc/$memrec/task/$memrec/children)
	address=$(tr '\0' '\n' < /proc/$program/environ | sed -n 's/^MEMREC_AGENT=\([^ ]*\) .*/\1/p')
}

# A program that pretends to be a followed child of the recording at ADDRESS.
recorded_by() { # ADDRESS COMMAND...
	LD_PRELOAD=$(dirname "$(command -v memrec)")/../lib/memrec/libmemrec.so MEMREC_AGENT="$1 1 2" "${@:2}"
}

count() { # SIZE
	memcat --json t.lz4 | grep -c "\"size\":$1," || true
}

# Checks that the program ends as without memrec, and that the trace is whole.
end_victim() {
	touch go
	wait $memrec
	[ "$(count 111111)" -eq 100 ]
	[ "$(count 222221)" -eq 100 ]
	[ "$(count 333331)" -eq 100 ]
}

@test "another user without the key is given nothing; the recording is whole, and one line says so" {
	as_root
	start_victim --follow-fork
	for _ in 1 2 3; do
		[ "$($other ./caller ask "$address")" = refused ]
		[ "$(./caller ask "$address")" = refused ]
	done
	end_victim
	[ "$(grep -c 'is not part of the recorded program' err)" -eq 1 ]
	[ "$(wc -l < err)" -eq 1 ]
	[ "$(memcat --json t.lz4 | grep -c '"ppid"')" -eq 2 ]
}

@test "without --follow-fork no other process is admitted, even with the key" {
	start_victim
	[ "$(./caller harm "$address")" = refused ]
	touch go
	wait $memrec
	[ "$(count 111111)" -eq 100 ]
	[ "$(count 222221)" -eq 0 ]
}

@test "silent connections delay neither the program nor children that join meanwhile" {
	as_root
	start_victim --follow-fork
	$other ./caller silent "$address" 200 > silent 3>&- &
	local silent=$!
	started+=($silent)
	until_true grep -q open silent	# more than the queue holds: they were accepted, and memrec did not wait for any
	touch go
	until_true test ! -e /proc/$program
	end_victim
	kill $silent
	[ "$(wc -l < err)" -eq 1 ]
}

@test "a recorded process can neither truncate shared memory nor write to the control page" {
	as_root
	start_victim --follow-fork
	[ "$(./caller harm "$address")" = done ]
	[ "$($other ./caller harm "$address")" = done ]
	end_victim
}

@test "memory that memrec shares is sealed" {
	start_victim --follow-fork
	[ "$(./caller harm "$address")" = done ]
	end_victim
}

@test "after memrec's death no process takes its place: no child or executed program talks to another user" {
	as_root
	start_victim --follow-fork
	kill -9 $memrec
	wait $memrec || true
	$other ./caller pose "$address" > posing 3>&- &
	local poser=$!
	started+=($poser)
	until_true grep -q posing posing
	touch go
	until_true test ! -e /proc/$program
	recorded_by "$address" /usr/bin/python3 -c 'print(len([bytearray(100) for i in range(1000)]))' > executed
	[ "$(cat executed)" = 1000 ]
	kill $poser
	[ "$(grep -c 'it said nothing' posing)" -ge 2 ]
	[ "$(grep -c 'it said hello' posing)" -eq 0 ]
}

@test "after memrec's death, if the same user takes its address, memory without the key is not touched" {
	start_victim --follow-fork
	kill -9 $memrec
	wait $memrec || true
	./caller pose "$address" > posing 3>&- &
	local poser=$!
	started+=($poser)
	until_true grep -q posing posing
	cat > child.py <<-'EOF'
		import os
		for i in range(3):
		    if os.fork() == 0:
		        kept = [bytearray(1000) for i in range(1000)]
		        os._exit(0)
		    assert os.wait()[1] == 0
		print("well")
	EOF
	touch go
	until_true test ! -e /proc/$program
	recorded_by "$address" /usr/bin/python3 child.py > executed
	kill $poser
	[ "$(cat executed)" = well ]
	[ "$(grep -c 'it said hello' posing)" -ge 4 ]
	[ "$(grep -c 'it uses our memory' posing)" -eq 0 ]
}

@test "children that dropped their privileges stay recorded: forked, executed, with an empty environment" {
	as_root
	cat > drop.py <<-'EOF'
		import os, subprocess, time
		def drop():
		    os.setgid(65534)
		    os.setuid(65534)
		def execute(code, env=None):
		    subprocess.run(["/usr/bin/python3", "-c", code], env=env, preexec_fn=drop, check=True, cwd="/")
		if os.fork() == 0:
		    drop()
		    kept = [bytearray(111110) for i in range(10)]
		    if os.fork() == 0:
		        kept = [bytearray(222220) for i in range(10)]
		        os._exit(0)
		    os._exit(os.wait()[1])
		assert os.wait()[1] == 0
		execute("kept = [bytearray(333330) for i in range(10)]")
		execute("kept = [bytearray(444440) for i in range(10)]", env={})
		# An orphan: its parent ends before it begins. The pipe ends with it.
		ended, end = os.pipe()
		os.set_inheritable(end, True)
		if os.fork() == 0:
		    drop()
		    parent = os.getpid()
		    if os.fork() == 0:
		        while os.getppid() == parent:
		            time.sleep(0.001)
		        os.execve("/usr/bin/python3", ["python3", "-c", "kept = [bytearray(555550) for i in range(10)]"], {})
		    os._exit(0)
		os.wait()
		os.close(end)
		os.read(ended, 1)
	EOF
	memrec --follow-fork -o t.lz4 -- /usr/bin/python3 drop.py 2> err
	for size in 111111 222221 333331 444441 555551; do
		[ "$(count $size)" -eq 10 ] || { echo "$size: $(count $size)"; cat err; return 1; }
	done
	[ ! -s err ]
}

@test "children in their own user namespace stay recorded" {
	unshare -U true 2> err || skip "user namespaces cannot be made here: $(cat err)"
	memrec --follow-fork -o t.lz4 -- sh -c '
		unshare -U /usr/bin/python3 -c "kept = [bytearray(111110) for i in range(10)]"
		unshare -Ur /usr/bin/python3 -c "kept = [bytearray(222220) for i in range(10)]"'
	[ "$(count 111111)" -eq 10 ]
	[ "$(count 222221)" -eq 10 ]
}

# Runs hostile.c as one of two children of a shell, under memrec, which must end with the shell's status; the other child must be whole.
beside_hostile() { # WHAT... [memrec's options in $options]
	rm -f t.lz4
	memrec --follow-fork $options -o t.lz4 -- sh -c '"$0" "$@"; /usr/bin/python3 -c "kept = [bytearray(111110) for i in range(100)]"; exit 7' \
		"$BATS_FILE_TMPDIR/hostile" "$@" 2> err || [ $? -eq 7 ] || { echo "$*: memrec ended otherwise: $(cat err)"; return 1; }
	[ "$(count 111111)" -eq 100 ] || { echo "$*: the other child is not whole"; return 1; }
	memcat t.lz4 > copy.lz4 || { echo "$*: the trace is damaged"; return 1; }
}

@test "a program that writes nonsense to its ring is no longer recorded: one line; memrec and the other processes continue" {
	cc -O1 -D_GNU_SOURCE -I"$TESTS/../record" -o "$BATS_FILE_TMPDIR/hostile" "$TESTS/trust/hostile.c" -lpthread
	local what options=
	ulimit -v 4000000
	for what in node grow code-grow pair-grow kind no-kind free-null block mapping message; do
		beside_hostile $what
		[ "$(grep -c 'its ring is corrupt' err)" -eq 1 ] || { echo "$what: $(cat err)"; return 1; }
	done
	beside_hostile head
	beside_hostile head-back	# records that memrec had not taken yet are lost silently
	beside_hostile size-race
	options=--native
	for what in native-grow native-loop node pair-grow; do
		beside_hostile $what
		[ "$(grep -c 'its ring is corrupt' err)" -eq 1 ] || { echo "--native $what: $(cat err)"; return 1; }
	done
}

@test "a process that is refused is told: its agent stops, and the program waits for nobody" {
	cc -O1 -D_GNU_SOURCE -I"$TESTS/../record" -o "$BATS_FILE_TMPDIR/hostile" "$TESTS/trust/hostile.c" -lpthread
	local options=
	beside_hostile off > told
	[ "$(cat told)" = told ]
}

@test "no process can fill the terminal with warnings" {
	cc -O1 -D_GNU_SOURCE -I"$TESTS/../record" -o "$BATS_FILE_TMPDIR/hostile" "$TESTS/trust/hostile.c" -lpthread
	local options=
	beside_hostile warnings
	[ "$(grep -c ': text$' err)" = 16 ]
	[ "$(wc -l < err)" = 17 ]
}

@test "a module that is a FIFO, a device or a directory is not opened" {
	cc -O1 -D_GNU_SOURCE -I"$TESTS/../record" -o "$BATS_FILE_TMPDIR/hostile" "$TESTS/trust/hostile.c" -lpthread
	mkfifo fifo
	local options=--native path
	for path in "$PWD/fifo" /dev/zero "$PWD"; do
		beside_hostile path "$path"
		[ "$(count 8)" -ge 1 ]
	done
}

# What a user's process is read with: its user's rights, once the agent is there.
@test "root's memrec that attached to another user's process has that user's rights; the trace is root's" {
	as_root
	chmod 755 .
	cat > /tmp/works.$$.py <<-'EOF'
		import time
		while True:
		    kept = [bytearray(54320) for i in range(10)]
		    time.sleep(0.01)
	EOF
	chmod 644 /tmp/works.$$.py
	setpriv --reuid 65534 --regid 65534 --groups 1234 --no-new-privs /usr/bin/python3 /tmp/works.$$.py 3>&- &
	program=$!
	started+=($program)
	until_true sh -c "tr '\\0' ' ' < /proc/$program/cmdline | grep -q works && grep -q '^Uid:.65534' /proc/$program/status"
	sleep 0.3
	memrec --verbose --native -o t.lz4 -p $program 2> err 3>&- &
	memrec=$!
	started+=($memrec)
	until_true grep -q 'recording process' err
	grep -qx 'Uid:.65534.65534.65534.65534' /proc/$memrec/status
	grep -qx 'Gid:.65534.65534.65534.65534' /proc/$memrec/status
	grep -qx 'Groups:.1234 ' /proc/$memrec/status
	grep -qx 'CapEff:.0*' /proc/$memrec/status
	sleep 0.5
	kill -INT $memrec
	wait $memrec
	rm /tmp/works.$$.py
	[ "$(stat -c '%U %a' t.lz4)" = "root 600" ]
	[ "$(count 54321)" -ge 10 ]
	memcat --json t.lz4 | grep '"executable"' | grep -q python
	memcat --json t.lz4 | grep -q '"lang":"native","name":"_PyEval_EvalFrameDefault"\|"name":"PyByteArray'
}

@test "root's memrec that cannot attach to another user's process leaves no file" {
	as_root
	$other sleep 60 3>&- &
	program=$!
	started+=($program)
	until_true grep -q '^Uid:.65534' /proc/$program/status
	kill -STOP $program
	until_true grep -q '^State:.T' /proc/$program/status
	run memrec -o t.lz4 -p $program
	[ "$status" = 1 ]
	[ ! -e t.lz4 ]
}
