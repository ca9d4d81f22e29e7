package rootfs

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed inputs.txt
var inputsText string

// Input is one pinned Debian package.
type Input struct{ SHA256, Package, Version, Arch string }

// File is the name under which the package manager stores it.
func (in Input) File() string {
	return in.Package + "_" + strings.ReplaceAll(in.Version, ":", "%3a") + "_" + in.Arch + ".deb"
}

// Inputs lists what is pinned.
func Inputs() []Input {
	var list []Input
	for line := range strings.Lines(inputsText) {
		f := strings.Fields(line)
		if len(f) == 4 && f[0] != "#" {
			list = append(list, Input{f[0], f[1], f[2], f[3]})
		}
	}
	return list
}

// InputsDir is where the packages lie unless the caller says otherwise.
func InputsDir() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "sallyport", "inputs"), err
}

// ErrMissing says that a pinned package was not fetched yet.
var ErrMissing = errors.New("run scripts/inputs.sh to fetch it")

// openInput opens a pinned package below dir once its hash is found right.
func openInput(dir, name, arch string) (*os.File, error) {
	for _, in := range Inputs() {
		if in.Package == name && in.Arch == arch {
			return in.open(dir)
		}
	}
	return nil, fmt.Errorf("package %s for %s is not pinned in rootfs/inputs.txt", name, arch)
}

func (in Input) open(dir string) (*os.File, error) {
	f, err := os.Open(filepath.Join(dir, in.File()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not in %s: %w", in.File(), dir, ErrMissing)
	}
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		f.Close()
		return nil, err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != in.SHA256 {
		f.Close()
		return nil, fmt.Errorf("%s has the hash %s, not %s as pinned", in.File(), got, in.SHA256)
	}
	return f, nil
}
