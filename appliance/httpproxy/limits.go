package httpproxy

import (
	"cmp"
	"time"
)

// Limits bound what strangers may do. A zero field has its default.
type Limits struct {
	Shake   time.Duration // for the TLS handshake of a client
	Header  time.Duration // for a request's header
	Pause   time.Duration // longest wait for the next bytes of a body, in either direction
	Idle    time.Duration // of a connection between requests
	Connect time.Duration // to an origin, TLS included
	Answer  time.Duration // for an origin's header, once it has the whole request

	HeaderBytes int
	BodyBytes   int64 // of a request
	AnswerBytes int64 // of an origin's header

	Requests, SourceRequests int // in progress, in all and of one source
	Conns, SourceConns       int // of clients, likewise
	OriginConns              int // to one origin; further requests wait
}

// withDefaults fills the fields left open. A whole office may come from one
// source, so what one may take is not much below what all may.
func (l Limits) withDefaults() Limits {
	return Limits{
		Shake:          cmp.Or(l.Shake, 10*time.Second),
		Header:         cmp.Or(l.Header, 10*time.Second),
		Pause:          cmp.Or(l.Pause, 30*time.Second),
		Idle:           cmp.Or(l.Idle, 90*time.Second),
		Connect:        cmp.Or(l.Connect, 10*time.Second),
		Answer:         cmp.Or(l.Answer, 90*time.Second), // long polls of voicemail last up to a minute
		HeaderBytes:    cmp.Or(l.HeaderBytes, 16<<10),
		BodyBytes:      cmp.Or(l.BodyBytes, 256<<20),
		AnswerBytes:    cmp.Or(l.AnswerBytes, 64<<10),
		Requests:       cmp.Or(l.Requests, 4096),
		SourceRequests: cmp.Or(l.SourceRequests, 1024),
		Conns:          cmp.Or(l.Conns, 8192),
		SourceConns:    cmp.Or(l.SourceConns, 2048),
		OriginConns:    cmp.Or(l.OriginConns, 512),
	}
}

// continueWait is how long the next hop may take to ask for a body that waits
// for it; servers that know no Expect get it then.
const continueWait = time.Second
