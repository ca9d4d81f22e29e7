package config

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// ErrDiskFull says that a change was not taken for want of room.
var ErrDiskFull = errors.New("disk full: nothing was changed; remove files from the sftp folder and try again")

// storeFault is why a commit could not be written, in words that say what to do
// where the reason is known.
func storeFault(rev int, err error) error {
	if means(err, syscall.ENOSPC) || means(err, syscall.EDQUOT) {
		return ErrDiskFull
	}
	if means(err, syscall.EROFS) {
		return errors.New("disk read-only: nothing was changed; the disk may be failing, see xStatus Hardware and make a backup")
	}
	return fmt.Errorf("commit revision %d: %w", rev, err)
}

// means reports whether an error is the kernel's, also where the store's library
// kept only its words.
func means(err error, e syscall.Errno) bool {
	return errors.Is(err, e) || strings.Contains(err.Error(), e.Error())
}
