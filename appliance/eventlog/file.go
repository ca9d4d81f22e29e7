package eventlog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	fileQueue = 1024 // lines that wait for a slow disk
	fileRetry = 10 * time.Second
	fileMode  = 0o600
)

// fileSink writes lines to a file and rotates it by size: log, log.1, log.2 …
// Only run touches the file; everyone else offers lines and never waits.
type fileSink struct {
	path    string
	size    int64
	keep    int
	queue   chan []byte
	dropped atomic.Uint64

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
	return &fileSink{path: path, size: size, keep: keep, queue: make(chan []byte, fileQueue)}
}

func (f *fileSink) offer(line []byte) {
	select {
	case f.queue <- line:
	default:
		f.dropped.Add(1)
	}
}

// run writes until ctx ends, then what is still queued.
func (f *fileSink) run(ctx context.Context) {
	for {
		select {
		case line := <-f.queue:
			f.write(line)
		case <-ctx.Done():
			f.drain()
			return
		}
	}
}

func (f *fileSink) drain() {
	for {
		select {
		case line := <-f.queue:
			f.write(line)
		default:
			return
		}
	}
}

// write puts one line into the file. After an error lines are dropped for a
// while, so that a full disk is not asked for every line.
func (f *fileSink) write(line []byte) {
	if err := f.ready(int64(len(line))); err == nil {
		n, err := f.file.Write(line)
		f.written += int64(n)
		if err == nil {
			return
		}
		f.close()
	}
	f.retryAt = time.Now().Add(fileRetry)
	f.dropped.Add(1)
}

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
