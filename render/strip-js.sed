# For sed -nE: removes from a page's scripts what browsers do not need, as every page contains them.
# Comments, on lines of their own (/** … */ too) and at the end of lines; indentation; empty lines; directives.
/^ *(\/\/|\/\*\*|\*( |$|\/))/d
s/^ +//
s/  +\/\/ .*$//
/^$/d
/^'use strict';$/d
# Blanks around operators: those that texts do not contain everywhere, …
s/ (=>|===|!==|&&|\|\|) /\1/g
# … the others outside strings, up to the first double quote, template, or slash, which may begin a regular expression.
:before
s/^(([^'"`/]*'[^'\\]*')*[^'"`/]*) ([=<>!+*?:&|,;{}()-]+)/\1\3/
t before
:after
s/^(([^'"`/]*'[^'\\]*')*[^'"`/]*[=<>!+*?:&|,;{}()-]) /\1/
t after
# Line breaks after and before these, where an expression goes on, or a statement has ended by itself.
H
$!d
x
s/([{;,([])\n/\1/g
s/\n([])}?:.&|+])/\1/g
s/^\n//
p
