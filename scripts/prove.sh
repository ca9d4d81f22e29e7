#!/bin/sh
# Runs the parts of the long firmware test one after the other, each at most an
# hour and a half, and goes on after one that fails. A part that passed at this
# commit is left out; the results stand in test/boot/RESULTS.md.
#   sh scripts/prove.sh [PART ...]     default: all of them
# Two shells may run different parts at the same time.
set -u
cd "$(dirname "$0")/.."
sh scripts/inputs.sh
[ $# -gt 0 ] || set -- amd64 arm64 trouble-amd64 trouble-arm64 cuts-amd64 cuts-arm64 boxes namespaces pi
failed=
for part in "$@"; do
	echo "== $part"
	SALLYPORT_PROVE=1 "${GO:-go}" test -count=1 -timeout 100m -v -run "^TestProve\$/^$part\$" ./test/boot || failed="$failed $part"
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
