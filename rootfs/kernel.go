package rootfs

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Kernel is a kernel and all modules that were built with it, each as Debian
// signed and packed it.
type Kernel struct {
	Version string // "6.12.117+deb12-amd64"
	Image   []byte
	modules map[string][]byte // by path below lib/modules/VERSION/
}

// LoadKernel unpacks the pinned kernel of a board from the packages in dir.
func LoadKernel(dir string, b Board) (*Kernel, error) {
	deb, err := openInput(dir, b.Kernel, b.Arch)
	if err != nil {
		return nil, err
	}
	defer deb.Close()
	k := &Kernel{modules: map[string][]byte{}}
	err = walkDeb(deb, func(name string) bool {
		return strings.HasPrefix(name, "boot/vmlinuz-") || strings.HasSuffix(name, ".ko.xz")
	}, k.add)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Kernel, err)
	}
	if k.Image == nil || len(k.modules) == 0 {
		return nil, fmt.Errorf("%s holds no kernel with modules", b.Kernel)
	}
	return k, nil
}

func (k *Kernel) add(name string, data []byte) error {
	if version, ok := strings.CutPrefix(name, "boot/vmlinuz-"); ok {
		k.Version, k.Image = version, data
		return nil
	}
	_, below, ok := strings.Cut(name, "lib/modules/")
	_, file, inside := strings.Cut(below, "/")
	if !ok || !inside {
		return fmt.Errorf("module %s lies at an unknown place", name)
	}
	k.modules[file] = data
	return nil
}

// LoadLoader unpacks the boot loader of a board.
func LoadLoader(dir string, b Board) ([]byte, error) {
	deb, err := openInput(dir, "systemd-boot-efi", b.Arch)
	if err != nil {
		return nil, err
	}
	defer deb.Close()
	var loader []byte
	err = walkDeb(deb, func(name string) bool { return name == b.Loader }, func(_ string, data []byte) error {
		loader = data
		return nil
	})
	if err == nil && loader == nil {
		err = errors.New("package systemd-boot-efi lacks " + path.Base(b.Loader))
	}
	return loader, err
}

// CheckKernel looks whether data begins as an EFI program for the
// architecture, which is what the boot loader starts.
func CheckKernel(arch string, data []byte) error {
	machine := map[string]uint16{"amd64": 0x8664, "arm64": 0xaa64}[arch]
	if len(data) < 0x40 || data[0] != 'M' || data[1] != 'Z' {
		return errors.New("not a kernel that UEFI can start")
	}
	pe := int(data[0x3c]) | int(data[0x3d])<<8 | int(data[0x3e])<<16
	if len(data) < pe+6 || string(data[pe:pe+4]) != "PE\x00\x00" {
		return errors.New("kernel without an EFI header")
	}
	if got := uint16(data[pe+4]) | uint16(data[pe+5])<<8; got != machine {
		return fmt.Errorf("kernel is for machine type %#x, not for %s", got, arch)
	}
	return nil
}
