# Installing: make install, pip install, a wheel for this system; the pytest plugin and the Jupyter magic that come with it.

load lib/common

setup_file() {
	load lib/common
	cd "$TESTS/.." || return 1
	make -s wheel PYTHON=/usr/bin/python3 B="${B:-build}" > "$BATS_FILE_TMPDIR/wheel.log" 2>&1 || { cat "$BATS_FILE_TMPDIR/wheel.log"; return 1; }
	WHEEL=$(tail -1 "$BATS_FILE_TMPDIR/wheel.log")
	[[ "$WHEEL" == /* ]] || WHEEL=$PWD/$WHEEL
	export WHEEL
}

works() { # COMMAND...: python, found and alone
	local path=$PATH
	"$@" - <<-'END'
		import memrec, os, shutil, subprocess, sys
		with memrec.Tracker("installed.lz4", overwrite=True):
		    x = b"x" * 3000000
		assert any(e.get("size") == 3000033 for e in memrec.read("installed.lz4"))
		assert os.path.join("record", "python") not in memrec.__file__, memrec.__file__
		print(memrec._places.prefix())
	END
}

@test "make install installs the package where the prefix's python3 looks, with the commands, pages, agent and completion; make uninstall removes all of it" {
	for prefix in /usr /usr/local /opt/memrec; do
		rm -rf D
		make -s -C "$TESTS/.." install DESTDIR="$PWD/D" PREFIX=$prefix PYTHON=/usr/bin/python3 > said
		case $prefix in
		/usr) folder=/usr/lib/python3/dist-packages ;;
		/usr/local) folder=$(/usr/bin/python3 -c 'import sys; print("/usr/local/lib/python3.%d/dist-packages" % sys.version_info[1])') ;;
		*) folder=/opt/memrec/lib/python3/dist-packages; grep -q "PYTHONPATH=$folder" said ;;
		esac
		[ "$(PYTHONPATH=$PWD/D$folder works /usr/bin/python3)" = "$PWD/D$prefix" ]
		[ -x "D$prefix/bin/memflame" ] && [ -f "D$prefix/share/man/man1/memrec.1" ] && [ -f "D$prefix/share/man/man5/memtrace.5" ] && [ -f "D$prefix/share/man/man7/memrec.7" ]
		[ -f "D$prefix/share/zsh/site-functions/_memrec" ] && [ -f "D$prefix/share/fish/vendor_completions.d/memfold.fish" ]
		[ "$(readlink "D$prefix/share/bash-completion/completions/memfold")" = memrec ]
		PYTHONPATH=$PWD/D$folder /usr/bin/python3 -c 'from importlib.metadata import entry_points, version; assert version("memrec") == "0.1.0"; assert [e for e in entry_points(group="pytest11") if e.value == "memrec.pytest_plugin"]'
		make -s -C "$TESTS/.." uninstall DESTDIR="$PWD/D" PREFIX=$prefix PYTHON=/usr/bin/python3 > said
		[ -z "$(find D ! -type d)" ]
	done
}

@test "the wheel is for every Python 3 on this kind of machine, and contains the commands and the agent" {
	[[ "$(basename "$WHEEL")" == memrec-0.1.0-py3-none-linux_"$(uname -m)".whl ]]
	/usr/bin/python3 -m zipfile -l "$WHEEL" > list
	for file in memrec/tracker.py memrec/py.typed scripts/memrec scripts/memflame data/lib/memrec/libmemrec.so data/share/man/man1/memfold.1 entry_points.txt; do
		grep -q "$file" list || { echo "no $file"; cat list; false; }
	done
	run -1 grep -E '\.options|\.new ' list
	run -0 /usr/bin/python3 -c 'import email.parser, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
m = email.parser.Parser().parsestr(z.read("memrec-0.1.0.dist-info/METADATA").decode())
print(m["Name"], m["Version"], m["License-Expression"], m["Requires-Python"], "Typing :: Typed" in m.get_all("Classifier"),
      len(m.get_payload()) > 1000)' "$WHEEL"
	[ "$output" = "memrec 0.1.0 MIT >=3.8 True True" ]
}

@test "the package has the commands' version" {
	read -r _ version _ < <(memrec --version)
	[ "$(PYTHONPATH=$TESTS/../record/python python3 -c 'import memrec; print(memrec.__version__)')" = "$version" ]
}

@test "pip installs the wheel in a virtual environment: commands, package, pytest plugin; and removes everything" {
	/usr/bin/python3 -m venv --system-site-packages env
	env/bin/python -m pip install -q --no-index --no-deps "$WHEEL"
	PATH=/usr/bin:/bin
	[ "$(works env/bin/python)" = "$PWD/env" ]
	env/bin/memrec -f -o t.lz4 -- env/bin/python -c 'x = bytearray(3000000)'
	env/bin/memsummary t.lz4 > /dev/null
	env/bin/python -m memrec run -o t2.lz4 -c 'x = bytearray(3000000)'
	printf 'import pytest\n@pytest.mark.limit_memory("1 MB")\ndef test_it(): x = bytearray(3000000)\n' > test_it.py
	run -1 env/bin/python -m pytest -p no:cacheprovider --memrec test_it.py
	[[ "$output" == *"Test was limited to 1.0MiB but allocated 2.9MiB"* && "$output" == *"MEMREC REPORT"* ]]
	env/bin/python -m pip uninstall -q -y memrec
	[ ! -e env/bin/memcat ] && [ ! -e env/lib/memrec/libmemrec.so ]
}

@test "the wheel works with every Python, whichever pip unpacks it" {
	while read -r python; do
		pip=$python
		"$python" -c 'import pip' 2> /dev/null || pip=/usr/bin/python3
		PYTHONPATH= "$pip" -m pip install -q --no-index --no-deps --target "target" --upgrade "$WHEEL" 2> /dev/null
		PYTHONPATH=$PWD/target works "$python"
	done < <(pythons)
}

@test "a type checker knows the public names" {
	command -v mypy > /dev/null || skip "no mypy"
	cp "$TESTS/python/typed.py" .
	MYPYPATH=$TESTS/../record/python mypy --strict --follow-imports=silent --warn-unused-ignores --cache-dir="$PWD/cache" typed.py
	sed -i 's/  # type: ignore.*//' typed.py
	MYPYPATH=$TESTS/../record/python run -1 mypy --strict --follow-imports=silent --cache-dir="$PWD/cache" typed.py
	[[ "$output" == *"Found 4 errors in 1 file"* ]]
}

@test "one environment's memrec records the Python of another" {
	/usr/bin/python3 -m venv --system-site-packages env
	env/bin/python -m pip install -q --no-index --no-deps "$WHEEL"
	while read -r python; do
		env/bin/memrec -f -o t.lz4 -- "$python" -c 'def load(): return b"x" * 1000000
x = load()'
		env/bin/memtable --json t.lz4 | jq -e '[.. | objects | select(.function? == "load" and .size? > 999999)] | length > 0' > /dev/null ||
			{ echo "$python"; env/bin/memtable t.lz4; false; }
	done < <(pythons)
}

@test "pip builds the source distribution, without a network, and the editable install has the commands" {
	/usr/bin/python3 "$TESTS/../packaging/backend.py" --sdist . > said
	[ "$(cat said)" = ./memrec-0.1.0.tar.gz ]
	tar tzf memrec-0.1.0.tar.gz | grep -qx memrec-0.1.0/record/agent/ring.c
	run -1 sh -c 'tar tzf memrec-0.1.0.tar.gz | grep -E "/build/|\.git/|__pycache__"'
	/usr/bin/python3 -m pip wheel -v --no-index --no-deps --config-settings make="LTO= CFLAGS=-O1" --wheel-dir wheels memrec-0.1.0.tar.gz > log 2>&1 ||
		{ tail -30 log; false; }
	grep -q 'memrec: compiling [0-9]* files, [0-9]* at a time' log
	/usr/bin/python3 -m venv --system-site-packages env
	env/bin/python -m pip install -q --no-index --no-deps wheels/memrec-0.1.0-py3-none-linux_*.whl
	[ "$(PATH=/usr/bin:/bin works env/bin/python)" = "$PWD/env" ]
	env/bin/python -m pip uninstall -q -y memrec
	env/bin/python -m pip install -q --no-index --no-deps -e "$TESTS/.."
	[ "$(env/bin/memfold --version)" = "$(memfold --version)" ]
	env/bin/python -c 'import memrec; assert "record/python" in memrec.__file__, memrec.__file__'
}

@test "pip's metadata needs no compiler; what building needs and is missing is named in one sentence" {
	mkdir bin
	printf '#!/bin/sh\nexit 1\n' | tee bin/gcc > bin/cc
	chmod +x bin/*
	/usr/bin/python3 "$TESTS/../packaging/backend.py" --sdist . > said
	tar xzf memrec-0.1.0.tar.gz
	cd memrec-0.1.0
	PATH=$PWD/../bin:$PATH /usr/bin/python3 -c 'import sys
sys.path.insert(0, "packaging")
import backend
print(backend.prepare_metadata_for_build_wheel("info"))' | grep -qx memrec-0.1.0.dist-info
	[ -s info/memrec-0.1.0.dist-info/METADATA ] && [ ! -e build ]
	cat > ../bin/dpkg-query <<-'END'
		#!/bin/sh
		case "$*" in *liblz4-dev) exit 1 ;; esac
		echo installed
	END
	chmod +x ../bin/dpkg-query
	PATH=$PWD/../bin:$PATH run -1 /usr/bin/python3 -m pip wheel -q --no-index --no-deps .
	[[ "$output" == *"memrec: packages that building the commands needs are missing: liblz4-dev (apt install liblz4-dev)"* ]]
	[[ "$output" != *Traceback* ]]
	PATH=$PWD/../bin run -1 /usr/bin/python3 -c 'import sys
sys.path.insert(0, "packaging")
import backend
backend.build_wheel(".")'
	[[ "$output" == "memrec: building the commands needs make and a C compiler; "* ]]
}

@test "the pytest plugin: limits, leaks, the report, xdist" {
	cp "$TESTS"/python/plugin_pytest.py test_plugin.py
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$TESTS/../record/python /usr/bin/python3 -m pytest -q -p no:cacheprovider --basetemp=tmp -n 2 test_plugin.py
}

@test "the Jupyter magic shows the flame page of a cell" {
	cp "$TESTS"/python/{traces,jupyter_test}.py .
	HOME=$PWD PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$TESTS/../record/python:. /usr/bin/python3 -W default -m unittest -v jupyter_test
}

@test "memory limits give the same verdicts as pytest-memray" {
	python=${MEMRAY_PYTHON:-$TESTS/../build/memray/bin/python}
	[ -x "$python" ] || skip "no pytest-memray: make memray"
	cp "$TESTS"/python/verdicts_pytest.py test_verdicts.py
	verdicts() { "$python" -m pytest -q -p no:cacheprovider -rA "$@" test_verdicts.py | sed -n 's/^\(PASSED\|FAILED\|MEMORY PROBLEMS\) test_verdicts.py::\([^ ]*\).*/\2 \1/p' | sed 's/MEMORY PROBLEMS/FAILED/' | sort; }
	verdicts > memray || true
	PYTHONPATH=$TESTS/../record/python PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 verdicts -p memrec.pytest_plugin > memrec || true
	[ "$(wc -l < memray)" -ge 40 ]
	grep -q PASSED memray && grep -q FAILED memray
	diff memray memrec
	echo "# $(wc -l < memray) verdicts, $(grep -c FAILED memray) of them failures, the same" >&3
}
