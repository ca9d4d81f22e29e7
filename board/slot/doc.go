// Package slot keeps the two slots of the boot partition: which there are, how
// often the boot loader will still try each, and how a signed update gets into
// the one that does not run.
//
// A slot is a kernel and an initramfs below /sallyport/slot-X, and an entry of
// the boot loader. An entry named slot-b+3.conf is on trial: the loader counts
// down before each start, and gives up on it at zero. A slot whose node became
// healthy is blessed: its entry loses the count. The running slot's files and
// entry are never touched but for that.
//
// What keeps versions from going down is a counter: each release has a greater
// one, in its own release file. The greatest that was ever blessed lies on the
// data partition; an update must exceed both.
package slot
