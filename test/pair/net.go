package pair

import (
	"fmt"
	"net"
	"net/netip"
	"os"
)

// DefaultNet is where a pair lives that was given no other place.
const DefaultNet = "127.10"

// FreeNet finds a part of loopback that no other process of these tests lives
// in, and keeps it until release is called. All are above the addresses that tests
// of single packages have for themselves, and below those of appliance/media.
func FreeNet() (place string, release func(), err error) {
	const first, places = 100, 120
	for i := range places {
		place = fmt.Sprintf("127.%d", first+(os.Getpid()+i)%places)
		var l net.Listener
		if l, err = net.Listen("tcp", place+".255.254:4999"); err == nil {
			return place, func() { l.Close() }, nil
		}
	}
	return "", nil, fmt.Errorf("no part of loopback is free: %w", err)
}

func (p *Pair) at(rest string) string { return p.cfg.Net + "." + rest }

// EdgeInner is edge's address towards core, and of its shell.
func (p *Pair) EdgeInner() string { return p.at("1.1") }

// CoreAddr is core's one address.
func (p *Pair) CoreAddr() string { return p.at("1.2") }

// Registrar is the address of call control.
func (p *Pair) Registrar() string { return p.at("2.1") }

// WebServer is the address of the inside web server.
func (p *Pair) WebServer() string { return p.at("2.20") }

// ChatServer is the address of the presence node.
func (p *Pair) ChatServer() string { return p.at("2.30") }

// Client is the n-th address that a client outside may have.
func (p *Pair) Client(n int) netip.Addr { return netip.MustParseAddr(p.at(fmt.Sprint("9.", n))) }

// InsidePrefixes are how addresses begin that nobody outside may learn.
func (p *Pair) InsidePrefixes() []string { return []string{p.at("1."), p.at("2.")} }
