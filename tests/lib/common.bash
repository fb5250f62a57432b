# What every test file begins with: the commands on the PATH, an empty folder to work in.

bats_require_minimum_version 1.5.0

TESTS=$(cd "$BATS_TEST_DIRNAME" && pwd)
export TESTS
# Debian's python3 before any wrapper of that name
PATH=${MEMREC_BIN:-$TESTS/../build/bin}:/usr/bin:$PATH

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# As `run`, but the function ends where a command fails, as a test does: `run` of a function looks at its last command only.
run_strict() { # FUNCTION [ARG...]
	local flags=$-
	set +eET
	output=$(set -e; "$@" 2>&1)
	status=$?
	set "-$flags"
}

# Every release of CPython from 3.8 on to be found (those of `make pythons` too), or those of $PYTHONS.
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

# Those, and CPythons that were built in another way: for debugging, free-threaded, as a shared library.
all_pythons() {
	pythons
	[ -n "${PYTHONS:-}" ] || find "$TESTS"/../build/pythons/builds -type l -exec readlink -f {} + 2> /dev/null | sort
}

# What to begin a command with so that this Python's blocks have the size that was asked for: a debug build's are larger.
plain_blocks() { # PYTHON
	[[ $1 != *d ]] || echo env PYTHONMALLOC=pymalloc
}
