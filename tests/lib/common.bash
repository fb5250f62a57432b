# Loaded by every test file: puts the commands on the PATH, and starts each test in an empty folder.

bats_require_minimum_version 1.5.0

TESTS=$(cd "$BATS_TEST_DIRNAME" && pwd)
export TESTS
# Debian's python3 before any wrapper of that name
PATH=${MEMREC_BIN:-$TESTS/../build/bin}:/usr/bin:$PATH

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Fails if the command succeeds. A test does not end at a line "! COMMAND" that fails, unless it is the last one.
not() { # COMMAND...
	! "$@"
}

# Like `run`, but the function ends at the first failing command, like a test; `run` checks only the last command.
run_strict() { # FUNCTION [ARG...]
	local flags=$-
	set +eET
	output=$(set -e; "$@" 2>&1)
	status=$?
	set "-$flags"
}

# Prints every release of CPython from 3.8 on that is found (including those of `make pythons`), or those in $PYTHONS.
pythons() {
	if [ -n "${PYTHONS:-}" ]; then
		printf '%s\n' $PYTHONS
		return
	fi
	for python in /usr/bin/python3 "$HOME"/.pyenv/versions/*/bin/python3 $(readlink -f "$TESTS"/../build/pythons/bin/*); do
		[ -x "$python" ] && "$python" -c 'import sys; sys.exit(not ((3, 8) <= sys.version_info[:2] and sys.implementation.name == "cpython"))' 2> /dev/null && printf '%s\n' "$python"
	done
	return 0
}

# Prints those and other builds of CPython: debug, free-threaded, with a shared library.
all_pythons() {
	pythons
	[ -n "${PYTHONS:-}" ] || find "$TESTS"/../build/pythons/builds -type l -exec readlink -f {} + 2> /dev/null | sort
}

# Prints the beginning of a command that gives this Python blocks of the requested size: a debug build's are larger.
plain_blocks() { # PYTHON
	[[ $1 != *d ]] || echo env PYTHONMALLOC=pymalloc
}
