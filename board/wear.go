package board

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wear is how much of a disk's life is used up, in percent, -1 where it does not
// say, whether it warns of its end, and whether it would. NVMe drives and eMMC
// say it to who may open them; ATA drives are asked by Drives.
func wear(sys, dev, name string) (percent int, failing, tells bool) {
	if used, worn, ok := emmcWear(filepath.Join(sys, "block", name, "device")); ok {
		return used, worn, true
	}
	if strings.HasPrefix(name, "nvme") {
		if log, err := nvmeHealth(filepath.Join(dev, name)); err == nil {
			used, worn := nvmeWear(log)
			return used, worn, true
		}
	}
	return -1, false, false
}

// emmcWear reads the two estimates of JESD84: each a step of ten percent.
func emmcWear(dir string) (used int, worn, ok bool) {
	for _, field := range strings.Fields(word(dir, "life_time")) {
		n, err := strconv.ParseInt(field, 0, 16)
		if err != nil || n < 1 || n > 11 {
			continue
		}
		used, ok = max(used, int(n-1)*10), true
	}
	end, err := strconv.ParseInt(word(dir, "pre_eol_info"), 0, 16)
	return used, err == nil && end > 1, ok
}

// nvmeWear reads a health log: byte 0 warns of what is critical, byte 5 is the
// part of its life that is used, which may exceed 100.
func nvmeWear(log []byte) (int, bool) { return int(log[5]), log[0] != 0 }

// nvmeHealth asks a drive for its health log.
func nvmeHealth(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	log := make([]byte, 512)
	cmd := nvmeCommand{opcode: 0x02, nsid: 0xFFFFFFFF, addr: uint64(uintptr(unsafe.Pointer(&log[0]))), length: 512, cdw10: 0x02 | (512/4-1)<<16}
	const admin = 0xC0484E41 // NVME_IOCTL_ADMIN_CMD
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), admin, uintptr(unsafe.Pointer(&cmd))); e != 0 {
		return nil, e
	}
	return log, nil
}

// nvmeCommand is the kernel's struct nvme_admin_cmd.
type nvmeCommand struct {
	opcode, flags      uint8
	_                  uint16
	nsid               uint32
	_, _               uint32
	metadata, addr     uint64
	metaLength, length uint32
	cdw10              uint32
	_                  [5]uint32
	timeout, result    uint32
}
