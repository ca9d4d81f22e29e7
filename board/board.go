// Package board is what a machine is: the release it runs, the slot it was
// started from, and, in the packages below, how it starts (boot), its network
// (nic), its slots (slot), its clock and its console. Nothing here knows the
// appliance; the binary joins both.
package board

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Release says which build an image carries. The image builder writes it.
type Release struct {
	Version     string   `json:"version"`
	Commit      string   `json:"commit"`
	Board       string   `json:"board"`
	Arch        string   `json:"arch"`
	Counter     uint64   `json:"counter"` // grows with each release; updates only go up
	Development bool     `json:"development"`
	Keys        []string `json:"keys"` // minisign public keys, any of which may sign an update
}

// ReleaseFile is where an image keeps its Release.
const ReleaseFile = "/etc/sallyport-release"

// ReadRelease reads a release file.
func ReadRelease(path string) (Release, error) {
	var r Release
	b, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Cmdline is what the boot loader said.
type Cmdline struct {
	Slot    string // a, b or recovery; empty when the boot loader did not say
	Board   string
	Pi      bool // the boot loader is a Raspberry Pi's
	NoCPU   bool // leave out the drivers that serve the processor itself: tests in emulators are faster
	Console []string
}

// ParseCmdline reads the kernel's command line. What it does not know is the
// kernel's.
func ParseCmdline(text string) Cmdline {
	var c Cmdline
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "sallyport.slot":
			c.Slot = value
		case "sallyport.board":
			c.Board = value
		case "sallyport.pi":
			c.Pi = true
		case "sallyport.nocpu":
			c.NoCPU = true
		case "console":
			name, _, _ := strings.Cut(value, ",")
			c.Console = append(c.Console, name)
		}
	}
	return c
}

// Recovery reports whether the recovery entry was started.
func (c Cmdline) Recovery() bool { return c.Slot == "recovery" }
