// Package rootfs knows what an image consists of: which kernel and boot loader
// (pinned by hash), which modules a board needs, the initramfs that carries
// them together with the one binary, the boot entries and where things lie on
// the disk. It makes bytes and never a disk; cmd/mkimage, its only caller
// besides the boot tests, puts them where they belong. Nothing here runs on a
// box.
//
// All of it is a function of its inputs: the same commit, the same keys and
// the same pinned packages give the same bytes.
package rootfs
