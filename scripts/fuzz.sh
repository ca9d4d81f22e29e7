#!/bin/sh
# Each fuzz target of the module for the time given (60s).
set -eu
cd "$(dirname "$0")/.."
time=${1:-60s}
for file in $(grep -rlE '^func Fuzz' --include='*_test.go' .); do
	pkg=$(dirname "$file")
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
		echo "== $pkg $target $time"
		go test "$pkg" -run '^$' -fuzz "^$target\$" -fuzztime "$time"
	done
done
