# Completion in shells: every option of every command, and their arguments.

load lib/common

setup_file() {
	"$TESTS/../packaging/completions" "$TESTS/../build/bin" "$BATS_FILE_TMPDIR/completions"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	made=$BATS_FILE_TMPDIR/completions
	touch trace.lz4 trail.lz4
}

# Prints every option that each command lists, as COMMAND --OPTION and COMMAND -O.
options() {
	for command in "$TESTS"/../build/bin/*; do
		"$command" --help-options | awk -F '\t' -v command="$(basename "$command")" '
			$1 != "" { print command " -" $1 }
			{ print command " --" $2 }'
	done
}

# Prints bash's completions of a command line, whose last word is incomplete; splits words like readline, at "=" too.
in_bash() { # WORD...
	bash --norc -c '
		. "$0/bash/memrec"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_memrec "$1"
		printf "%s\n" "${COMPREPLY[@]}"' "$made" "$@"
}

@test "bash: each option of each command; files; the recorded program" {
	for command in "$TESTS"/../build/bin/*; do
		in_bash "$(basename "$command")" - | sed "s/^/$(basename "$command") /"
	done | sort > offered
	options | sort | diff - offered
	[ "$(in_bash memfold --le)" = --leaks ]
	[ "$(in_bash memfold trac)" = trace.lz4 ]
	[ "$(in_bash memflame -o tr | sort | xargs)" = "trace.lz4 trail.lz4" ]
	[ "$(in_bash memflame --output = trai)" = trail.lz4 ]
	[ -z "$(in_bash memgrep --function lo)" ]
	in_bash memrec -p '' | grep -qx " *$$"
	in_bash memrec -o trace.lz4 memsum | grep -qx memsummary
	in_bash memrec -n -- memsum | grep -qx memsummary
	[ -e "$made/bash/memfold" ]
}

@test "bash: with bash-completion, options of the recorded program" {
	[ -e /usr/share/bash-completion/bash_completion ] || skip "no bash-completion"
	bash --norc -c '
		. /usr/share/bash-completion/bash_completion
		. "$0/bash/memrec"
		COMP_WORDS=(memrec -n -- memfold --le) COMP_CWORD=4 COMP_LINE="memrec -n -- memfold --le" COMP_POINT=25
		_memrec memrec
		[ "${COMPREPLY[*]}" = --leaks ]' "$made"
}

in_fish() { # LINE
	HOME=$PWD fish -c "set fish_complete_path '$made/fish'; complete -C '$1'" | cut -f 1
}

@test "fish: each option of each command; files; the recorded program" {
	command -v fish > /dev/null || skip "no fish"
	options | awk '{ print $1 }' | uniq | while read -r command; do
		in_fish "$command -" | sed "s/^/$command /"
	done | sort -u > offered
	options | sort | diff - offered
	[ "$(in_fish 'memfold --le')" = --leaks ]
	[ "$(in_fish 'memfold trac')" = trace.lz4 ]
	in_fish 'memrec -p ' | grep -qx $$
	[ "$(in_fish 'memrec -n -- memfold --le')" = --leaks ]
}

# Lets a zsh in a terminal of its own complete a line, and prints the line.
in_zsh() { # LINE
	python3 - "$made/zsh" "$1" <<-'EOF'
	import os, pty, re, select, sys, time
	pid, terminal = pty.fork()
	if pid == 0:
	    os.environ.update(TERM="dumb", PS1="", HOME=os.getcwd())
	    os.execvp("zsh", ["zsh", "-f", "-i"])
	def say(text): os.write(terminal, text.encode())
	def until(pattern):
	    seen, end = "", time.time() + 60
	    while not re.search(pattern, seen):
	        assert time.time() < end, seen
	        if select.select([terminal], [], [], 1)[0]:
	            seen += os.read(terminal, 65536).decode()
	    return re.search(pattern, seen)
	say(f"fpath=({sys.argv[1]} $fpath); autoload -U compinit; compinit -D -u; unsetopt list_ambiguous auto_list list_beep\n")
	say("show() { print -r -- \"<$BUFFER>\"; BUFFER=; zle accept-line }; zle -N show; bindkey '^X' show; print rea''dy\n")
	until("ready")
	say(sys.argv[2] + "\t")
	say("\x18")
	print(until("<([^>\r\n]*)>")[1].rstrip())
	say("exit\n")
	EOF
}

@test "zsh: options, files, the recorded program" {
	command -v zsh > /dev/null || skip "no zsh"
	zsh -n "$made/zsh/_memrec"
	[ "$(in_zsh 'memfold --le')" = 'memfold --leaks' ]
	[ "$(in_zsh 'memtable --split')" = 'memtable --split-threads' ]
	[ "$(in_zsh 'memflame -o trac')" = 'memflame -o trace.lz4' ]
	[ "$(in_zsh 'memfold trai')" = 'memfold trail.lz4' ]
	[ "$(in_zsh 'memrec -n -- memfold --le')" = 'memrec -n -- memfold --leaks' ]
}
