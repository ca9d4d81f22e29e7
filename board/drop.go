package board

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NodeUser is the user and group that the node runs as on the appliance. Nothing
// but its own folder belongs to it.
const NodeUser = 990

// ConfineNode leaves the node low ports.
func ConfineNode() error { return Confine(unix.CAP_NET_BIND_SERVICE) }

// Confine gives up all rights but those kept, for this process and whatever it
// starts, for good: no program that it runs can have more. What the process does
// not have it does not get.
func Confine(kept ...int) error {
	keep := uint64(0)
	for _, c := range kept {
		keep |= 1 << c
	}
	if err := prctl(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return err
	}
	if os.Getuid() == 0 { // of another user's programs none gains rights any more
		if err := dropBounds(keep); err != nil {
			return err
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	for i := range data {
		data[i].Permitted &= uint32(keep >> (32 * i))
		data[i].Effective, data[i].Inheritable = data[i].Permitted, 0
	}
	_, _, e := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	if e != 0 {
		return fmt.Errorf("capset: %w", e)
	}
	return nil
}

func dropBounds(keep uint64) error {
	for c := 0; c <= unix.CAP_LAST_CAP; c++ {
		if keep&(1<<c) == 0 {
			if err := prctl(unix.PR_CAPBSET_DROP, uintptr(c)); err != nil && err != unix.EINVAL {
				return err // a kernel that knows fewer rights says EINVAL
			}
		}
	}
	return nil
}

// prctl is done on every thread: rights belong to threads.
func prctl(option int, arg uintptr) error {
	_, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, uintptr(option), arg, 0, 0, 0, 0)
	if e != 0 {
		return e
	}
	return nil
}
