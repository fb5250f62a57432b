# For sed -E: removes from a page's scripts what browsers do not need, as every page contains them.
# Comments, on lines of their own (/** … */ too) and at the end of lines; indentation; empty lines; directives.
/^ *(\/\/|\/\*\*|\*( |$|\/))/d
s/^ +//
s/  +\/\/ .*$//
/^$/d
/^'use strict';$/d
# Blanks around operators: those that texts do not contain everywhere, …
s/ (=>|===|!==|&&|\|\|) /\1/g
# … the others before the first quote or slash of the line, where no text or regular expression can begin.
:before
s/^([^'"`/]*) ([=<>!+*?:&|,;{}()-]+)/\1\2/
t before
:after
s/^([^'"`/]*[=<>!+*?:&|,;{}()-]) /\1/
t after
