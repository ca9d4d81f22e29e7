#!/bin/sh
# Fetches the Debian packages that rootfs/inputs.txt pins (kernels, boot loader)
# into a folder outside the tree, for both architectures, without root and
# without touching the machine's own package state. mkimage checks the hashes.
#   sh scripts/inputs.sh [FOLDER]     default: ~/.cache/sallyport/inputs
set -eu
cd "$(dirname "$0")/.."
pins=$PWD/rootfs/inputs.txt
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/sallyport/inputs}
mkdir -p "$dir"

# apt with lists and cache of its own, for one architecture; the sources are
# the machine's.
apt_for() {
	state=$dir/.apt-$1
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	touch "$state/status"
	arch=$1
	shift
	apt-get -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State="$state" \
		-o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" \
		-o Dir::Cache="$state/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}

grep -v '^#' "$pins" | while read -r sum package version arch; do
	[ -n "$sum" ] || continue
	file=${package}_${version}_${arch}.deb
	[ -e "$dir/$file" ] && continue
	command -v apt-get >/dev/null 2>&1 || { echo "inputs: $file must be put into $dir by hand: no apt-get here"; continue; }
	[ -e "$dir/.apt-$arch/ready" ] || { apt_for "$arch" update >/dev/null && touch "$dir/.apt-$arch/ready"; }
	echo "inputs: fetching $file"
	(cd "$dir" && apt_for "$arch" download "$package=$version" >/dev/null) ||
		echo "inputs: $package $version is not to be had; Debian may have replaced it (see rootfs/inputs.txt)"
done
rm -rf "$dir"/.apt-*
