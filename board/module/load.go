package module

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Loader puts modules into the running kernel.
type Loader struct {
	Index *Index
	Dir   string // of the index
	Sys   string // where sysfs is mounted
	Skip  func(alias string) bool

	insert func(path string) error // tests put their own here
}

// Open reads the index of the running kernel below root, such as
// "/lib/modules". Where there is none the error is fs.ErrNotExist: then all that
// the machine needs is built in.
func Open(root string) (*Loader, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, err
	}
	dir := filepath.Join(root, string(bytes.TrimRight(u.Release[:], "\x00")))
	f, err := os.Open(filepath.Join(dir, "sallyport.index"))
	if errors.Is(err, fs.ErrNotExist) {
		return openOnly(root)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	x, err := ReadIndex(f)
	return &Loader{Index: x, Dir: dir, Sys: "/sys", insert: insert}, err
}

// openOnly takes the one index there is: some kernels call themselves another
// version than their modules.
func openOnly(root string) (*Loader, error) {
	found, _ := filepath.Glob(filepath.Join(root, "*", "sallyport.index"))
	if len(found) != 1 {
		return nil, fmt.Errorf("module index below %s: %w", root, fs.ErrNotExist)
	}
	f, err := os.Open(found[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	x, err := ReadIndex(f)
	return &Loader{Index: x, Dir: filepath.Dir(found[0]), Sys: "/sys", insert: insert}, err
}

// Load loads what name asks for, a module or an alias, with all that it needs.
// What is loaded already stays as it is.
func (l *Loader) Load(name string) error {
	names := l.Index.Resolve(name)
	if len(names) == 0 {
		return fmt.Errorf("module %s: the image does not carry it", name)
	}
	var errs []error
	for _, n := range names {
		errs = append(errs, l.load(n))
	}
	return errors.Join(errs...)
}

func (l *Loader) load(name string) error {
	order, err := l.Index.Order(name)
	if err != nil {
		return err
	}
	for _, m := range order {
		if l.loaded(m.Name) {
			continue
		}
		if err := l.insert(filepath.Join(l.Dir, m.Path)); err != nil {
			return fmt.Errorf("module %s: %w", m.Name, err)
		}
	}
	return nil
}

func (l *Loader) loaded(name string) bool {
	_, err := os.Stat(filepath.Join(l.Sys, "module", name))
	return err == nil
}

// insert lets the kernel read the file; it unpacks what is packed itself.
func insert(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if strings.HasSuffix(path, ".xz") || strings.HasSuffix(path, ".zst") || strings.HasSuffix(path, ".gz") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	err = unix.FinitModule(int(f.Fd()), "", flags)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}
