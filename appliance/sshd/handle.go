package sshd

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func (v *visit) take() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.handles >= maxHandles {
		return refusal(fmt.Sprintf("more than %d files are open", maxHandles))
	}
	v.handles++
	return nil
}

func (v *visit) give() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.handles--
}

func (v *visit) room() error {
	files, _, err := v.list()
	if err == nil && len(files) >= maxFiles {
		return refusal(fmt.Sprintf("the folder holds %d files already; remove some", maxFiles))
	}
	return err
}

func (v *visit) handle(name string, flags int) (*handle, error) {
	if err := v.take(); err != nil {
		return nil, err
	}
	f, err := v.root.OpenFile(name, flags, 0o600)
	if err != nil {
		v.give()
		return nil, err
	}
	return &handle{File: f, v: v, name: name, fresh: flags&(os.O_CREATE|os.O_TRUNC) != 0}, nil
}

// handle is an open file that may grow only within the limits.
type handle struct {
	*os.File
	v      *visit
	name   string
	fresh  bool // written from its beginning
	broken bool // the session ended before the file was closed
}

// TransferError is told by the library of what ended a transfer in its middle.
func (h *handle) TransferError(error) { h.broken = true }

func (h *handle) WriteAt(b []byte, off int64) (int, error) {
	info, err := h.Stat()
	if err != nil {
		return 0, err
	}
	end := off + int64(len(b))
	if off < 0 || end > maxFile {
		return 0, h.v.refused(h.name, refusal(fmt.Sprintf("a file may have %d MiB", maxFile>>20)))
	}
	if grows := end - info.Size(); grows > 0 {
		_, total, err := h.v.list()
		if err != nil {
			return 0, err
		}
		if total+grows > maxFolder {
			return 0, h.v.refused(h.name, refusal(fmt.Sprintf("the folder may have %d MiB; remove files", maxFolder>>20)))
		}
	}
	return h.File.WriteAt(b, off)
}

// Close keeps no part of an upload that broke off: a command would take it for
// the whole.
func (h *handle) Close() error {
	h.v.give()
	err := h.File.Close()
	if h.broken && h.fresh {
		h.v.did("removed, since its upload broke off:", h.name)
		return errors.Join(err, h.v.root.Remove(h.name))
	}
	return err
}

type listing struct {
	files []os.FileInfo
	close func()
}

func (l *listing) ListAt(into []os.FileInfo, off int64) (int, error) {
	if off < 0 || off >= int64(len(l.files)) {
		return 0, io.EOF
	}
	n := copy(into, l.files[off:])
	if off+int64(n) == int64(len(l.files)) {
		return n, io.EOF
	}
	return n, nil
}

func (l *listing) Close() error {
	if l.close != nil {
		l.close()
	}
	return nil
}
