package rootfs

import (
	"fmt"
	"sort"
	"strings"
)

// Board is a kind of machine that images are made for.
type Board struct {
	Name     string // "pc-x86_64"
	Title    string // for people
	Arch     string // as Go spells it
	Kernel   string // package that holds the kernel and its modules
	Loader   string // file of the boot loader in the package systemd-boot-efi
	LoaderTo string // where firmware looks for it
	Consoles []string
	Pi       *Pi // of a Raspberry Pi, which has a boot loader of its own; else nil
}

// Boards lists what can be built, by name.
func Boards() []Board {
	return []Board{
		{
			Name: "pc-arm64", Title: "64-bit Arm box or virtual machine with UEFI", Arch: "arm64",
			Kernel:   "linux-image-6.12.117+deb12-arm64",
			Loader:   "usr/lib/systemd/boot/efi/systemd-bootaa64.efi",
			LoaderTo: "EFI/BOOT/BOOTAA64.EFI",
			Consoles: []string{"tty0", "ttyS0,115200", "ttyAMA0,115200"},
		},
		{
			Name: "pc-x86_64", Title: "x86-64 box or virtual machine with UEFI", Arch: "amd64",
			Kernel:   "linux-image-6.12.117+deb12-amd64",
			Loader:   "usr/lib/systemd/boot/efi/systemd-bootx64.efi",
			LoaderTo: "EFI/BOOT/BOOTX64.EFI",
			Consoles: []string{"tty0", "ttyS0,115200"},
		},
		{
			Name: "rpi4", Title: "Raspberry Pi 4 (never booted by its makers: see README)", Arch: "arm64",
			Consoles: []string{"tty1", "ttyAMA0,115200"},
			Pi: &Pi{
				Trees: []string{"bcm2711-rpi-4-b.dtb", "bcm2711-rpi-400.dtb", "bcm2711-rpi-cm4.dtb"}, Overlay: "disable-bt",
				Firmware: []string{"start4.elf", "fixup4.dat"},
			},
		},
		{
			Name: "rpi5", Title: "Raspberry Pi 5 (never booted by its makers: see README)", Arch: "arm64",
			Consoles: []string{"tty1", "ttyAMA10,115200"},
			Pi:       &Pi{Trees: []string{"bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb", "bcm2712-rpi-500.dtb"}, Overlay: "disable-bt-pi5"},
		},
	}
}

// FindBoard finds a board by its name.
func FindBoard(name string) (Board, error) {
	var names []string
	for _, b := range Boards() {
		if b.Name == name {
			return b, nil
		}
		names = append(names, b.Name)
	}
	sort.Strings(names)
	return Board{}, fmt.Errorf("board %q is not known; there are %s", name, strings.Join(names, ", "))
}

// Cmdline is the kernel's command line for one entry. The last console is the
// one that the kernel makes /dev/console.
func (b Board) Cmdline(slot, more string) string {
	var words []string
	for _, c := range b.Consoles {
		words = append(words, "console="+c)
	}
	words = append(words, "sallyport.slot="+slot, "sallyport.board="+b.Name, "panic=10", "oops=panic", "quiet")
	if b.Pi != nil {
		words = append(words, "sallyport.pi")
	}
	if more != "" {
		words = append(words, more)
	}
	return strings.Join(words, " ")
}
