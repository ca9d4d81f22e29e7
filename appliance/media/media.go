// Package media relays the media of calls. It knows ports, sockets, packets,
// SRTP contexts and the link between edge and core (one UDP pair at edge,
// channels in it); it knows neither SIP nor who may call whom. Packages edge
// and core read and rewrite session descriptions and tell a [Relay] which
// streams to carry; package appliance builds the relay and runs it.
//
// One session table serves every engine. Here is engine U, which runs in
// userspace: each worker is one goroutine around epoll, and a session
// belongs to one worker, so that packets meet no lock.
//
// Every leg has a pair of sockets of its own, because its port is its name. The
// link has one pair per worker at either end; its frames travel in trains, many
// to a system call and to a walk through the kernel, which makes the link's
// share of a packet's cost small beside the leg's. Under load a worker looks at
// its sockets once a millisecond, see cadence.
//
//	client ──SRTP──▶ edge client leg ──frames──▶ core link leg ─▶ core inside leg ──RTP──▶ UC side
//	                 36000+              2776/2777   worker's port   own port
package media

import "fmt"

// SessionID names one relayed call. The role chooses it and keeps it where
// the next hop hands it back, so that a node that has lost its memory meets
// the same number again.
type SessionID uint64

// Kind says what a session description is in the offer/answer model.
type Kind uint8

const (
	Offer Kind = iota + 1
	Answer
)

func (k Kind) String() string {
	if k == Offer {
		return "offer"
	}
	return "answer"
}

// Side is one side of a node: the client's or the UC's. At edge the UC side is
// the link; at core the client side is the link.
type Side uint8

const (
	ClientSide Side = iota
	UCSide
)

func (s Side) String() string {
	if s == ClientSide {
		return "client"
	}
	return "UC"
}

// Other is the opposite side.
func (s Side) Other() Side { return 1 - s }

// Refused is a session description that must not pass, with the SIP status
// and the plain reason that its sender gets.
type Refused struct {
	Status int
	Reason string
}

func (r *Refused) Error() string { return fmt.Sprintf("%d %s", r.Status, r.Reason) }

// SIPStatus is the answer to whoever sent the description.
func (r *Refused) SIPStatus() (int, string) { return r.Status, r.Reason }

// Encryption is the media encryption mode of an inside hop.
type Encryption uint8

const (
	Auto       Encryption = iota // follow the hop: SRTP over TLS, else RTP
	Off                          // RTP only
	On                           // SRTP only
	BestEffort                   // offer RTP with keys in it (RFC 8643), take what is answered
)

// ParseEncryption reads the spelling of a zone's media encryption mode.
func ParseEncryption(s string) (Encryption, bool) {
	switch s {
	case "Auto":
		return Auto, true
	case "Off":
		return Off, true
	case "On":
		return On, true
	case "BestEffort":
		return BestEffort, true
	}
	return Auto, false
}

// Policy is what a role wants of one call's media.
type Policy struct {
	Inside    Encryption // the inside hop, core only
	InsideTLS bool       // signalling to the inside hop is TLS, so keys may travel in it
	InsideV6  bool       // signalling to the inside hop is by IPv6, so media is offered there by it

	NoGCMClient, NoGCMInside bool // the zone on that side bears no GCM suites

	Passthrough bool   // two clients outside get each other's ICE candidates and SRTP keys
	Relayed     string // why not, in plain words
}

// NoRoom is the answer to a call for which the relay has no ports or is not up.
func NoRoom(err error) *Refused {
	return &Refused{Status: 503, Reason: "Media: " + err.Error()}
}
