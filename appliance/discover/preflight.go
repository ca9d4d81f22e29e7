package discover

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"

	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// A Flight is what one port of one node showed in a pre-flight.
type Flight struct {
	Node    string
	Port    int
	Chain   string // "RSA" or "ECDSA"; "" if no handshake was come to
	Subject string
	Issuer  string
	Expires string
	Good    bool
	Verdict string // in words
}

// Preflight connects to every secure port of every node of a publisher, or of
// all for "", and says of each certificate that it presents, RSA and ECDSA
// apart, whether validation would take it. It changes nothing.
func (d *Discoverer) Preflight(ctx context.Context, publisher string) []Flight {
	var ports []approach
	for _, s := range d.Facts().Servers {
		if publisher == "" || s.Cluster.Publisher == publisher {
			ports = append(ports, securePorts(s)...)
		}
	}
	return d.fly(ctx, ports)
}

// PreflightHost looks at the web ports of a host that is not known yet: a
// publisher that could not be added.
func (d *Discoverer) PreflightHost(ctx context.Context, host string) []Flight {
	return d.fly(ctx, []approach{{target: target{host, portWeb}}, {target: target{host, 443}}})
}

// An approach is how a port is tried.
type approach struct {
	target
	domains []string // TLS begins after STARTTLS for one of them, and its name will do too
	spare   string   // what is missed if nobody listens there, which is no fault then
}

func (d *Discoverer) fly(ctx context.Context, ports []approach) []Flight {
	both := make([][]Flight, len(ports))
	each(len(ports), triesAtOnce, func(i int) { both[i] = d.look(ctx, ports[i]) })
	var out []Flight
	for _, f := range both {
		out = append(out, f...)
	}
	return out
}

// securePorts lists where a node takes TLS of ours or of clients.
func securePorts(s Server) (out []approach) {
	add := func(ports ...int) {
		for _, p := range ports {
			out = append(out, approach{target: target{s.Host, p}})
		}
	}
	spare := func(port int, misses string) {
		out = append(out, approach{target: target{s.Host, port}, spare: misses})
	}
	for _, kind := range s.Types {
		switch kind {
		case uc.UnifiedCM:
			add(s.Web)
			if s.Calls && s.Cluster.Mixed {
				add(s.SIPS)
			}
			if s.Calls && s.Cluster.SIPOAuth {
				add(s.OAuth)
			}
			spare(portTLS, "user data services of older clients")
			spare(portHeadset, "settings of headsets")
		case uc.TFTP:
			add(6972)
		case uc.IMPresence:
			add(s.Web, 7336)
			out = append(out, approach{target: target{s.Host, portChat}, domains: append(slices.Clone(s.Cluster.Domains), s.Host)})
		case uc.UnityConnection:
			add(s.Web, 7443)
			spare(portTLS, "voicemail of clients that use this port")
		}
	}
	return out
}

// look has one handshake for each kind of certificate. TLS 1.2 lets the client
// say which kind it wants, by its cipher suites.
func (d *Discoverer) look(ctx context.Context, t approach) []Flight {
	var out []Flight
	var last error
	for _, kind := range []string{"RSA", "ECDSA"} {
		cs, err := d.shake(ctx, t, kind)
		if err != nil {
			last = err
			var op *net.OpError
			if errors.As(err, &op) && op.Op == "dial" {
				break
			}
			continue
		}
		out = append(out, d.judge(t, kind, cs))
	}
	if len(out) == 0 && t.spare != "" && unserved(last) {
		return []Flight{{Node: t.host, Port: t.port, Good: true, Verdict: "nobody listens there, which only " + t.spare + " miss"}}
	}
	if len(out) == 0 {
		out = append(out, Flight{Node: t.host, Port: t.port, Verdict: "no certificate was shown: " + clean(reach(last).Error())})
	}
	return out
}

// unserved tells whether a port is closed, rather than in trouble.
func unserved(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED)
}

func suites(kind string) []uint16 {
	if kind == "RSA" {
		return []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}
	}
	return []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
}

// shake takes any certificate: judging it comes afterwards. Nothing is sent.
func (d *Discoverer) shake(ctx context.Context, t approach, kind string) (tls.ConnectionState, error) {
	ctx, stop := context.WithTimeout(ctx, dialTime)
	defer stop()
	conn, err := d.cfg.Dial(ctx, "tcp", t.String())
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	if len(t.domains) > 0 {
		if err := startTLS(ctx, conn, t.domains[0]); err != nil {
			return tls.ConnectionState{}, err
		}
	}
	conf := d.cfg.TLS(t.host, false)
	conf.CipherSuites, conf.MinVersion, conf.MaxVersion = suites(kind), tls.VersionTLS12, tls.VersionTLS12
	c := tls.Client(conn, conf)
	err = c.HandshakeContext(ctx)
	cs := c.ConnectionState()
	if err != nil && len(cs.PeerCertificates) == 0 {
		return cs, err
	}
	return cs, nil
}

func (d *Discoverer) judge(t approach, kind string, cs tls.ConnectionState) Flight {
	leaf := cs.PeerCertificates[0]
	f := Flight{Node: t.host, Port: t.port, Chain: kind, Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(),
		Expires: leaf.NotAfter.UTC().Format("2006-01-02"), Good: true, Verdict: "would be taken"}
	if err := d.accept(t, cs); err != nil {
		f.Good, f.Verdict = false, "would be refused: "+clean(err.Error())+todo(leaf, err)
	}
	return f
}

// accept judges as validation would: by the node's name, or for chat by the
// domain.
func (d *Discoverer) accept(t approach, cs tls.ConnectionState) error {
	first := d.cfg.TLS(t.host, true).VerifyConnection(cs)
	for _, name := range t.domains {
		if first != nil && d.cfg.TLS(name, true).VerifyConnection(cs) == nil {
			return nil
		}
	}
	return first
}

// todo says what makes a refused certificate good.
func todo(leaf *x509.Certificate, err error) string {
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown) && leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil:
		return "; it is self-signed: install it by CACertificateInstall, or have it signed"
	case errors.As(err, &unknown):
		return fmt.Sprintf("; install the authority %s by CACertificateInstall", leaf.Issuer)
	case strings.Contains(err.Error(), "identity was unacceptable"):
		return "; have it issued with that name, or use one of its names in System > Server"
	}
	return ""
}

// Report prints the flights, and how many certificates would be refused.
func Report(t *xapi.Node, all []Flight) {
	bad := 0
	for i, f := range all {
		if !f.Good {
			bad++
		}
		e := t.Nth("Port", i+1)
		e.Str("Node", f.Node).Int("Port", f.Port).Str("Chain", f.Chain)
		e.Str("Subject", f.Subject).Str("Issuer", f.Issuer).Str("Expires", f.Expires)
		e.Leaf("Good", map[bool]string{true: "Yes", false: "No"}[f.Good]).Str("Verdict", f.Verdict)
	}
	t.Int("Checked", len(all)).Int("Refused", bad)
}
