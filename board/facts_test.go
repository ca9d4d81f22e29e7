package board

import (
	"os"
	"path/filepath"
	"testing"
)

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDetectPC(t *testing.T) {
	sys := tree(t, map[string]string{
		"class/dmi/id/sys_vendor": "ACME\n", "class/dmi/id/product_name": "Box 9\n", "class/dmi/id/product_serial": "To be filled by O.E.M.\n",
		"class/hwmon/hwmon0/name": "coretemp\n", "class/hwmon/hwmon0/temp1_input": "47000\n", "class/hwmon/hwmon0/temp1_label": "Package id 0\n", "class/hwmon/hwmon0/temp1_crit": "100000\n",
		"class/thermal/thermal_zone0/temp": "47000\n", "class/thermal/thermal_zone0/type": "x86_pkg_temp\n",
		"block/nvme0n1/size": "500118192\n", "block/nvme0n1/device/model": "SSD 256\n", "block/loop0/size": "8\n", "block/sr0/size": "0\n",
	})
	f := Detect(sys, t.TempDir())
	if f.Vendor != "ACME" || f.Model != "Box 9" || f.Serial != "" || len(f.Sensors) != 1 || len(f.Disks) != 1 {
		t.Fatalf("%+v", f)
	}
	if s := f.Sensors[0]; s.Name != "coretemp Package id 0" || s.Celsius != 47 || s.Limit != 100 {
		t.Errorf("%+v", s)
	}
	if d := f.Disks[0]; d.Model != "SSD 256" || d.Bytes != 500118192*512 {
		t.Errorf("%+v", d)
	}
}

func TestDetectDeviceTree(t *testing.T) {
	sys := tree(t, map[string]string{"class/thermal/thermal_zone0/temp": "51540\n", "class/thermal/thermal_zone0/type": "cpu-thermal\n"})
	proc := tree(t, map[string]string{"device-tree/model": "Board 4\x00", "device-tree/serial-number": "1000\x00"})
	f := Detect(sys, proc)
	if f.Model != "Board 4" || f.Serial != "1000" || len(f.Sensors) != 1 || f.Sensors[0].Celsius != 51 {
		t.Errorf("%+v", f)
	}
}

func TestDetectLights(t *testing.T) {
	sys := tree(t, map[string]string{
		"class/leds/sys:green:status/brightness": "255\n", "class/leds/sys:red:fault/brightness": "0\n",
		"class/input/input0/name": "AT keyboard\n", "class/input/input3/name": "Power Button\n",
		"block/mmcblk0/size": "61071360\n", "block/mmcblk0/device/name": "DF4032\n",
		"block/mmcblk0/device/life_time": "0x02 0x0a\n", "block/mmcblk0/device/pre_eol_info": "0x02\n",
		"block/sda/size": "61071360\n",
	})
	f := Detect(sys, tree(t, map[string]string{"meminfo": "MemTotal:        1000000 kB\nMemAvailable:     250000 kB\n"}))
	if len(f.LEDs) != 2 || !f.LEDs[0].Lit || f.LEDs[1].Lit || !f.PowerButton || f.Memory.Total != 1000000<<10 || f.Memory.Available != 250000<<10 {
		t.Errorf("%+v", f)
	}
	if d := f.Disks[0]; d.Wear != 90 || !d.Fails || d.Model != "DF4032" {
		t.Errorf("%+v", d)
	}
	if d := f.Disks[1]; d.Wear != -1 || d.Fails {
		t.Errorf("%+v", d)
	}
	log := make([]byte, 512)
	log[0], log[5] = 4, 103
	if used, fails := nvmeWear(log); used != 103 || !fails {
		t.Error(used, fails)
	}
	if f := Detect(t.TempDir(), t.TempDir()); f.PowerButton || len(f.LEDs) != 0 {
		t.Errorf("%+v", f)
	}
}

func TestResident(t *testing.T) {
	if n := Resident("/proc/self"); n < 1<<20 {
		t.Errorf("%d bytes", n)
	}
	if n := Resident(t.TempDir()); n != 0 {
		t.Errorf("%d bytes of nothing", n)
	}
}
