package board

import (
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
)

// Facts is what a machine says of itself.
type Facts struct {
	Vendor, Model, Serial string
	Sensors               []Sensor
	Disks                 []Disk
	LEDs                  []LED
	PowerButton           bool
	Memory                Memory
	TPM                   bool // there is one, of version 2
}

// LED is one light of the machine's.
type LED struct {
	Name string // as the driver calls it: "sys:green:status"
	Lit  bool
}

// Memory is the machine's, in bytes; zero where it does not say.
type Memory struct{ Total, Available int64 }

// Sensor is one thermometer.
type Sensor struct {
	Name    string
	Celsius int
	Limit   int // from which it is too hot; 0 if the machine does not say
}

// Disk is one drive.
type Disk struct {
	Name  string
	Model string
	Bytes int64
	Wear  int  // percent of its life used up; -1 if it does not say
	Fails bool // it warns of its end
	Tells bool // it says whether it fails
}

// Detect reads the facts below a sysfs and a procfs. What only a command tells of
// ATA drives is left to Drives.
func Detect(sys, proc string) Facts {
	f := Facts{Sensors: sensors(sys), Disks: disks(sys), LEDs: leds(sys), PowerButton: powerButton(sys), Memory: memory(proc)}
	dmi := filepath.Join(sys, "class/dmi/id")
	f.Vendor, f.Model, f.Serial = word(dmi, "sys_vendor"), word(dmi, "product_name"), word(dmi, "product_serial")
	if f.Model == "" {
		tree := filepath.Join(proc, "device-tree")
		f.Model, f.Serial = word(tree, "model"), word(tree, "serial-number")
	}
	return f
}

// word reads one short file; what vendors put there when they have nothing to
// say counts as nothing.
func word(dir, name string) string {
	b, _ := os.ReadFile(filepath.Join(dir, name))
	s := strings.TrimSpace(strings.Trim(string(b), "\x00\n"))
	switch strings.ToLower(s) {
	case "to be filled by o.e.m.", "default string", "not specified", "none", "system serial number":
		return ""
	}
	return s
}

func sensors(sys string) []Sensor {
	inputs, _ := filepath.Glob(filepath.Join(sys, "class/hwmon/hwmon*/temp*_input"))
	zones, _ := filepath.Glob(filepath.Join(sys, "class/thermal/thermal_zone*/temp"))
	sort.Strings(inputs)
	sort.Strings(zones)
	var out []Sensor
	for _, path := range inputs {
		dir, file := filepath.Split(path)
		base := strings.TrimSuffix(file, "_input")
		s := Sensor{Name: strings.TrimSpace(word(dir, "name") + " " + word(dir, base+"_label")), Limit: milli(dir, base+"_crit")}
		s.add(dir, file, &out)
	}
	if len(out) > 0 {
		return out // the zones show the same thermometers
	}
	for _, path := range zones {
		dir, file := filepath.Split(path)
		s := Sensor{Name: word(dir, "type")}
		s.add(dir, file, &out)
	}
	return out
}

func (s Sensor) add(dir, file string, out *[]Sensor) {
	if word(dir, file) == "" {
		return
	}
	s.Celsius = milli(dir, file)
	*out = append(*out, s)
}

func milli(dir, name string) int {
	n, _ := strconv.Atoi(word(dir, name))
	return n / 1000
}

func disks(sys string) []Disk {
	dirs, _ := filepath.Glob(filepath.Join(sys, "block/*"))
	sort.Strings(dirs)
	var out []Disk
	for _, d := range dirs {
		name := filepath.Base(d)
		sectors, _ := strconv.ParseInt(word(d, "size"), 10, 64)
		if sectors == 0 || strings.HasPrefix(name, "loop") || strings.HasPrefix(name, "ram") || strings.HasPrefix(name, "zram") {
			continue
		}
		model := word(filepath.Join(d, "device"), "model")
		if model == "" {
			model = word(filepath.Join(d, "device"), "name") // of a card
		}
		worn, fails, tells := wear(sys, "/dev", name)
		out = append(out, Disk{Name: name, Model: model, Bytes: sectors * 512, Wear: worn, Fails: fails, Tells: tells})
	}
	return out
}

// maxLEDs bounds what drivers bring: each port of a switch has two.
const maxLEDs = 64

func leds(sys string) (out []LED) {
	dirs, _ := filepath.Glob(filepath.Join(sys, "class/leds/*"))
	sort.Strings(dirs)
	for _, d := range dirs[:min(len(dirs), maxLEDs)] {
		out = append(out, LED{filepath.Base(d), word(d, "brightness") != "0"})
	}
	return out
}

func powerButton(sys string) bool {
	names, _ := filepath.Glob(filepath.Join(sys, "class/input/input*/name"))
	for _, n := range names {
		dir, file := filepath.Split(n)
		if strings.Contains(strings.ToLower(word(dir, file)), "power") {
			return true
		}
	}
	return false
}

func memory(proc string) (m Memory) {
	b, _ := os.ReadFile(filepath.Join(proc, "meminfo"))
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "MemTotal:":
			m.Total = n << 10
		case "MemAvailable:":
			m.Available = n << 10
		}
	}
	return m
}

// Resident is how much memory a process has, in bytes; proc is its folder below
// /proc.
func Resident(proc string) int64 {
	b, _ := os.ReadFile(filepath.Join(proc, "statm"))
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// Room is how large a mounted file system is and how much of it is free.
func Room(dir string) (size, free int64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	return int64(st.Blocks) * st.Bsize, int64(st.Bavail) * st.Bsize, nil
}
