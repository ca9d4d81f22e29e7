package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"

	"sallyport/board/nic"
)

// places remembers which hardware was which LAN at the start before, by MAC
// address: interfaces without an address in the configuration take their places
// in bus order, and a card that is added or put elsewhere moves them.
type places struct {
	path string

	mu   sync.Mutex
	was  map[int]string // LAN to MAC
	read bool
}

// moved names each interface that was one LAN and now is another, or none, and
// says what to do; "" if there is none. It notes the places as they are where
// nothing moved, where the hardware that was there is gone, and where the
// administrator has said which is meant for either LAN; pinned tells that.
func (p *places) moved(links []nic.Interface, pinned func(lan int) bool) (told string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.load(); err != nil {
		return "", err
	}
	byMAC, byLAN := map[string]nic.Interface{}, map[int]nic.Interface{}
	for _, l := range links {
		byMAC[l.MAC] = l
		if l.LAN != 0 {
			byLAN[l.LAN] = l
		}
	}
	var moves []string
	next := map[int]string{}
	for lan := 1; lan <= 2; lan++ {
		is, there := byLAN[lan]
		old, known := byMAC[p.was[lan]]
		switch {
		case there && known && old.MAC != is.MAC && !pinned(lan) && !pinned(old.LAN):
			moves = append(moves, tellMove(lan, old, is))
			next[lan] = old.MAC
		case there:
			next[lan] = is.MAC
		case p.was[lan] != "":
			next[lan] = p.was[lan] // it may come back
		}
	}
	return strings.Join(moves, " "), p.save(next)
}

func tellMove(lan int, old, is nic.Interface) string {
	where := "no LAN"
	if old.LAN != 0 {
		where = fmt.Sprintf("LAN %d", old.LAN)
	}
	return fmt.Sprintf("LAN %d is %s (%s) now; it was %s (%s), which is %s now. To go back: xConfiguration Ethernet %d HardwareAddress: \"%s\"; to keep it so: xConfiguration Ethernet %d HardwareAddress: \"%s\".",
		lan, is.MAC, is.Name, old.MAC, old.Name, where, lan, old.MAC, lan, is.MAC)
}

// load reads the note once. One that cannot be read as such is begun anew.
func (p *places) load() error {
	if p.read {
		return nil
	}
	b, err := os.ReadFile(p.path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if json.Unmarshal(b, &p.was) != nil {
		p.was = nil
	}
	p.read = true
	return nil
}

// save writes the note if it differs.
func (p *places) save(next map[int]string) error {
	if maps.Equal(p.was, next) {
		return nil
	}
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path+".new", b, 0o600); err != nil {
		return err
	}
	p.was = next
	return os.Rename(p.path+".new", p.path)
}
