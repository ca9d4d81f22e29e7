package rootfs

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/ulikunitz/xz"
)

// maxDebFile bounds one unpacked file; kernels have 44 MB.
const maxDebFile = 256 << 20

// walkDeb hands each plain file of a Debian package, as far as want says so,
// to f, under its name without a leading slash.
func walkDeb(deb io.ReadSeeker, want func(name string) bool, f func(name string, data []byte) error) error {
	data, err := debData(deb)
	if err != nil {
		return err
	}
	files := tar.NewReader(data)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path.Clean(h.Name), "/")
		if h.Typeflag != tar.TypeReg || h.Size > maxDebFile || !want(name) {
			continue
		}
		b := make([]byte, h.Size)
		if _, err := io.ReadFull(files, b); err != nil {
			return err
		}
		if err := f(name, b); err != nil {
			return err
		}
	}
}

// debData finds the member data.tar.xz of the ar archive that a package is.
func debData(deb io.ReadSeeker) (io.Reader, error) {
	if _, err := deb.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	var magic [8]byte
	if _, err := io.ReadFull(deb, magic[:]); err != nil || string(magic[:]) != "!<arch>\n" {
		return nil, errors.New("not a Debian package")
	}
	for {
		var h [60]byte
		if _, err := io.ReadFull(deb, h[:]); err != nil {
			return nil, fmt.Errorf("package without data.tar.xz: %w", err)
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(h[48:58])), 10, 64)
		if err != nil || size < 0 {
			return nil, errors.New("package with a broken member")
		}
		if strings.TrimRight(string(h[:16]), " /") == "data.tar.xz" {
			return xz.NewReader(bufio.NewReaderSize(io.LimitReader(deb, size), 1<<20))
		}
		if _, err := deb.Seek(size+size%2, io.SeekCurrent); err != nil {
			return nil, err
		}
	}
}
