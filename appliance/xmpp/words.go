package xmpp

import (
	"crypto/rand"
	"encoding/xml"
	"strings"
)

// Namespaces of RFC 6120 and of what it is spoken with.
const (
	nsStream   = "http://etherx.jabber.org/streams"
	nsClient   = "jabber:client"
	nsErrors   = "urn:ietf:params:xml:ns:xmpp-streams"
	nsTLS      = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL     = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsSASL2    = "urn:xmpp:sasl:2"
	nsBinding  = "urn:xmpp:sasl-cb:0"
	nsHostName = "urn:xmpp:domain-based-name:0"
	nsCompress = "http://jabber.org/features/compress"
	nsZip      = "http://jabber.org/protocol/compress"
	nsRegister = "http://jabber.org/features/iq-register"
	nsOldAuth  = "http://jabber.org/features/iq-auth"
)

const (
	askTLS  = "<starttls xmlns='" + nsTLS + "'/>"
	proceed = "<proceed xmlns='" + nsTLS + "'/>"
	mustTLS = "<stream:features><starttls xmlns='" + nsTLS + "'><required/></starttls></stream:features>"
)

// openStream is the header of a stream that we answer ourselves.
func openStream(domain string) string {
	from := ""
	if domain != "" {
		from = " from='" + escape(domain) + "'"
	}
	return "<?xml version='1.0'?><stream:stream xmlns='" + nsClient + "' xmlns:stream='" + nsStream + "' id='" +
		rand.Text() + "'" + from + " version='1.0' xml:lang='en'>"
}

// callStream is the header that core opens a stream to a node with.
func callStream(domain string) string {
	return "<?xml version='1.0'?><stream:stream xmlns='" + nsClient + "' xmlns:stream='" + nsStream + "' to='" +
		escape(domain) + "' version='1.0'>"
}

// streamError declares its prefix itself, for a stream whose header has
// another.
func streamError(f *Fault) string {
	text := ""
	if f.Text != "" {
		text = "<text xmlns='" + nsErrors + "' xml:lang='en'>" + escape(f.Text) + "</text>"
	}
	return "<stream:error xmlns:stream='" + nsStream + "'><" + f.Condition + " xmlns='" + nsErrors + "'/>" + text + "</stream:error>"
}

// saslFailure refuses a login but not the stream.
func saslFailure(condition string) string {
	return "<failure xmlns='" + nsSASL + "'><" + condition + "/></failure>"
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
