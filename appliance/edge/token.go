package edge

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
)

// Purposes of edge's tokens. Role, purpose and zone are authenticated, so a
// token made for one use opens for no other.
const (
	purposePath        = 'P' // Path: binding
	purposeRecordRoute = 'R' // Record-Route: binding, media session, core
	purposeBegunInside = 'I' // the same, of a dialog that the inside began
	purposeIdentifier  = 'H' // what a veil hides
	purposePreload     = 'L' // Route that clients were told to begin with: domain
	purposeSession     = 'S' // never sent: what the media session of a client that roams is made of
	purposeBinding     = 'B' // never sent: what a binding's identifier is made of
)

// route is what one of edge's own URIs stands for.
type route struct {
	binding uint64
	session uint64           // 0: the dialog has no media here
	peer    traversal.PeerID // the core that the dialog runs through

	begunInside bool
	call, self  uint32 // marks of the dialog's Call-ID and of whom the client is in it
}

// mark is enough of a text's digest to tell it from another of the same client.
func mark(text string) uint32 {
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint32(sum[:])
}

// of binds the token to the dialog that a request opens; self names the header
// in which the client stands.
func (r route) of(m *sip.Message, self string) route {
	is, _ := aor(m.Get(self))
	r.call, r.self = mark(m.CallID()), mark(is)
	return r
}

// tokens makes and reads the user parts that edge puts into URIs. The zone of
// a token is the traversal zone its binding registered through.
type tokens struct {
	keys *trust.Keyring
	word func(zone string) string // what of a zone outlives its name; nil: the name
}

// sealedFor is the word that a zone's tokens are sealed for.
func (t tokens) sealedFor(zone string) string {
	if t.word == nil {
		return zone
	}
	return t.word(zone)
}

// What tokens hold, in bytes.
const (
	pathSize   = 8
	dialogSize = 32
)

// seal makes a token for a Path or a dialog.
func (t tokens) seal(purpose byte, zone string, r route) string {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, dialogSize), r.binding)
	if purpose != purposePath {
		plain = binary.BigEndian.AppendUint64(plain, r.session)
		plain = binary.BigEndian.AppendUint64(plain, uint64(r.peer))
		plain = binary.BigEndian.AppendUint32(plain, r.call)
		plain = binary.BigEndian.AppendUint32(plain, r.self)
	}
	return sip.TokenUser('e', t.keys.Seal(purpose, t.sealedFor(zone), plain))
}

// pathToken is a binding's token for Path, kept with it: each refresh needs the
// same again.
type pathToken struct {
	sealing any    // of the keyring, when it was made
	word    string // that it is sealed for
	user    string
}

// path is the token for a binding's Path: the one it had, if it would come out
// the same.
func (t tokens) path(zone string, id flow.BindingID, had pathToken) pathToken {
	is := pathToken{sealing: t.keys.Sealing(), word: t.sealedFor(zone)}
	if had.sealing == is.sealing && had.word == is.word {
		return had
	}
	is.user = t.seal(purposePath, zone, route{binding: uint64(id)})
	return is
}

// binding names the binding of a client so that it is the same when edge comes
// back from a restart: the tokens in dialogs and registrars still mean it.
func (t tokens) binding(k flow.Key) flow.BindingID {
	sum := sha256.Sum256([]byte(k.AOR + "\x00" + k.Device + "\x00" + k.Reg))
	tag := sha256.Sum256([]byte(t.keys.Seal(purposeBinding, "", sum[:])))
	return flow.BindingID(binary.BigEndian.Uint64(tag[:]))
}

// preload makes the token that clients of a domain put into Route before they
// know any other: it says that they may come to this edge, and leads no further.
func (t tokens) preload(domain string) string {
	sum := sha256.Sum256([]byte(domain))
	return sip.TokenUser('e', t.keys.Seal(purposePreload, "", sum[:pathSize]))
}

// preloaded tells whether a user part is a token that preload made.
func (t tokens) preloaded(user string) bool {
	owner, tok, ok := sip.ParseTokenUser(user)
	if !ok || owner != 'e' {
		return false
	}
	plain, err := t.keys.Open(purposePreload, "", tok)
	return err == nil && len(plain) == pathSize
}

// open reads the user part of a Route that names this edge. It fails for
// foreign, forged and retired tokens alike.
func (t tokens) open(zone, user string) (route, error) {
	owner, tok, ok := sip.ParseTokenUser(user)
	if !ok || owner != 'e' {
		return route{}, fmt.Errorf("no token of this edge in %q", user)
	}
	if r, err := t.openDialog(zone, tok); err == nil {
		return r, nil
	}
	plain, err := t.keys.Open(purposePath, t.sealedFor(zone), tok)
	if err != nil {
		return route{}, fmt.Errorf("open route token: %w", err)
	}
	if len(plain) != pathSize {
		return route{}, fmt.Errorf("open route token: %d bytes", len(plain))
	}
	return route{binding: binary.BigEndian.Uint64(plain)}, nil
}

// dialog reads a token that a client hands in: Path is none of its business.
func (t tokens) dialog(zone, user string) (route, error) {
	owner, tok, ok := sip.ParseTokenUser(user)
	if !ok || owner != 'e' {
		return route{}, fmt.Errorf("no token of this edge in %q", user)
	}
	return t.openDialog(zone, tok)
}

func (t tokens) openDialog(zone, tok string) (route, error) {
	for _, purpose := range [...]byte{purposeRecordRoute, purposeBegunInside} {
		plain, err := t.keys.Open(purpose, t.sealedFor(zone), tok)
		if err == nil && len(plain) == dialogSize {
			return route{
				binding:     binary.BigEndian.Uint64(plain),
				session:     binary.BigEndian.Uint64(plain[8:]),
				peer:        traversal.PeerID(binary.BigEndian.Uint64(plain[16:])),
				call:        binary.BigEndian.Uint32(plain[24:]),
				self:        binary.BigEndian.Uint32(plain[28:]),
				begunInside: purpose == purposeBegunInside,
			}, nil
		}
	}
	return route{}, fmt.Errorf("open dialog token: %w", trust.ErrToken)
}
