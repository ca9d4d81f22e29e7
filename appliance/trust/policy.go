package trust

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// Purpose says what a TLS connection is for. Each purpose has its own Policy.
type Purpose uint8

// The purposes of TLS in a node.
const (
	SIPOutside    Purpose = iota // clients on the outside, no client certificate
	SIPInside                    // call control and gateways on the inside
	LinkServer                   // edge's side of the traversal link, mutual
	LinkClient                   // core's side of the traversal link, mutual
	HTTPSOutside                 // the HTTPS gate
	HTTPSUpstream                // web servers on the inside
	Syslog                       // remote log servers
	Management                   // web administration
	XMPPOutside                  // chat clients on the outside
	XMPPUpstream                 // presence nodes on the inside
	Push                         // push services on the Internet
	TURNOutside                  // TURN clients on the outside
	purposes
)

// String returns the purpose's name as logs and errors show it.
func (p Purpose) String() string {
	names := [purposes]string{"sip-outside", "sip-inside", "link-server", "link-client",
		"https-outside", "https-upstream", "syslog", "management", "xmpp-outside", "xmpp-upstream", "push", "turn-outside"}
	if p >= purposes {
		return "unknown"
	}
	return names[p]
}

// ClientCert says what a server of a purpose wants to see of a client.
type ClientCert uint8

const (
	ClientCertNone    ClientCert = iota // not asked for
	ClientCertAsk                       // asked for and kept; whoever needs the identity calls VerifyPeer
	ClientCertRequire                   // required, and must chain to the CA list
)

// Policy is what TLS must look like for one purpose.
type Policy struct {
	MinVersion, MaxVersion uint16 // 0 means TLS 1.2 and the newest known
	ClientCert             ClientCert
	Wildcards              bool     // whether a wildcard in a SAN may match
	EitherUsage            bool     // a peer may show a serverAuth or clientAuth certificate in either role
	NextProtos             []string // ALPN, in order of preference
	NoTickets              bool     // no session resumption
	Public                 bool     // the far end is a stranger: the machine's own authorities will do as well, and ours is not shown
	Domains                bool     // a client that asks for a name of a domain is shown the domain's certificate
}

// defaultPolicies: the link speaks TLS 1.3 only because both ends are ours.
// Public authorities no longer issue clientAuth, so on the link and inside a
// certificate made for servers also proves a client. Wildcards match only
// where the far end is an ordinary web or log server.
func defaultPolicies() [purposes]Policy {
	return [purposes]Policy{
		SIPOutside:    {MinVersion: tls.VersionTLS12, Domains: true},
		SIPInside:     {MinVersion: tls.VersionTLS12, ClientCert: ClientCertAsk, EitherUsage: true},
		LinkServer:    {MinVersion: tls.VersionTLS13, ClientCert: ClientCertRequire, EitherUsage: true, NoTickets: true},
		LinkClient:    {MinVersion: tls.VersionTLS13, EitherUsage: true, NoTickets: true},
		HTTPSOutside:  {MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Domains: true},
		HTTPSUpstream: {MinVersion: tls.VersionTLS12, Wildcards: true},
		Syslog:        {MinVersion: tls.VersionTLS12, Wildcards: true},
		Management:    {MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}},
		XMPPOutside:   {MinVersion: tls.VersionTLS12, Domains: true},
		TURNOutside:   {MinVersion: tls.VersionTLS12, Domains: true}, // no ALPN: clients may say stun.turn (RFC 7443), or nothing
		XMPPUpstream:  {MinVersion: tls.VersionTLS12, Wildcards: true},
		Push:          {MinVersion: tls.VersionTLS12, Wildcards: true, NextProtos: []string{"h2", "http/1.1"}, Public: true},
	}
}

// Policy returns the policy in force for a purpose.
func (t *Trust) Policy(p Purpose) Policy { return t.live.Load().policies[p] }

// SetPolicy changes the policy of one purpose for handshakes that start from
// now on, also for configs that were handed out before.
func (t *Trust) SetPolicy(p Purpose, pol Policy) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.policies[p] = pol
	l := t.live.Load()
	t.publishLocked(l.cert, l.cas)
}

func (pol Policy) minVersion() uint16 {
	if pol.MinVersion == 0 {
		return tls.VersionTLS12
	}
	return pol.MinVersion
}

// Versions reads a range of TLS versions in the form of the configuration
// table, such as "TLSv1.2:TLSv1.3".
func Versions(s string) (min, max uint16, err error) {
	for _, word := range strings.Split(s, ":") {
		v := map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}[word]
		if v == 0 {
			return 0, 0, fmt.Errorf("%q is no TLS version", word)
		}
		if min == 0 || v < min {
			min = v
		}
		if v > max {
			max = v
		}
	}
	return min, max, nil
}
