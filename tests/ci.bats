# packaging/ci: a comparison of two commits.

load lib/common

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_CONFIG_GLOBAL=/dev/null
	command -v git > /dev/null || skip "no git"
	git init -q -b main "a repo"
	cd "a repo"
	printf 'def load(n):\n    return bytearray(n)\nx = load(3_000_000)\n' > app.py
	git add . && git commit -qm one
	git checkout -qb topic
	printf '\n\ndef load(n):\n    return bytearray(n)\nx = load(5_000_000)\n' > app.py
	git commit -qam two
	check=$TESTS/../packaging/ci/memory-check
}

@test "memory-check: a comment, traces, a picture and a page; 3 over the limit, 0 below it" {
	run "$check" -b main -l 'peak > +1MB' python3 app.py
	[ "$status" -eq 3 ]
	grep -qF "$(git rev-parse --short main) to $(git rev-parse --short HEAD)" memory-check/comment.md
	grep -qxF '| +2.000MB | +66.7 % | 3.000MB | 5.000MB | `load (app.py)` |' memory-check/comment.md
	grep -q "^Over the limit 'peak > +1MB': " memory-check/comment.md
	for file in base.lz4 head.lz4 diff.svg diff.html; do
		[ -s memory-check/$file ]
	done
	git checkout -q main
	git checkout -qb nothing
	run "$check" -b topic -l 'peak > +1%' -o ../elsewhere python3 app.py
	[ "$status" -eq 0 ]
	run ! grep -q "Over the limit" ../elsewhere/comment.md
	[ "$(git worktree list | wc -l)" -eq 1 ]
}

@test "memory-check: a command that fails, an unknown base, no command" {
	run "$check" -b main python3 -c 'raise SystemExit(5)'
	[ "$status" -eq 1 ]
	[[ "$output" == *"memory-check: the command failed in "*"(5)"* ]]
	run "$check" -b nowhere python3 app.py
	[ "$status" -eq 1 ]
	[[ "$output" == *"memory-check: no common commit with nowhere"* ]]
	run "$check" -b main
	[ "$status" -eq 2 ]
	[[ "$output" == *"memory-check [-b BASE]"* ]]
	[ "$(git worktree list | wc -l)" -eq 1 ]
}

@test "the workflows are YAML and call it" {
	python3 -c 'import yaml' || skip "no yaml for python3"
	python3 - "$TESTS/../packaging/ci" <<-'EOF'
	import sys, yaml
	action = yaml.safe_load(open(sys.argv[1] + "/action.yml"))
	assert action["runs"]["using"] == "composite" and any("memory-check" in s.get("run", "") for s in action["runs"]["steps"])
	assert "memory-check" in str(yaml.safe_load(open(sys.argv[1] + "/gitlab.yml"))[".memory-check"]["script"])
	EOF
}

@test "git bisect run with memdiff finds the commit that made the peak grow (memdiff(1))" {
	[ -z "${MEMREC_ASAN:-}" ] || skip "the sanitizer cannot record"
	git checkout -q main
	for n in 1 2 3 4 5 6; do
		echo "x = bytearray($((n < 4 ? 3 : 5))_000_000) #$n" > app.py
		[ $n = 5 ] && echo 'raise SystemExit(1)' >> app.py
		git commit -qam "$n"
	done
	good=$(git rev-parse 'HEAD~5')
	git checkout -q "$good"
	memrec -f -o ../good.lz4 -- python3 app.py
	git checkout -q main
	git bisect start main "$good"
	line=$(sed -n 's/^git bisect run //p' "$TESTS/../filters/memdiff.1" | sed 's/\\-/-/g')
	eval "git bisect run ${line//good.lz4/../good.lz4}" > log
	grep -qF "$(git rev-parse main~2) is the first bad commit" log
}
