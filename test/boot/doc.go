// Package boot proves the firmware: it builds the very image that would be
// flashed, starts it in QEMU without the help of the host's processor, types on
// its serial line, comes in by SSH, pulls its plug, and breaks its slots.
//
// The only network is loopback: QEMU's user-mode network lets nothing out and
// one port in, from 127.0.0.1. Where QEMU, the UEFI firmware or the pinned
// packages are missing, the tests skip and say which package helps.
//
// `go test ./test/boot` runs the part that fits into minutes; with
// SALLYPORT_PROVE=1 (`make prove`) it runs all of it, part by part, and writes
// what each part saw to RESULTS.md. More variables for the long run:
//
//	SALLYPORT_PATIENCE  factor of all waiting, for a busy host
//	SALLYPORT_CUTS      power cuts per architecture, 50 unless said
//	SALLYPORT_MINUTES   when the power cuts end all the same, 80 unless said
//	SALLYPORT_AGAIN     runs parts again that passed at this commit
//	SALLYPORT_RESULTS   the file to write to instead of RESULTS.md
//	SALLYPORT_SERIAL    folder that keeps what the machines say
package boot
