package xmpp

import (
	"errors"
	"fmt"
)

// Conditions of RFC 6120 §4.9.3 that a client may be told.
const (
	condBadFormat     = "bad-format"
	condTimeout       = "connection-timeout"
	condHostGone      = "host-gone"
	condHostUnknown   = "host-unknown"
	condNotAuthorized = "not-authorized"
	condNotWellFormed = "not-well-formed"
	condBadNamespace  = "invalid-namespace"
	condPolicy        = "policy-violation"
	condRemoteFailed  = "remote-connection-failed"
	condReset         = "reset"
	condResources     = "resource-constraint"
	condRestricted    = "restricted-xml"
	condShutdown      = "system-shutdown"
	condBadEncoding   = "unsupported-encoding"
	condVersion       = "unsupported-version"
)

// A Fault is why a stream ends before its time. Condition and Text are told to
// the client, so neither names anything of the inside; Err is for the log.
type Fault struct {
	Condition string
	Text      string
	Err       error
}

func (f *Fault) Error() string {
	s := f.Condition
	if f.Text != "" {
		s += ": " + f.Text
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

func fault(condition, format string, args ...any) *Fault {
	return &Fault{Condition: condition, Text: fmt.Sprintf(format, args...)}
}

// asFault is the fault behind an error; nil for one that has nobody left to
// tell, such as a connection that was closed.
func asFault(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	var slow interface{ Timeout() bool }
	if errors.As(err, &slow) && slow.Timeout() {
		return &Fault{Condition: condTimeout, Err: err}
	}
	return nil
}
