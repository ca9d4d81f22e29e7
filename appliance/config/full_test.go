package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// TestStoreFaults says what to do, and shows no path of the machine.
func TestStoreFaults(t *testing.T) {
	at := func(e error) error { return &fs.PathError{Op: "write", Path: "/data/node/config.db", Err: e} }
	for _, c := range []struct {
		err  error
		want string
	}{
		{at(syscall.ENOSPC), "disk full: nothing was changed"},
		{fmt.Errorf("file resize error: %s", at(syscall.ENOSPC)), "disk full: "}, // as the store's library says it
		{at(syscall.EDQUOT), "disk full: "},
		{at(syscall.EROFS), "disk read-only: "},
		{errors.New("database not open"), "commit revision 7: database not open"},
	} {
		got := storeFault(7, c.err).Error()
		if !strings.HasPrefix(got, c.want) || strings.Contains(got, "/data") {
			t.Errorf("%v becomes %q", c.err, got)
		}
	}
	if !errors.Is(storeFault(1, at(syscall.ENOSPC)), ErrDiskFull) {
		t.Error("not known again")
	}
}
