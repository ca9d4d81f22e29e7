package disk

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// nothing on our disks is ever run.
const safe = unix.MS_NOEXEC | unix.MS_NOSUID | unix.MS_NODEV

// MountData mounts the data partition.
func MountData(device, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := unix.Mount(device, dir, "ext4", safe|unix.MS_NOATIME, "errors=remount-ro"); err != nil {
		return fmt.Errorf("mount %s: %w", device, err)
	}
	return nil
}

// WithBoot mounts the boot partition for as long as f runs, in one process at a
// time. Everything f wrote
// is on the disk when WithBoot returns without an error.
func WithBoot(device, dir string, write bool, f func(dir string) error) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	flags := uintptr(safe)
	if !write {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount(device, dir, "vfat", flags, "umask=0077"); err != nil {
		return fmt.Errorf("mount %s: %w", device, err)
	}
	defer func() {
		if write {
			unix.Sync()
		}
		if e := unix.Unmount(dir, 0); e != nil && err == nil {
			err = fmt.Errorf("unmount %s: %w", device, e)
		}
	}()
	return f(dir)
}
