# What every test file begins with: the commands on the PATH, an empty folder to work in.

bats_require_minimum_version 1.5.0

TESTS=$(cd "$BATS_TEST_DIRNAME" && pwd)
export TESTS
# Debian's python3 before any wrapper of that name
PATH=${MEMREC_BIN:-$TESTS/../build/bin}:/usr/bin:$PATH

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Every CPython 3.8 or newer to be found, or those of $PYTHONS.
pythons() {
	if [ -n "${PYTHONS:-}" ]; then
		printf '%s\n' $PYTHONS
		return
	fi
	for python in /usr/bin/python3 "$HOME"/.pyenv/versions/*/bin/python3; do
		[ -x "$python" ] && "$python" -c 'import sys; sys.exit(not ((3, 8) <= sys.version_info[:2] and sys.implementation.name == "cpython"))' 2> /dev/null && printf '%s\n' "$python"
	done
	return 0
}
