# The Pythons that the other tests use.

load lib/common

@test "CPython 3.14 and 3.15 are among the Pythons that the tests use, and start others like themselves" {
	for minor in 14 15; do
		found=
		for python in $(pythons); do
			[ "$("$python" -c 'import sys; print(sys.version_info[1])')" -ne $minor ] || found=$python
		done
		[ -n "$found" ] || skip "no CPython 3.$minor (make pythons)"
		[ "$("$found" -c 'import subprocess, sys; subprocess.run([sys.executable, "-c", "import sys; print(sys.version_info[1])"])')" -eq $minor ]
	done
}
