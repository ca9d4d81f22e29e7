package eventlog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	fileRetry = 10 * time.Second
	fileMode  = 0o600
)

// fileSink writes lines to a file and rotates it by size: log, log.1, log.2 …
// Only the goroutine of its spool touches it.
type fileSink struct {
	path string
	size int64
	keep int

	file    *os.File
	written int64
	retryAt time.Time
}

func newFileSink(path string, size int64, keep int) *fileSink {
	if size <= 0 {
		size = 8 << 20
	}
	if keep <= 0 {
		keep = 4
	}
	return &fileSink{path: path, size: size, keep: keep}
}

// write puts lines into the file and returns how many were dropped. After an
// error lines are dropped for a while, so that a full disk is not asked for
// every one.
func (f *fileSink) write(lines []byte) (dropped int) {
	for len(lines) > 0 {
		var now []byte
		err := f.ready(int64(bytes.IndexByte(lines, '\n') + 1))
		if err == nil {
			now, lines = f.fitting(lines)
			var n int
			n, err = f.file.Write(now)
			f.written += int64(n)
		}
		if err != nil {
			f.close()
			f.retryAt = time.Now().Add(fileRetry)
			return bytes.Count(now, []byte("\n")) + bytes.Count(lines, []byte("\n"))
		}
	}
	return 0
}

// fitting cuts off as many whole lines as the file still takes, and at least
// one.
func (f *fileSink) fitting(lines []byte) (now, later []byte) {
	n := len(lines)
	if room := int(f.size - f.written); n > room {
		n = bytes.LastIndexByte(lines[:max(room, 0)], '\n') + 1
		if n == 0 {
			n = bytes.IndexByte(lines, '\n') + 1
		}
	}
	return lines[:n], lines[n:]
}

// ready makes the file take n bytes more.
func (f *fileSink) ready(n int64) error {
	if f.file == nil {
		if time.Now().Before(f.retryAt) {
			return os.ErrDeadlineExceeded
		}
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.written == 0 || f.written+n <= f.size {
		return nil
	}
	f.rotate()
	return f.open()
}

func (f *fileSink) open() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return err
	}
	f.file, f.written = file, info.Size()
	return nil
}

// rotate moves the files one place down. A move that fails costs an old file,
// not the log.
func (f *fileSink) rotate() {
	f.close()
	for i := f.keep - 1; i > 0; i-- {
		_ = os.Rename(fmt.Sprintf("%s.%d", f.path, i), fmt.Sprintf("%s.%d", f.path, i+1))
	}
	if err := os.Rename(f.path, f.path+".1"); err != nil {
		_ = os.Truncate(f.path, 0) // never let it grow past its bound
	}
}

func (f *fileSink) close() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}
