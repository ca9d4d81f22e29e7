package disk

import (
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// resize is EXT4_IOC_RESIZE_FS.
const resize = 0x40086610

// Grow makes the mounted file system as large as its partition. It reports
// by how many bytes.
func Grow(device, dir string) (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	size, err := deviceSize(device)
	if err != nil {
		return 0, err
	}
	blocks, have := uint64(size)/uint64(fs.Bsize), superblockBlocks(device)
	if have == 0 || blocks < have+uint64(16<<20)/uint64(fs.Bsize) {
		return 0, nil // too little to be worth it
	}
	d, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer d.Close()
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, d.Fd(), resize, uintptr(unsafe.Pointer(&blocks))); e != 0 {
		return 0, fmt.Errorf("grow %s: %w", device, e)
	}
	return int64(blocks-have) * int64(fs.Bsize), nil
}

// superblockBlocks is how many blocks the file system says it has; what
// statfs tells leaves out its own tables.
func superblockBlocks(device string) uint64 {
	f, err := os.Open(device)
	if err != nil {
		return 0
	}
	defer f.Close()
	var b [1024]byte
	if _, err := f.ReadAt(b[:], 1024); err != nil {
		return 0
	}
	lo := uint64(b[4]) | uint64(b[5])<<8 | uint64(b[6])<<16 | uint64(b[7])<<24
	hi := uint64(b[0x150]) | uint64(b[0x151])<<8 | uint64(b[0x152])<<16 | uint64(b[0x153])<<24
	return hi<<32 | lo
}

func deviceSize(device string) (int64, error) {
	f, err := os.Open(device)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Seek(0, io.SeekEnd)
}
