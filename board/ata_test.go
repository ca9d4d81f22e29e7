package board

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// drive answers as an ATA drive does.
type drive struct {
	identify, statistics, attributes []byte
	sense                            []byte
	asked                            int
}

func (d *drive) do(cdb [16]byte, data []byte) ([]byte, error) {
	d.asked++
	page := map[[2]byte][]byte{{0xEC, 0}: d.identify, {0x2F, 0}: d.statistics, {0xB0, 0xD0}: d.attributes}[[2]byte{cdb[14], cdb[4]}]
	switch {
	case cdb[0] != 0x85:
		return nil, errors.New("no ATA command")
	case cdb[14] == 0xB0 && (cdb[10] != 0x4F || cdb[12] != 0xC2):
		return nil, errors.New("no key")
	case cdb[14] == 0xB0 && cdb[4] == 0xDA && cdb[2]&0x20 != 0 && data == nil:
		return d.sense, nil
	case page == nil || cdb[2] != 0x0E || cdb[6] != 1:
		return nil, errors.New("the drive refuses")
	}
	copy(data, page)
	return nil, nil
}

// identity is a drive that has SMART, as a solid one that has logs too.
func identity(solid bool) []byte {
	b := make([]byte, 512)
	put := func(word int, v uint16) { binary.LittleEndian.PutUint16(b[2*word:], v) }
	put(82, 1)
	put(85, 1)
	put(217, 7200)
	if solid {
		put(84, 1<<14|1<<5)
		put(217, 1)
	}
	return b
}

// attributes are a SMART page, summed.
func attributes(pairs ...byte) []byte {
	b := make([]byte, 512)
	b[0] = 16
	for i := 0; i+1 < len(pairs); i += 2 {
		at := 2 + i/2*12
		b[at], b[at+3], b[at+4] = pairs[i], pairs[i+1], pairs[i+1]
	}
	for _, c := range b[:511] {
		b[511] -= c
	}
	return b
}

func statistics(used, flags byte) []byte {
	b := make([]byte, 512)
	b[0], b[2], b[8], b[15] = 1, 7, used, flags
	return b
}

// registers are the sense data of both forms.
func registers(mid, high byte) (descriptor, fixed []byte) {
	descriptor, fixed = make([]byte, 22), make([]byte, 18)
	descriptor[0], descriptor[1], descriptor[7], descriptor[8], descriptor[9], descriptor[17], descriptor[19] = 0x72, 1, 14, 9, 12, mid, high
	fixed[0], fixed[2], fixed[10], fixed[11] = 0xF0, 1, mid, high
	return descriptor, fixed
}

func TestATAHealth(t *testing.T) {
	good, goodFixed := registers(0x4F, 0xC2)
	bad, badFixed := registers(0xF4, 0x2C)
	for what, c := range map[string]struct {
		drive        drive
		wear         int
		fails, tells bool
	}{
		"statistics go before attributes":   {drive{identify: identity(true), statistics: statistics(17, 0xC0), attributes: attributes(233, 90), sense: good}, 17, false, true},
		"more than its life":                {drive{identify: identity(true), statistics: statistics(140, 0xC0), sense: bad}, 140, true, true},
		"statistics without a value":        {drive{identify: identity(true), statistics: statistics(0, 0x80), attributes: attributes(9, 99, 177, 88), sense: goodFixed}, 12, false, true},
		"attributes only":                   {drive{identify: identity(true), attributes: attributes(5, 100, 194, 60, 231, 97), sense: badFixed}, 3, true, true},
		"a value above 100":                 {drive{identify: identity(true), attributes: attributes(233, 200), sense: good}, -1, false, true},
		"a broken page":                     {drive{identify: identity(true), attributes: append([]byte{1}, attributes(233, 50)[1:]...), sense: good}, -1, false, true},
		"a drive that turns":                {drive{identify: identity(false), attributes: attributes(233, 50), sense: good}, -1, false, true},
		"registers that say nothing":        {drive{identify: identity(false), sense: make([]byte, 22)}, -1, false, false},
		"no SMART":                          {drive{identify: make([]byte, 512), attributes: attributes(233, 50), sense: bad}, -1, false, false},
		"a drive that refuses all it hears": {drive{}, -1, false, false},
	} {
		h := ataHealth(c.drive.do)
		if h.wear != c.wear || h.fails != c.fails || h.tells != c.tells {
			t.Errorf("%s: %+v", what, h)
		}
	}
}

// TestDrives asks each ATA drive once an hour, and no other.
func TestDrives(t *testing.T) {
	sys := tree(t, map[string]string{"block/sda/device/vendor": "ATA     \n", "block/sdb/device/vendor": "Generic\n"})
	good, _ := registers(0x4F, 0xC2)
	d := drive{identify: identity(true), statistics: statistics(5, 0xC0), sense: good}
	asked := map[string]int{}
	drives := Drives{open: func(path string) ata { asked[path]++; return d.do }}
	now := time.Unix(1e9, 0)
	for _, at := range []time.Duration{0, time.Minute, time.Hour} {
		disks := []Disk{{Name: "sda", Wear: -1}, {Name: "sdb", Wear: -1}, {Name: "nvme0n1", Wear: 3, Tells: true}}
		drives.Ask(sys, "/dev", disks, now.Add(at))
		if disks[0].Wear != 5 || !disks[0].Tells || disks[1].Wear != -1 || disks[2].Wear != 3 {
			t.Errorf("after %v: %+v", at, disks)
		}
	}
	if len(asked) != 1 || asked["/dev/sda"] != 2 {
		t.Error(asked)
	}
	if h := ataHealth(openATA("/dev/null")); h.wear != -1 || h.tells {
		t.Errorf("what is no drive says %+v", h)
	}
}

func FuzzATA(f *testing.F) {
	good, fixed := registers(0x4F, 0xC2)
	f.Add(identity(true), statistics(5, 0xC0), attributes(233, 90), good)
	f.Add(identity(false), []byte{}, attributes(177, 1), fixed)
	f.Fuzz(func(t *testing.T, id, stats, attr, sense []byte) {
		parseIdentify(id)
		parseSmartStatus(sense)
		if n := parseStatistics(stats); n < -1 || n > 255 {
			t.Error(n)
		}
		if n := parseAttributes(attr); n < -1 || n > 100 {
			t.Error(n)
		}
		h := ataHealth((&drive{identify: id, statistics: stats, attributes: attr, sense: sense}).do)
		if h.fails && !h.tells {
			t.Errorf("%+v", h)
		}
	})
}
