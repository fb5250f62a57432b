# The hot loops' instructions on a fixed trace, compared with the stored counts (make baselines renews them).

load lib/common

@test "no hot loop takes over 10 % more instructions than its baseline" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "sanitizers add their own"
	command -v valgrind > /dev/null || skip "no valgrind"
	baseline=$TESTS/bench/instructions.txt
	"$TESTS/bench/instructions" > now
	# The counts are comparable only with the compiler and libraries of the baseline.
	local is=$(grep -E '^(gcc|liblz4|libc|machine) ' now) was=$(grep -E '^(gcc|liblz4|libc|machine) ' "$baseline")
	[ "$is" = "$was" ] || skip "the baseline is of $(tr '\n' ' ' <<< "$was"), here is $(tr '\n' ' ' <<< "$is")"
	awk '$2 !~ /^[0-9]+$/ { next }
		NR == FNR { was[$1] = $2; n++; next }
		{ seen++ }
		$2 > 1.1 * was[$1] { printf "%s: %d instructions, the baseline is %d\n", $1, $2, was[$1]; bad = 1 }
		END { exit bad || seen != n || n < 8 }' "$baseline" now
}

@test "the recorder asks for slots and addresses before it needs them" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "built otherwise"
	[ "$(uname -m)" = x86_64 ] || skip "the instruction has another name here"
	# A function that only prefetches counts as one without effect, and gcc drops its calls.
	[ "$(objdump -d --no-show-raw-insn "$(command -v memrec)" | grep -c prefetch)" -ge 2 ]
}
