package discover

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"time"
)

// maxGreeting bounds what a chat server says before TLS.
const maxGreeting = 32 << 10

// startTLS brings a connection to a chat server to where TLS begins (RFC 6120
// 5.4). It reads a byte at a time, so that none of TLS is taken.
func startTLS(ctx context.Context, conn net.Conn, domain string) error {
	if end, ok := ctx.Deadline(); ok {
		conn.SetDeadline(end)
		defer conn.SetDeadline(time.Time{})
	}
	var to bytes.Buffer
	xml.EscapeText(&to, []byte(domain))
	fmt.Fprintf(conn, "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='%s'>", to.String())
	heard, err := hear(conn, "</stream:features>", "<stream:error", "</features>")
	switch {
	case err != nil:
		return err
	case !bytes.Contains(heard, []byte("urn:ietf:params:xml:ns:xmpp-tls")):
		return errors.New("it offers no STARTTLS")
	}
	fmt.Fprint(conn, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	if heard, err = hear(conn, "/>", "</proceed>", "</failure>"); err != nil {
		return err
	}
	if !bytes.Contains(heard, []byte("<proceed")) {
		return errors.New("it refuses STARTTLS")
	}
	return nil
}

// hear reads up to and with the first of some words.
func hear(conn net.Conn, words ...string) (heard []byte, err error) {
	one := make([]byte, 1)
	for len(heard) < maxGreeting {
		if _, err := conn.Read(one); err != nil {
			return heard, err
		}
		heard = append(heard, one[0])
		for _, w := range words {
			if bytes.HasSuffix(heard, []byte(w)) {
				return heard, nil
			}
		}
	}
	return heard, errors.New("it greets without an end")
}
