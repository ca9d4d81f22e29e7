package call

import (
	"slices"
	"strings"

	"sallyport/appliance/sip"
)

// What a client may say about itself and about the way a call took. By default
// nothing that RFC 3325 and its kin (3455, 5009, 5503, 7315, 8496) keep for
// nodes that trust each other: the user's own wishes pass, what vouches for
// somebody or is billed by does not.
//
//	P-Preferred-Identity   the user's own address of record, else 403
//	Diversion              the user's own, as of a phone that diverts (RFC 5806 7)
//	History-Info           nothing: the first hop inside writes it anew (RFC 7044 10.1.1)
//	P-…                    the wishes and reports below
//
// What else a user says, Call-Info, Alert-Info, Referred-By, Resource-Priority
// or Identity, is for call control to weigh by who he is.
var wishes = [...]string{"P-Preferred-Identity", "P-Preferred-Service", "P-RTP-Stat"}

// Strip takes out of a client's message what only our own side may say, and of
// what he may say about himself all that is not about owner. called is the To of
// the request that the message answers, "" if it answers none: a client may go
// by the name that he was called by.
func Strip(m *sip.Message, owner, called string) {
	Unvouch(m)
	for _, name := range [...]string{"Diversion", "P-Preferred-Identity"} {
		keepOwn(m, name, owner, called)
	}
}

// Unvouch takes out of a message of the outside what only our own side may say.
func Unvouch(m *sip.Message) {
	m.RemoveFunc(func(name string) bool { return vouches(name) || private(name) })
}

// vouches tells whether a header is one that only nodes inside may write.
func vouches(name string) bool {
	switch {
	case len(name) > 2 && name[1] == '-' && name[0]|0x20 == 'p':
		return !slices.ContainsFunc(wishes[:], func(w string) bool { return strings.EqualFold(w, name) })
	case len(name) == len("History-Info") || len(name) == len("Remote-Party-ID"):
		return strings.EqualFold(name, "History-Info") || strings.EqualFold(name, "Remote-Party-ID")
	}
	return false
}

// PrivatePrefix begins the headers that edge and core say to each other on the
// link: from outside they are refused a hearing, to outside they are not said.
const PrivatePrefix = "X-Sallyport-"

// private tells whether a header is one of the link's.
func private(name string) bool {
	return len(name) >= len(PrivatePrefix) && name[1] == '-' && strings.EqualFold(name[:len(PrivatePrefix)], PrivatePrefix)
}

// keepOwn leaves of a header's values those about the user himself.
func keepOwn(m *sip.Message, name, owner, called string) {
	if !m.Has(name) {
		return
	}
	other, err := AOR(called)
	if err != nil {
		other = owner
	}
	m.SetAll(name, slices.DeleteFunc(m.Values(name), func(v string) bool {
		who, err := AOR(v)
		return err != nil || who != owner && who != other
	}))
}
