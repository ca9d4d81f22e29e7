package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// progress tells a person what happens, one line a step, with the time since
// the start.
type progress struct {
	w     io.Writer
	now   func() time.Time
	start time.Time
}

func newProgress(w io.Writer, now func() time.Time) *progress {
	return &progress{w, now, now()}
}

func (p *progress) line(what, format string, args ...any) {
	fmt.Fprintf(p.w, "%6.1f s  %-10s %s\n", p.now().Sub(p.start).Seconds(), what, fmt.Sprintf(format, args...))
}

func (p *progress) size(what string, n int) { p.line(what, "%s", mib(n)) }

func mib(n int) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// produce writes a file through f beside its name, then gives it the name, and
// reports size and hash.
func (p *progress) produce(name string, f func(*os.File) error) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".mkimage-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	if err := errors.Join(f(tmp), tmp.Chmod(0o644)); err != nil {
		tmp.Close()
		return err
	}
	size, sum, err := fingerprint(tmp)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return err
	}
	p.line("written", "%s, %s", name, mib(int(size)))
	p.line("sha256", "%x", sum)
	return nil
}

func fingerprint(f *os.File) (size int64, sum []byte, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, nil, err
	}
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, h.Sum(nil), err
}
