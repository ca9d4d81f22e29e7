#!/bin/sh
# Each fuzz target of the module for the time given (60s), or only those of the
# packages named behind it. Minimising is kept short: the big seeds of a SIP
# parser would keep the engine busy with nothing else.
set -eu
cd "$(dirname "$0")/.."
time=${1:-60s}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- .
for file in $(grep -rlE '^func Fuzz' --include='*_test.go' "$@"); do
	pkg=./$(dirname "$file" | sed 's,^\./,,')
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
		echo "== $pkg $target $time"
		go test "$pkg" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 20x
	done
done
