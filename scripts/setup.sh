#!/bin/sh
# Installs the Debian packages that `make test` needs: real SIP peers and the
# tools that build namespaces and a firewall. Safe to run again; quick when all
# is there. Where it may not install, it says what is missing and which tests
# will skip, and still ends with 0: the tests themselves say why they skip.
# With -v it also prints the versions. With "bench" it installs instead what
# `make bench` compares with, which no test needs.
set -u
PATH=$PATH:/usr/sbin:/sbin

# need calls "$1 package what-skips" when the thing (a command or a file
# pattern) is not here; with "every" as $1 it prints the package in any case.
needs() {
	need "$1" kamailio kamailio "test/netns: every story with a real registrar"
	need "$1" '/usr/lib/*/kamailio/modules/tls.so' kamailio-tls-modules "test/netns: registrar over TLS"
	need "$1" '/usr/lib/*/kamailio/modules/outbound.so' kamailio-outbound-modules "test/netns: registrar with outbound"
	need "$1" '/usr/lib/*/kamailio/modules/utils.so' kamailio-utils-modules "test/netns: registrar"
	need "$1" baresip baresip-core "test/netns: every story with real softphones"
	need "$1" prosody prosody "test/xmpp: chat with a real presence node"
	need "$1" sipp sip-tester "load from outside"
	need "$1" nft nftables "test/netns: the firewall between the zones"
	need "$1" ip iproute2 "test/netns: all of it"
	need "$1" ss iproute2 "test/netns: cutting connections"
	need "$1" openssl openssl "looking at certificates by hand"
	need "$1" prosody prosody "test/xmpp: chat with a real server"
	need "$1" swtpm swtpm "board/tpm: what a TPM seals"
	need "$1" qemu-system-x86_64 qemu-system-x86 "test/boot: the image on amd64"
	need "$1" qemu-system-aarch64 qemu-system-arm "test/boot: the image on arm64"
	need "$1" /usr/share/OVMF/OVMF_CODE.fd ovmf "test/boot: the image on amd64"
	need "$1" /usr/share/AAVMF/AAVMF_CODE.fd qemu-efi-aarch64 "test/boot: the image on arm64"
}

bench_needs() {
	need "$1" kamailio kamailio "test/bench: signalling beside Kamailio"
	need "$1" '/usr/lib/*/kamailio/modules/tls.so' kamailio-tls-modules "test/bench: signalling beside Kamailio"
	need "$1" rtpengine rtpengine-daemon "test/bench: media beside rtpengine"
}

need() {
	if [ "$1" = every ]; then echo "$3"; elif ! present "$2"; then "$1" "$3" "$4"; fi
}

present() {
	case $1 in
	/*) ls $1 >/dev/null 2>&1 ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

package() { echo "$1"; }
line() { echo "  missing: $1 (skips: $2)"; }

# quiet_services lets no package start a service, unless the machine has its
# own say in that already.
quiet_services() {
	policy=/usr/sbin/policy-rc.d
	[ -e $policy ] && return
	printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

install_packages() {
	quiet_services
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update >/dev/null || return
	apt-get -q -y --no-install-recommends install "$@" >/dev/null
}

what=tests
if [ "${1-}" = bench ]; then
	what=comparisons
	needs() { bench_needs "$1"; }
	shift
fi

# The kernels and boot loaders of the image go into a folder of their own.
[ $what = tests ] && { sh "$(dirname "$0")/inputs.sh" >/dev/null || echo "setup: not all inputs of the image could be fetched (skips: test/boot)"; }

missing=$(needs package | sort -u)
if [ -n "$missing" ]; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		echo "setup: installing" $missing
		install_packages $missing || echo "setup: the package manager failed"
	else
		echo "setup: not root, or no apt-get here: nothing installed"
	fi
fi

still=$(needs line)
if [ -n "$still" ]; then
	echo "setup: these $what will skip:"
	echo "$still"
else
	echo "setup: all packages for the $what are here"
fi
[ "${1-}" = -v ] && dpkg-query -W -f '  ${Package} ${Version}\n' $(needs every | sort -u)
exit 0
