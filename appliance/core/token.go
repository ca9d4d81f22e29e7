package core

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"sallyport/appliance/call"
	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
)

// Purposes of core's tokens. Those of the inside carry which edge to go to;
// those of the outside carry a handle to what must not be said there.
const (
	purposePath     = 'P' // Path, inside: peer
	purposeInside   = 'R' // Record-Route, inside: peer, media session
	purposeOutside  = 'O' // Record-Route, outside: media session, route set handle
	purposeContact  = 'C' // Contact, outside: contact handle
	purposeClaimed  = 'F' // the same, of what another client wrote
	purposeTrunk    = 'T' // Record-Route between inside systems: media session
	purposeShortcut = 'G' // pre-routed Route, link: hop of a registration
	purposeSession  = 'S' // never sent: what the media session of a client that roams is made of
	purposeBinding  = 'B' // Contact with Path off, inside: binding handle
	purposeSalt     = 'X' // never sent: what chat users without a login are told to reckon with
	purposeSleeper  = 'S' // no token: what state keeps of a phone that can be woken
)

// inside is the zone word of tokens that inside systems hold; those that
// clients hold are sealed for the traversal zone they leave by, by its place in
// the table, since its name may change. Both are sealed
// for the client's domain as well, and with it for the deployment that encloses
// the domain now.
const inside = "inside"

// within is the zone word of tokens for one domain.
func within(zone, domain string) string { return zone + "\x00" + domain }

// coreHost is written where a token for the outside needs a host. Edge puts
// the name there that the client knows.
const coreHost = "core.invalid"

// tokens makes and reads the user parts that core puts into URIs.
type tokens struct{ keys *trust.Keyring }

// An anchor is what a token of the inside stands for.
type anchor struct {
	peer    uint64
	session uint64

	domain string // of the client, which the token was sealed for
}

func (t tokens) sealAnchor(purpose byte, a anchor) string {
	var plain [16]byte
	binary.BigEndian.PutUint64(plain[:8], a.peer)
	binary.BigEndian.PutUint64(plain[8:], a.session)
	return sip.TokenUser('c', t.keys.Seal(purpose, within(inside, a.domain), plain[:]))
}

// openAnchor reads a token of one of the domains.
func (t tokens) openAnchor(purpose byte, user string, domains []string) (anchor, error) {
	err := errNoDomain
	for _, d := range domains {
		var plain []byte
		if plain, err = t.open(purpose, within(inside, d), user, 16); err == nil {
			return anchor{binary.BigEndian.Uint64(plain[:8]), binary.BigEndian.Uint64(plain[8:]), d}, nil
		}
	}
	return anchor{}, err
}

var errNoDomain = errors.New("no domain is served")

// A wayBack is what the outside Record-Route token stands for.
type wayBack struct {
	session uint64
	routes  handle

	call, self mark // of the dialog's Call-ID, and of whom the client is in it; zero in tokens of old
}

// What such a token holds, in bytes; those of old had no marks.
const (
	wayBackSize    = 8 + len(handle{}) + 2*markSize
	oldWayBackSize = 8 + len(handle{})
)

// of binds the token to the dialog that a message opens; self names the header
// in which the client stands.
func (w wayBack) of(m *sip.Message, self string) wayBack {
	is, _ := call.AOR(m.Get(self))
	w.call, w.self = markOf(m.CallID()), markOf(is)
	return w
}

func (t tokens) sealWayBack(zone string, w wayBack) string {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, wayBackSize), w.session)
	plain = slices.Concat(plain, w.routes[:], w.call[:], w.self[:])
	return sip.TokenUser('c', t.keys.Seal(purposeOutside, zone, plain))
}

func (t tokens) openWayBack(zone, user string) (wayBack, error) {
	plain, err := t.open(purposeOutside, zone, user, wayBackSize)
	if err != nil {
		old, oldErr := t.open(purposeOutside, zone, user, oldWayBackSize)
		if oldErr != nil {
			return wayBack{}, err
		}
		plain = append(old, make([]byte, 2*markSize)...)
	}
	w := wayBack{session: binary.BigEndian.Uint64(plain), routes: handle(plain[8:oldWayBackSize])}
	w.call, w.self = mark(plain[oldWayBackSize:oldWayBackSize+markSize]), mark(plain[oldWayBackSize+markSize:])
	return w, nil
}

func (t tokens) sealHandle(purpose byte, zone string, h handle) string {
	return sip.TokenUser('c', t.keys.Seal(purpose, zone, h[:]))
}

func (t tokens) openHandle(purpose byte, zone, user string) (handle, error) {
	plain, err := t.open(purpose, zone, user, len(handle{}))
	if err != nil {
		return handle{}, err
	}
	return handle(plain), nil
}

func (t tokens) open(purpose byte, zone, user string, size int) ([]byte, error) {
	owner, tok, ok := sip.ParseTokenUser(user)
	if !ok || owner != 'c' {
		return nil, fmt.Errorf("no token of core in %q", user)
	}
	plain, err := t.keys.Open(purpose, zone, tok)
	if err != nil {
		return nil, fmt.Errorf("open %c token: %w", purpose, err)
	}
	if len(plain) != size {
		return nil, fmt.Errorf("open %c token: %d bytes, want %d", purpose, len(plain), size)
	}
	return plain, nil
}

// The zone words of tokens between inside systems, and of those in whose dialog
// a stranger is: one whom the name service led to.
const (
	trunks       = "trunks"
	strangeTrunk = "trunks\x00strangers"
)

func (t tokens) sealTrunk(session uint64, stranger bool) string {
	word := trunks
	if stranger {
		word = strangeTrunk
	}
	return sip.TokenUser('c', t.keys.Seal(purposeTrunk, word, binary.BigEndian.AppendUint64(nil, session)))
}

func (t tokens) openTrunk(user string) (session uint64, stranger bool, err error) {
	plain, err := t.open(purposeTrunk, trunks, user, 8)
	if err != nil {
		stranger = true
		plain, err = t.open(purposeTrunk, strangeTrunk, user, 8)
	}
	if err != nil {
		return 0, false, err
	}
	return binary.BigEndian.Uint64(plain), stranger, nil
}
