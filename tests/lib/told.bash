# Programs that work on each line of input and answer when done (tests/attach/known.py): `load lib/told`.
# The test's teardown must kill the processes in ${started[@]}.

# For setup_file: tries to attach. If this system forbids it, $NO_ATTACH says why, and the tests must be skipped.
try_attach() {
	sleep 60 &
	local pid=$!
	export NO_ATTACH=
	if ! "${MEMREC_BIN:-$BATS_TEST_DIRNAME/../build/bin}/memrec" -o "$BATS_FILE_TMPDIR/t.lz4" -p $pid -d 0.01 2> "$BATS_FILE_TMPDIR/why"; then
		grep -Eq 'ptrace_scope|forbids' "$BATS_FILE_TMPDIR/why" && NO_ATTACH=$(cat "$BATS_FILE_TMPDIR/why")
	fi
	kill $pid
}

wait_for() { # PATTERN FILE
	for _ in $(seq 400); do
		grep -q "$1" "$2" && return
		sleep 0.05
	done
	echo "no '$1' in $2: $(cat "$2")"
	return 1
}

start_told() { # COMMAND...: starts it, and waits for "ready"; `tell` gives it orders; its pid is in $pid
	rm -f in
	mkfifo in
	"$@" < in > out 3>&- &
	pid=$!
	started+=("$pid")
	exec 7> in
	wait_for ready out
}

tell() { # WORD ANSWER
	: > out
	echo "$1" >&7
	wait_for "$2" out
}

# Starts memrec on $pid in the background, recording into t.lz4; its pid is in $recorder.
attach() { # [OPTION...]
	: > err
	memrec -v -f -o t.lz4 -p "$pid" "$@" 2> err 3>&- 7>&- &
	recorder=$!
	started+=("$recorder")
	wait_for 'recording process' err
}

detach() {
	kill -INT $recorder
	wait $recorder
}

kill_started() {
	local pid
	for pid in "${started[@]}"; do
		kill -CONT "$pid" 2> /dev/null
		kill -9 "$pid" 2> /dev/null
	done
	return 0
}
