package board

import (
	"encoding/binary"
	"path/filepath"
	"sync"
	"time"
)

// Drives asks ATA drives of their health, which takes the right to send them
// commands of their own (CAP_SYS_RAWIO), and remembers what they said: each
// question would wake a drive that sleeps.
type Drives struct {
	mu    sync.Mutex
	known map[string]health
	open  func(path string) ata // nil: the drive itself
}

// health is what one drive said.
type health struct {
	wear         int
	fails, tells bool
	at           time.Time
}

// askDriveAgain is how long an answer holds.
const askDriveAgain = time.Hour

// Ask fills in what the ATA drives among the disks say; sys and dev are where
// the kernel shows them.
func (d *Drives) Ask(sys, dev string, disks []Disk, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range disks {
		name := disks[i].Name
		if word(filepath.Join(sys, "block", name, "device"), "vendor") != "ATA" {
			continue
		}
		h, ok := d.known[name]
		if !ok || now.Sub(h.at) >= askDriveAgain {
			open := d.open
			if open == nil {
				open = openATA
			}
			h = ataHealth(open(filepath.Join(dev, name)))
			h.at = now
			if d.known == nil {
				d.known = map[string]health{}
			}
			d.known[name] = h
		}
		disks[i].Wear, disks[i].Fails, disks[i].Tells = h.wear, h.fails, h.tells
	}
}

// ata does one command of a drive's: it fills data, if there is to be any, and
// returns the sense data, which holds the drive's registers where they were
// asked for.
type ata func(cdb [16]byte, data []byte) (sense []byte, err error)

// ataHealth asks a drive what it can do, then for its verdict, and a drive
// without turning parts for its wear: by the statistics that ACS-3 defines, else
// by its makers' attributes.
func ataHealth(ask ata) (h health) {
	h.wear = -1
	page := make([]byte, 512)
	if _, err := ask(identifyDevice(), page); err != nil {
		return h
	}
	can := parseIdentify(page)
	if !can.smart {
		return h
	}
	if sense, err := ask(smartStatus(), nil); err == nil {
		h.fails, h.tells = parseSmartStatus(sense)
	}
	if !can.solid {
		return h
	}
	if can.logs {
		if _, err := ask(readStatistics(), page); err == nil {
			h.wear = parseStatistics(page)
		}
	}
	if h.wear < 0 {
		if _, err := ask(smartData(), page); err == nil {
			h.wear = parseAttributes(page)
		}
	}
	return h
}

// abilities are what a drive says of itself.
type abilities struct{ smart, logs, solid bool }

// parseIdentify reads IDENTIFY DEVICE, ACS-3 section 7.12: SMART that is there
// and switched on, general purpose logs, and a rotation rate of "none".
func parseIdentify(b []byte) abilities {
	if len(b) < 512 {
		return abilities{}
	}
	w := func(n int) uint16 { return binary.LittleEndian.Uint16(b[2*n:]) }
	valid := func(v uint16) bool { return v>>14 == 1 }
	return abilities{
		smart: w(82)&1 != 0 && w(85)&1 != 0,
		logs:  valid(w(84)) && w(84)&(1<<5) != 0,
		solid: w(217) == 1,
	}
}

// parseStatistics reads the page of solid state drives in the log of device
// statistics, ACS-3 section A.5: the part of the drive's life that is used up, in
// percent, which may exceed 100; -1 where it is not told.
func parseStatistics(b []byte) int {
	const page, toldAndValid = 7, 0xC0
	if len(b) < 512 || b[2] != page || b[15]&toldAndValid != toldAndValid {
		return -1
	}
	return int(b[8])
}

// parseAttributes reads SMART READ DATA: thirty attributes of twelve bytes. Those
// by which makers tell what is left of a drive's life count down from 100 in
// their normalized value. -1 where there is none, or where the page's sum is
// wrong.
func parseAttributes(b []byte) int {
	if len(b) < 512 {
		return -1
	}
	var sum byte
	left := map[byte]int{}
	for _, c := range b[:512] {
		sum += c
	}
	for at := 2; at < 2+30*12; at += 12 {
		if value := int(b[at+3]); b[at] != 0 && value <= 100 {
			left[b[at]] = value
		}
	}
	if sum != 0 {
		return -1
	}
	for _, id := range []byte{
		233, // media wear-out indicator
		177, // wear levelling count
		202, // part of the life that remains
		169, // remaining life
		231, // life left
		173, // wear levelling
	} {
		if value, ok := left[id]; ok {
			return 100 - value
		}
	}
	return -1
}

// parseSmartStatus reads the registers after SMART RETURN STATUS from sense data
// of either form (SAT-3 section 12.2.2.7): a drive that expects to fail has
// turned the two bytes of the key around.
func parseSmartStatus(sense []byte) (fails, tells bool) {
	var mid, high byte
	switch {
	case len(sense) >= 22 && sense[0]&0x7F == 0x72 && sense[8] == 0x09 && sense[9] >= 12:
		mid, high = sense[17], sense[19]
	case len(sense) >= 12 && sense[0]&0x7F == 0x70:
		mid, high = sense[10], sense[11]
	}
	switch {
	case mid == smartMid && high == smartHigh:
		return false, true
	case mid == 0xF4 && high == 0x2C:
		return true, true
	}
	return false, false
}

// The key that SMART commands carry.
const smartMid, smartHigh = 0x4F, 0xC2
