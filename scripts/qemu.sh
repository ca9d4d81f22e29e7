#!/bin/sh
# Starts an image in QEMU, on this terminal as its serial line. The only network
# is loopback: the box has 10.0.2.15 and reaches nothing; SSH, HTTPS and SIP of
# the box are offered on 127.0.0.1. Ctrl-A X ends it, Ctrl-A C is QEMU's own
# prompt. The disk keeps what the box writes.
#   sh scripts/qemu.sh pc-x86_64|pc-arm64 IMAGE [more words for QEMU]
set -eu
board=${1:?which board} image=${2:?which image}
shift 2
case $board in
pc-x86_64)
	qemu=qemu-system-x86_64 machine="q35" cpu=max
	code=/usr/share/OVMF/OVMF_CODE_4M.fd vars=/usr/share/OVMF/OVMF_VARS_4M.fd
	packages="qemu-system-x86 ovmf" ;;
pc-arm64)
	qemu=qemu-system-aarch64 machine="virt" cpu=cortex-a57
	code=/usr/share/AAVMF/AAVMF_CODE.fd vars=/usr/share/AAVMF/AAVMF_VARS.fd
	packages="qemu-system-arm qemu-efi-aarch64" ;;
*) echo "qemu.sh: no way to play a $board"; exit 2 ;;
esac
if ! command -v $qemu >/dev/null 2>&1 || [ ! -e $code ]; then
	echo "qemu.sh: missing here: apt-get install --no-install-recommends $packages"
	exit 1
fi
case $image in *.qcow2) format=qcow2 ;; *.vmdk) format=vmdk ;; *) format=raw ;; esac
[ -e "$image.vars" ] || cp $vars "$image.vars"

echo "SSH: ssh -p ${SSH_PORT:-2022} admin@127.0.0.1    HTTPS: 127.0.0.1:${HTTPS_PORT:-18443}    end: Ctrl-A X"
exec $qemu -machine $machine -cpu $cpu -smp 2 -m "${MEMORY:-1024}" -nodefaults -display none -serial mon:stdio \
	-action watchdog=reset \
	-drive if=pflash,format=raw,readonly=on,file=$code \
	-drive if=pflash,format=raw,file="$image.vars" \
	-drive if=none,id=disk,format=$format,file="$image" -device virtio-blk-pci,drive=disk,bootindex=0 \
	-device virtio-rng-pci -device i6300esb \
	-netdev "user,id=lan1,restrict=on,hostfwd=tcp:127.0.0.1:${SSH_PORT:-2022}-10.0.2.15:22,hostfwd=tcp:127.0.0.1:${HTTPS_PORT:-18443}-10.0.2.15:8443,hostfwd=tcp:127.0.0.1:${SIP_PORT:-15061}-10.0.2.15:5061" \
	-device virtio-net-pci,netdev=lan1,romfile=,mac=52:54:00:00:00:01 \
	"$@"
