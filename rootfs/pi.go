package rootfs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"sallyport/board"
	"sallyport/board/slot"
)

// Pi is what a Raspberry Pi starts from beside kernel and initramfs. Its boot
// loader, in ROM and EEPROM, reads config.txt on the first FAT partition, or
// tryboot.txt once when it is asked to; each names the folder of a slot.
type Pi struct {
	Trees    []string // device trees, of which the board takes its own
	Overlay  string   // gives the serial line to the console
	Firmware []string // further stages of the boot loader, where they are not in EEPROM
}

// GoModule is a pinned module of the Go module proxy.
type GoModule struct{ Path, Version, Sum string }

// PiModules are those with the kernel, and with the boot loader's stages.
func PiModules() (kernel, firmware GoModule) {
	return GoModule{"github.com/gokrazy/kernel.rpi", "v0.0.0-20251127164438-9778ec0261de", "h1:RSLWj1Ska9s4cl+n/bC5LY4s8vLr+tZoO2vMm/wGP64="},
		GoModule{"github.com/gokrazy/firmware", "v0.0.0-20260522070551-527ce0ed43cf", "h1:WRmvIwhtcWJfHnrfpfXWPh3Xq6Lztn0y5l3li+NjaYw="}
}

// PiSlot reads what a slot needs from the kernel module's folder. Drivers are
// built into this kernel, but those that a gate has no use for.
func (b Board) PiSlot(kernel string, binary []byte, r board.Release, when time.Time) (Slot, error) {
	s := Slot{More: map[string][]byte{"cmdline.txt": []byte(b.Cmdline("SLOT", "") + "\n")}}
	var err error
	if s.Linux, err = os.ReadFile(filepath.Join(kernel, "vmlinuz")); err != nil {
		return s, err
	}
	for _, name := range append([]string{"overlays/" + b.Pi.Overlay + ".dtbo"}, b.Pi.Trees...) {
		if s.More[name], err = os.ReadFile(filepath.Join(kernel, name)); err != nil {
			return s, err
		}
	}
	s.Initrd, err = Initramfs(binary, nil, r, when)
	return s, err
}

// PiContents is everything on the boot partition of a new Pi. The entries are
// those of the other boards: here the box reads them, and not its boot loader.
func PiContents(b Board, s Slot, firmware string, r board.Release, more string, first []byte) (map[string][]byte, error) {
	files := Contents(b, s, nil, r.Counter, r.Version, more, first)
	delete(files, b.LoaderTo)
	files["config.txt"] = slot.PiConfig("a")
	for name, data := range s.More {
		files[path.Join(SlotDir("a"), name)] = data
	}
	files[path.Join(SlotDir("a"), "cmdline.txt")] = []byte(b.Cmdline("a", more) + "\n")
	for _, name := range b.Pi.Firmware {
		data, err := os.ReadFile(filepath.Join(firmware, name))
		if err != nil {
			return nil, err
		}
		files[name] = data
	}
	return files, nil
}

// CheckPi looks whether the files of a boot partition are what the Pi's boot
// loader will ask for.
func CheckPi(b Board, files map[string][]byte) error {
	dir := SlotDir("a")
	need := append([]string{"config.txt", path.Join(dir, "linux"), path.Join(dir, "initrd"), path.Join(dir, "cmdline.txt"), path.Join(dir, "overlays", b.Pi.Overlay+".dtbo")}, b.Pi.Firmware...)
	for _, t := range b.Pi.Trees {
		need = append(need, path.Join(dir, t))
	}
	for _, name := range need {
		if len(files[name]) == 0 {
			return fmt.Errorf("%s is not there", name)
		}
	}
	linux := files[path.Join(dir, "linux")]
	if len(linux) < 0x40 || string(linux[0x38:0x3c]) != "ARM\x64" {
		return fmt.Errorf("%s/linux is no kernel for 64-bit Arm", dir)
	}
	for _, t := range append(b.Pi.Trees, "overlays/"+b.Pi.Overlay+".dtbo") {
		if tree := files[path.Join(dir, t)]; len(tree) < 4 || string(tree[:4]) != "\xd0\x0d\xfe\xed" {
			return fmt.Errorf("%s is no device tree", t)
		}
	}
	return nil
}
