package xmpp

import (
	"cmp"
	"time"
)

// Limits bound what strangers may do. A zero field has its default.
type Limits struct {
	Login    time.Duration // from the connection to the end of the login
	TLS      time.Duration // for a handshake
	Connect  time.Duration // to a node, its TLS included
	Stanza   time.Duration // for a stanza that has begun
	Write    time.Duration // longest wait for a reader
	Ping     time.Duration // quiet before a client is sent a space, which finds dead connections
	Farewell time.Duration // for the other side's last words

	LoginBytes  int // of one step of the login
	StanzaBytes int // of one stanza of a client
	HeldBytes   int // of all stanzas under way, on one node

	Conns, SourceConns   int // of clients, in all and of one source
	Guests, SourceGuests int // of these, not logged in yet
	Failures             int // failed logins on one connection
}

// withDefaults fills the fields left open. A whole office may come from one
// source, so what it may have is a good part of what all may; who has not
// logged in gets less. One link carries 4096 streams, of which HTTP needs some.
func (l Limits) withDefaults() Limits {
	return Limits{
		Login:        cmp.Or(l.Login, time.Minute),
		TLS:          cmp.Or(l.TLS, 10*time.Second),
		Connect:      cmp.Or(l.Connect, 10*time.Second),
		Stanza:       cmp.Or(l.Stanza, time.Minute),
		Write:        cmp.Or(l.Write, time.Minute),
		Ping:         cmp.Or(l.Ping, time.Minute),
		Farewell:     cmp.Or(l.Farewell, 3*time.Second),
		LoginBytes:   cmp.Or(l.LoginBytes, 64<<10), // tickets of Kerberos are the largest
		StanzaBytes:  cmp.Or(l.StanzaBytes, 512<<10),
		HeldBytes:    cmp.Or(l.HeldBytes, 32<<20),
		Conns:        cmp.Or(l.Conns, 6000),
		SourceConns:  cmp.Or(l.SourceConns, 2000),
		Guests:       cmp.Or(l.Guests, 1000),
		SourceGuests: cmp.Or(l.SourceGuests, 200),
		Failures:     cmp.Or(l.Failures, 5),
	}
}
