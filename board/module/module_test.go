package module

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const indexText = `# a comment
module virtio_net kernel/drivers/net/virtio_net.ko.xz net_failover,virtio-pci
module net_failover kernel/net/net_failover.ko.xz failover
module failover kernel/net/failover.ko.xz
module virtio_pci kernel/virtio_pci.ko.xz
module aesni_intel kernel/aesni.ko.xz
module usbhid kernel/usbhid.ko.xz -
alias virtio:d00000001v* virtio_net
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio-pci
alias cpu:type:x86,ven*fam*mod*:feature:*0099* aesni_intel
alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid
alias dmi*:svnACME/Labs:* failover
load virtio-pci
`

func testIndex(t *testing.T) *Index {
	t.Helper()
	x, err := ReadIndex(strings.NewReader(indexText))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestResolve(t *testing.T) {
	x := testIndex(t)
	for in, want := range map[string]string{
		"virtio-net":                "virtio_net",
		"virtio:d00000001v00001AF4": "virtio_net",
		"pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00": "virtio_pci",
		"dmi:bvnX:svnACME/Labs:pnY":                             "failover",
		"nothing":                                               "",
	} {
		if got := strings.Join(x.Resolve(in), " "); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
	if !slices.Equal(x.Preload(), []string{"virtio_pci"}) {
		t.Errorf("preload %v", x.Preload())
	}
}

func TestOrderPutsDependenciesFirst(t *testing.T) {
	order, err := testIndex(t).Order("virtio_net")
	var names []string
	for _, m := range order {
		names = append(names, m.Name)
	}
	if err != nil || strings.Join(names, " ") != "failover net_failover virtio_pci virtio_net" {
		t.Errorf("%v %v", names, err)
	}
}

func TestOrderEndsOnARing(t *testing.T) {
	x, err := ReadIndex(strings.NewReader("module a a.ko b\nmodule b b.ko a\n"))
	if err != nil {
		t.Fatal(err)
	}
	if order, err := x.Order("a"); err != nil || len(order) != 2 {
		t.Errorf("%v %v", order, err)
	}
}

func TestIndexRefuses(t *testing.T) {
	for _, s := range []string{"module a", "alias x", "load", "unload a", "module a b c d"} {
		if _, err := ReadIndex(strings.NewReader(s)); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

// machine is a tree of devices where loading a module may bring more.
func machine(t *testing.T) (*Loader, *[]string) {
	sys := t.TempDir()
	device := func(name, alias string) {
		dir := filepath.Join(sys, "devices", name)
		os.MkdirAll(dir, 0o755)
		os.WriteFile(filepath.Join(dir, "modalias"), []byte(alias+"\n"), 0o644)
	}
	device("pci0000:00/0000:00:01.0", "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00")
	device("system/cpu/cpu0", "cpu:type:x86,ven0fam6mod1:feature:,0099,00A0")
	var inserted []string
	l := &Loader{Index: testIndex(t), Dir: "/m", Sys: sys}
	l.insert = func(path string) error {
		if strings.Contains(path, "usbhid") {
			return errors.New("no such symbol")
		}
		inserted = append(inserted, filepath.Base(path))
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		os.MkdirAll(filepath.Join(sys, "module", name), 0o755)
		if name == "virtio_pci" {
			device("pci0000:00/0000:00:01.0/virtio0", "virtio:d00000001v00001AF4")
			device("usb1/1-1", "usb:v0p0d0dc0dsc0dp0ic03isc0ip0in0")
		}
		return nil
	}
	return l, &inserted
}

func TestColdplugFollowsNewDevices(t *testing.T) {
	l, inserted := machine(t)
	l.Skip = func(a string) bool { return strings.HasPrefix(a, "cpu:") }
	n, failed := l.Coldplug()
	if got := strings.Join(*inserted, " "); got != "virtio_pci.ko.xz failover.ko.xz net_failover.ko.xz virtio_net.ko.xz" || n != 2 {
		t.Errorf("%d: %s", n, got)
	}
	if len(failed) != 1 || !strings.Contains(failed[0], "usbhid") {
		t.Errorf("failed: %q", failed)
	}
	l.Skip = nil
	if n, _ := l.Coldplug(); n != 1 {
		t.Errorf("second time: %d", n)
	}
}

func FuzzReadIndex(f *testing.F) {
	f.Add(indexText)
	f.Fuzz(func(t *testing.T, s string) {
		x, err := ReadIndex(strings.NewReader(s))
		if err != nil {
			return
		}
		for name := range x.modules {
			x.Resolve(name)
			x.Order(name)
		}
	})
}
