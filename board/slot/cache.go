package slot

import (
	"os"

	"golang.org/x/sys/unix"
)

// dropCache has the next read come from the disk, as far as the kernel heeds
// it.
func dropCache(f *os.File) { unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
