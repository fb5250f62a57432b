# make setup: the names it passes to the package manager of a release, and its messages if there is none.

load lib/common

# Simulates a release whose package manager knows the packages in `release` and has installed those in `installed`.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir bin
	: > release
	: > installed
	for tool in sh env id grep tr paste echo sudo; do
		ln -s "$(command -v $tool)" "bin/$tool" 2> /dev/null || true
	done
	stub dpkg-query 'for name; do :; done; grep -qx "$name" installed && echo installed'
	stub apt-cache 'grep -x "$2" release | sed "s/^/Package: /"'
	stub apt-get 'while [ "${1#-}" != "$1" ]; do shift; done; [ "$1" = update ] || { shift; printf "%s\n" "$@" >> asked; }'
	stub sudo 'exec "$@"'
	ln -s "$(command -v sed)" bin/sed
}

stub() { # NAME SCRIPT
	rm -f "bin/$1"
	printf '#!/bin/sh\n%s\n' "$2" > "bin/$1"
	chmod +x "bin/$1"
}

run_setup() { # LIST...
	PATH=$PWD/bin "$TESTS/../.ci/setup" "$@"
}

lists() { # make's own lists, one a line
	make -s -C "$TESTS/.." -f Makefile --eval='print-lists: ; @echo "$(PACKAGES)"; echo "$(TEST_PACKAGES)"; echo "$(PAGE_TEST_PACKAGES)"; echo "$(FEDORA_PACKAGES)"' print-lists
}

@test "of alternative names the release's own is installed, and nothing that is installed already" {
	printf '%s\n' gcc libnew-dev libold-dev > release
	echo gcc > installed
	run_setup 'gcc libnew-dev,libold-dev' '' '' ''
	[ "$(cat asked)" = libnew-dev ]
	rm asked
	printf '%s\n' gcc libold-dev > release
	run_setup 'gcc libnew-dev,libold-dev' '' '' ''
	[ "$(cat asked)" = libold-dev ]
	rm asked
	echo libold-dev >> installed
	run run_setup 'gcc libnew-dev,libold-dev' '' '' ''
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ ! -e asked ]
}

@test "packages that only tests need and the release lacks are named and left out" {
	echo gcc > release
	run run_setup gcc no-such-thing '' ''
	[ "$status" -eq 0 ]
	[ "$(cat asked)" = gcc ]
	[[ "$output" == *'no package no-such-thing: its tests are skipped'* ]]
}

@test "packages that building needs and that cannot be installed are named, and setup fails" {
	stub apt-get '[ "$(eval echo \$#)" -gt 0 ]; case "$*" in *install*) exit 100 ;; esac'
	echo gcc > release
	run run_setup gcc '' '' ''
	[ "$status" -eq 1 ]
	[[ "$output" == *'install them another way: gcc' ]]
}

@test "without apt the names are printed: dnf's, or both" {
	rm bin/dpkg-query
	stub dnf ''
	run run_setup gcc gdb chromium 'gcc msgpack-devel'
	[ "$status" -eq 0 ]
	[[ "$output" == *'dnf install gcc msgpack-devel'* ]]
	rm bin/dnf
	run run_setup gcc gdb chromium 'gcc msgpack-devel'
	[ "$status" -eq 0 ]
	[[ "$output" == *'in Debian: gcc; in Fedora: gcc msgpack-devel'* ]]
	[ ! -e asked ]
}

@test "this release has every package of the lists that building needs" {
	command -v apt-cache > /dev/null || skip "no apt here"
	lists > lists
	[ "$(wc -l < lists)" -eq 4 ]
	for entry in $(head -1 lists); do
		local found=
		for name in ${entry//,/ }; do
			dpkg-query -W "$name" > /dev/null 2>&1 && found=$name
		done
		[ -n "$found" ] || { echo "$entry"; false; }
	done
}

@test "make packages: only what building needs, without a word about tests" {
	make -n -s -C "$TESTS/.." packages > recipe
	run_setup 'gcc' '' '' ''
	[[ "$(cat recipe)" == *"libunwind-dev"* && "$(cat recipe)" != *chromium* && "$(cat recipe)" != *bats* ]]
	rm -f asked bin/dpkg-query
	run run_setup gcc '' '' 'gcc msgpack-devel'
	[ "$status" -eq 0 ]
	[[ "$output" == *'in Debian: gcc; in Fedora: gcc msgpack-devel' ]]
}
