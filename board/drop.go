package board

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kept are the rights that the node needs of a superuser: low ports, network
// and firewall, raw sockets for DHCP, the clock, eBPF, locked memory, and the
// boot partition for updates. It loads no modules, traces nobody, makes no
// devices, and reads no file that is not its own.
func kept() []int {
	return []int{
		unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_SYS_TIME, unix.CAP_BPF,
		unix.CAP_PERFMON, unix.CAP_IPC_LOCK, unix.CAP_SYS_RESOURCE, unix.CAP_SYS_ADMIN,
	}
}

// DropRights gives up all rights but those that the node needs, for this
// process and whatever it starts.
func DropRights() error {
	keep := uint64(0)
	for _, c := range kept() {
		keep |= 1 << c
	}
	if err := prctl(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return err
	}
	for c := 0; c <= unix.CAP_LAST_CAP; c++ {
		if keep&(1<<c) == 0 {
			if err := prctl(unix.PR_CAPBSET_DROP, uintptr(c)); err != nil && err != unix.EINVAL {
				return err // a kernel that knows fewer rights says EINVAL
			}
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	for i := range data { // what was not there before cannot be kept
		data[i].Permitted &= uint32(keep >> (32 * i))
		data[i].Effective, data[i].Inheritable = data[i].Permitted, 0
	}
	_, _, e := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	if e != 0 {
		return fmt.Errorf("capset: %w", e)
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
