# memrec-for-memray-users(7): each option of memray is on it, and its commands work.

load lib/common
load lib/traces

page() {
	sed 's/\\-/-/g' "$TESTS/../record/memrec-for-memray-users.7"
}

@test "every command and option of memray 1.20 is on the page" {
	missing=()
	for word in run attach detach flamegraph table tree summary stats transform parse live \
		-m -c -o -f -q --native --follow-fork --trace-python-allocators --aggregate --live --live-remote --live-port --no-compress \
		--compress-on-exit --buffered-file-io --track-object-lifetimes --duration --method --leaks --temporary-allocations \
		--temporary-allocation-threshold --temporal --split-threads --inverted --max-memory-records --no-web --confidential-files \
		--biggest-allocs --sort-column --max-rows --num-largest --json gprof2dot csv; do
		page | grep -qE "(^|[ (,])$word([ ,).]|$)" || missing+=("$word")
	done
	echo "missing: ${missing[*]}"
	[ ${#missing[@]} -eq 0 ]
}

@test "the commands it gives work as written" {
	echo 'x = [bytearray(1000) for i in range(1000)]' > script.py
	memrec --census -o t.lz4 -- python3 script.py
	cp t.lz4 before.lz4
	cp t.lz4 after.lz4
	local failed=() ran=0
	while IFS= read -r line; do
		# What needs a terminal, another machine or process is nothing to run here.
		[[ "$line" =~ memtop|^ssh|PID|^kill ]] && continue
		line=$(sed -E 's/memrec (.*)-o FILE/memrec \1-f -o new.lz4/; s/> FILE/> new/; s/\bFILE\b/t.lz4/g; s/PATTERN/script/; s/MODULE/script/; s/10s --end 20s/0s --end 20s/' <<< "$line")
		[[ "$line" != "memrec "*python3* || "$line" == *" -o "* || "$line" == *"|"* ]] || line+=" > new.lz4"
		ran=$((ran + 1))
		timeout 30 bash -o pipefail -c "$line" > out 2>&1 < /dev/null || failed+=("$line: $(tail -1 out)")
	done < <(page | sed -nE 's/^\.B ((mem|ssh|kill).*)/\1/p' | grep -v '^memray')
	printf '%s\n' "${failed[@]}"
	[ ${#failed[@]} -eq 0 ]
	[ $ran -gt 25 ]
}
