package sshd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/pkg/sftp"
)

// The folder is for certificates, backups, CSV files and captures of some
// megabytes. It must never fill the data partition.
const (
	maxFiles   = 64
	maxFile    = 32 << 20
	maxFolder  = 128 << 20
	maxName    = 128
	maxHandles = 16 // open at once in one session
)

// folder is the one flat directory that sftp sees. os.Root keeps every
// operation inside it; directories and links can neither be made nor followed.
type folder struct {
	root *os.Root // nil: no folder
}

func openFolder(dir string) (*folder, error) {
	if dir == "" {
		return &folder{}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sftp folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("sftp folder: %w", err)
	}
	return &folder{root}, nil
}

func (f *folder) open() bool { return f.root != nil }

func (f *folder) Close() error {
	if f.root == nil {
		return nil
	}
	return f.root.Close()
}

// serve speaks sftp on rw until it ends. did hears of every change, words of why
// something was refused: clients show the protocol's code alone, and what comes
// beside the protocol as it is.
func (f *folder) serve(rw io.ReadWriteCloser, words io.Writer, did func(did, name string)) int {
	v := &visit{folder: f, did: did, words: words}
	srv := sftp.NewRequestServer(rw, sftp.Handlers{FileGet: v, FilePut: v, FileCmd: v, FileList: v})
	if err := srv.Serve(); err != nil && !errors.Is(err, io.EOF) {
		return 1
	}
	return 0
}

// visit is one sftp session in the folder.
type visit struct {
	*folder
	did   func(did, name string)
	words io.Writer

	mu      sync.Mutex
	handles int
	told    int // refusals
}

// name turns a cleaned sftp path into a file name of the folder.
func name(path string) (string, error) {
	n := strings.TrimPrefix(path, "/")
	switch {
	case n == "" || n == "." || n == "..":
		return "", sftp.ErrSSHFxPermissionDenied
	case strings.ContainsAny(n, "/\\") || strings.ContainsFunc(n, control):
		return "", refusal("there is one folder only: give a plain file name")
	case strings.HasPrefix(n, "."):
		return "", refusal("a name may not begin with a dot")
	case len(n) > maxName:
		return "", refusal(fmt.Sprintf("the name is longer than %d bytes", maxName))
	}
	return n, nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// regular stats name and refuses what is not a plain file.
func (f *folder) regular(name string) (fs.FileInfo, error) {
	info, err := f.root.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, sftp.ErrSSHFxPermissionDenied
	}
	return info, err
}

// list returns the plain files and their size in all.
func (f *folder) list() (files []os.FileInfo, total int64, err error) {
	entries, err := fs.ReadDir(f.root.FS(), ".")
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		files = append(files, info)
		total += info.Size()
	}
	return files, total, err
}

// Fileread opens a file for download.
func (v *visit) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	n, err := v.plain(r.Filepath)
	if err != nil {
		return nil, v.refused(r.Filepath, err)
	}
	h, err := v.handle(n, os.O_RDONLY)
	return h, v.refused(n, err)
}

// Filewrite opens or makes a file for upload.
func (v *visit) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	h, err := v.write(r)
	return h, v.refused(r.Filepath, err)
}

func (v *visit) write(r *sftp.Request) (io.WriterAt, error) {
	n, err := name(r.Filepath)
	if err != nil {
		return nil, err
	}
	flags := os.O_WRONLY
	switch _, err := v.regular(n); {
	case errors.Is(err, fs.ErrNotExist):
		if err := v.room(); err != nil {
			return nil, err
		}
		flags |= os.O_CREATE
	case err != nil:
		return nil, err
	case r.Pflags().Excl:
		return nil, fs.ErrExist
	}
	if r.Pflags().Trunc {
		flags |= os.O_TRUNC
	}
	v.did("wrote", n)
	return v.handle(n, flags)
}

// Filecmd removes, renames and shortens. Modes and times are accepted and
// dropped, since clients that keep them would else report a failed upload.
func (v *visit) Filecmd(r *sftp.Request) error {
	return v.refused(r.Filepath, v.change(r))
}

func (v *visit) change(r *sftp.Request) error {
	switch r.Method {
	case "Setstat":
		return v.shorten(r)
	case "Remove":
		n, err := v.plain(r.Filepath)
		if err != nil {
			return err
		}
		v.did("removed", n)
		return v.root.Remove(n)
	case "Rename", "PosixRename":
		return v.rename(r)
	case "Mkdir", "Rmdir", "Symlink", "Link":
		return refusal("there are plain files only, no folders and links")
	}
	return sftp.ErrSSHFxPermissionDenied
}

// shorten cuts a file to the size asked for, as clients do behind an upload. A
// file grows only by what is written to it.
func (v *visit) shorten(r *sftp.Request) error {
	if !r.AttrFlags().Size {
		return nil
	}
	n, err := v.plain(r.Filepath)
	if err != nil {
		return err
	}
	f, err := v.root.OpenFile(n, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	size := int64(r.Attributes().Size)
	if err != nil || size < 0 || size > info.Size() {
		return sftp.ErrSSHFxPermissionDenied
	}
	return f.Truncate(size)
}

func (v *visit) plain(path string) (string, error) {
	n, err := name(path)
	if err == nil {
		_, err = v.regular(n)
	}
	return n, err
}

func (v *visit) rename(r *sftp.Request) error {
	from, err := v.plain(r.Filepath)
	if err != nil {
		return err
	}
	to, err := name(r.Target)
	if err != nil {
		return err
	}
	if _, err := v.regular(to); err == nil && r.Method == "Rename" {
		return fs.ErrExist
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	v.did("renamed "+from+" to", to)
	return v.root.Rename(from, to)
}

// PosixRename is Rename that may replace.
func (v *visit) PosixRename(r *sftp.Request) error {
	r.Method = "PosixRename"
	return v.refused(r.Filepath, v.rename(r))
}

// Filelist answers directory listings and stat.
func (v *visit) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if r.Filepath == "/" {
		if r.Method == "List" {
			return v.directory()
		}
		info, err := v.root.Stat(".")
		return &listing{files: []os.FileInfo{info}}, err
	}
	if r.Method == "List" || r.Method == "Readlink" {
		return nil, sftp.ErrSSHFxPermissionDenied
	}
	n, err := name(r.Filepath)
	if err != nil {
		return nil, fs.ErrNotExist
	}
	info, err := v.regular(n)
	return &listing{files: []os.FileInfo{info}}, err
}

// Lstat is the same as stat: there are no links.
func (v *visit) Lstat(r *sftp.Request) (sftp.ListerAt, error) { return v.Filelist(r) }

func (v *visit) directory() (sftp.ListerAt, error) {
	if err := v.take(); err != nil {
		return nil, err
	}
	files, _, err := v.list()
	if err != nil {
		v.give()
		return nil, err
	}
	return &listing{files: files, close: v.give}, nil
}
