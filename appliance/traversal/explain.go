package traversal

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"sallyport/appliance/trust"
)

// explain says in plain words why a connection failed: what an operator reads
// in xStatus Zones and acts on.
func explain(err error) string {
	var name *trust.NameError
	var validity *trust.ValidityError
	var dns *net.DNSError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &name):
		return name.Error()
	case errors.As(err, &validity):
		return validity.Error()
	case errors.As(err, &dns):
		return "the name " + dns.Name + " cannot be resolved: " + dns.Err
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: nothing listens there, or a firewall rejects it"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no route to the peer"
	case errors.Is(err, syscall.ECONNRESET):
		return "the peer reset the connection"
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return "closed here"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "no answer in time: firewall, routing, or the peer is not running"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the peer closed the connection at the start"
	}
	return explainAlert(err)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// explainAlert: crypto/tls exports no type for an alert of the far end, only
// its text.
func explainAlert(err error) string {
	text := err.Error()
	_, alert, found := strings.Cut(text, "remote error: tls: ")
	if !found {
		return text
	}
	switch alert {
	case "bad certificate", "unsupported certificate", "certificate unknown", "access denied":
		return "the peer refused our certificate (" + alert + ")"
	case "expired certificate":
		return "the peer refused our certificate: expired, or its clock is wrong"
	case "unknown certificate authority":
		return "the peer refused our certificate: its CA list lacks our authority"
	case "certificate required":
		return "the peer wants a certificate and none is installed here"
	case "internal error":
		return "the peer cannot do TLS; it may have no certificate installed"
	}
	return "the peer refused the TLS handshake (" + alert + ")"
}
