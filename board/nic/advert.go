package nic

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"
)

// advert is what the routers of a link say, as far as it concerns us.
type advert struct {
	gateway netip.Addr     // link-local; unspecified: none wants to be one
	onLink  []netip.Prefix // prefixes whose addresses are neighbours
	own     netip.Prefix   // our address in the prefix that one may choose from
	dns     []netip.Addr
}

func (a advert) equal(b advert) bool {
	return a.gateway == b.gateway && a.own == b.own && slices.Equal(a.onLink, b.onLink) && slices.Equal(a.dns, b.dns)
}

// heard is one router advertisement.
type heard struct {
	router   bool // it serves as a default gateway
	prefixes []advertised
	dns      []netip.Addr
}

// advertised is one prefix of it.
type advertised struct {
	prefix           netip.Prefix
	onLink, choose   bool // neighbours have such addresses; one may choose one's own
	valid, preferred time.Duration
}

// What is taken from one advertisement.
const (
	maxPrefixes = 16
	maxDNS      = 8
)

var errAdvert = errors.New("no router advertisement")

// parseAdvert reads an ICMPv6 message, RFC 4861 section 4.2. Options that it
// does not know, or that make no sense, are passed over; an option of no length
// makes the whole message invalid.
func parseAdvert(b []byte) (h heard, err error) {
	const kind, fixed = 134, 16
	if len(b) < fixed || b[0] != kind || b[1] != 0 {
		return h, errAdvert
	}
	h.router = binary.BigEndian.Uint16(b[6:]) > 0
	for o := b[fixed:]; len(o) > 0; {
		if len(o) < 2 || o[1] == 0 || int(o[1])*8 > len(o) {
			return heard{}, errAdvert
		}
		h.option(o[:int(o[1])*8])
		o = o[int(o[1])*8:]
	}
	return h, nil
}

func (h *heard) option(o []byte) {
	const prefixInformation, nameServers = 3, 25
	switch {
	case o[0] == prefixInformation && len(o) == 32 && len(h.prefixes) < maxPrefixes:
		h.prefix(o)
	case o[0] == nameServers && len(o) >= 24:
		h.servers(o)
	}
}

// prefix reads RFC 4861 section 4.6.2.
func (h *heard) prefix(o []byte) {
	a := netip.AddrFrom16([16]byte(o[16:32]))
	if o[2] > 128 || a.IsLinkLocalUnicast() || a.IsMulticast() || a.Is4In6() {
		return
	}
	p := advertised{
		prefix: netip.PrefixFrom(a, int(o[2])).Masked(), onLink: o[3]&0x80 != 0, choose: o[3]&0x40 != 0,
		valid: seconds(o[4:]), preferred: seconds(o[8:]),
	}
	if p.preferred <= p.valid { // RFC 4862 section 5.5.3 c
		h.prefixes = append(h.prefixes, p)
	}
}

// servers reads RFC 8106 section 5.1.
func (h *heard) servers(o []byte) {
	if seconds(o[4:]) == 0 {
		return
	}
	for a := o[8:]; len(a) >= 16 && len(h.dns) < maxDNS; a = a[16:] {
		if d := netip.AddrFrom16([16]byte(a[:16])); d.IsGlobalUnicast() && !d.Is4In6() {
			h.dns = append(h.dns, d)
		}
	}
}

func seconds(b []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Second
}

// merge says what is known after an advertisement of router from. An address
// that we have stays as long as its prefix may be used; a gateway stays until it
// says that it is none, or another one comes while there is none.
func (a advert) merge(h heard, from netip.Addr, hw []byte) advert {
	switch {
	case h.router && !a.gateway.IsValid():
		a.gateway = from
	case !h.router && a.gateway == from:
		a.gateway = netip.Addr{}
	}
	if len(h.dns) > 0 {
		a.dns = h.dns
	}
	a.onLink = slices.Clone(a.onLink)
	for _, p := range h.prefixes {
		a.take(p, hw)
	}
	return a
}

func (a *advert) take(p advertised, hw []byte) {
	a.onLink = slices.DeleteFunc(a.onLink, func(q netip.Prefix) bool { return q == p.prefix })
	if p.onLink && p.valid > 0 && len(a.onLink) < maxPrefixes {
		a.onLink = append(a.onLink, p.prefix)
	}
	mine := a.own.IsValid() && a.own.Masked() == p.prefix
	switch {
	case mine && (p.valid == 0 || !p.choose):
		a.own = netip.Prefix{}
	case !a.own.IsValid() && p.choose && p.preferred > 0:
		a.own = eui64(p.prefix, hw)
	}
}
