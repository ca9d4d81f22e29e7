package xmpp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// visit is one client at the gate:
//
//	header ─▶ features, starttls ─▶ TLS ─▶ header ─▶ link ─▶ login ─▶ relay
type visit struct {
	g      *Gate
	ctx    context.Context
	raw    net.Conn
	source netip.Addr
	trace  string
	since  time.Time
	known  func() // the client is no guest any more
	user   string

	mu     sync.Mutex
	domain string // once known; read under the gate's lock too
	out    *outlet
	link   net.Conn
	over   *Fault // why we ended it
}

// run is the whole visit; the caller closes the connection.
func (v *visit) run() {
	err := v.serve()
	v.mu.Lock()
	out, link, over := v.out, v.link, v.over
	v.mu.Unlock()
	f := asFault(err)
	if over != nil {
		f, err = over, over
	}
	switch {
	case errors.Is(err, errEnded):
		out.bye()
	case f != nil:
		out.fail(f)
	}
	if link != nil {
		link.Close()
	}
	v.report(err, f)
	v.linger(out)
}

// report writes the line that tells how it ended.
func (v *visit) report(err error, f *Fault) {
	log := v.g.cfg.Log
	if f == nil {
		log.Debug("chat stream ended", "event", "ended", "why", err, "user", v.user, "client", v.source, "trace", v.trace)
		return
	}
	v.g.refused.Add(1)
	if !v.g.lines.Writes(v.source.String()) {
		return
	}
	log.Info("chat stream refused", "event", "denied", "rule", f.Condition, "why", f.Error(), "domain", v.domain,
		"user", v.user, "client", v.source, "trace", v.trace)
}

// linger lets a client that is still sending read why it was cut off: closing
// at once would take the words back.
func (v *visit) linger(out *outlet) {
	_ = v.raw.SetDeadline(time.Now().Add(v.g.limits.Farewell))
	if c, ok := out.conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite() // a close_notify first, where there is TLS
	}
	if c, ok := v.raw.(*net.TCPConn); ok && c.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, c)
	}
}

// end ends the visit from without.
func (v *visit) end(f *Fault) {
	v.mu.Lock()
	if v.over == nil {
		v.over = f
	}
	out, link := v.out, v.link
	v.mu.Unlock()
	if out != nil {
		out.fail(f)
	}
	if link != nil {
		link.Close()
	}
	_ = v.raw.SetReadDeadline(time.Unix(1, 0))
}

func (v *visit) serve() error {
	l := v.g.limits
	_ = v.raw.SetDeadline(time.Now().Add(l.Login))
	domain, err := v.plain()
	if err != nil {
		return err
	}
	secure, err := v.secure(domain)
	if err != nil {
		return err
	}
	client := NewSplitter(secure, l.LoginBytes)
	client.budget = v.g.held
	defer client.let()
	p, err := opening(client)
	if err == nil {
		err = meant(p, domain)
	}
	if err != nil {
		return err
	}
	link, err := v.open(domain, p)
	if err != nil {
		return err
	}
	d := &dialogue{
		domain: domain, failures: l.Failures, client: client, server: NewSplitter(link, l.StanzaBytes),
		toClient: v.out, toServer: timed{link, l.Write},
	}
	err = d.login()
	v.user = d.user
	if err != nil {
		return err
	}
	return v.stay(d, secure, link)
}

// stay relays once the client has logged in.
func (v *visit) stay(d *dialogue, secure, link net.Conn) error {
	v.known()
	v.g.logins.Add(1)
	v.g.cfg.Log.Info("chat login", "event", "login", "user", d.user, "mechanism", printable(d.mechanism), "domain", d.domain,
		"client", v.source, "trace", v.trace)
	r := &relay{
		limits: v.g.limits, client: d.client, from: secure, server: d.server, to: link,
		toClient: v.out, ping: true, count: &v.g.traffic,
	}
	if v.stopped() {
		return errEnded
	}
	return r.run()
}

// opening is the stream's header, with white space before it passed over.
func opening(s *Splitter) (Piece, error) {
	for {
		p, err := s.Next()
		if err != nil || p.Kind != Space {
			return p, err
		}
	}
}

// plain speaks the little that is said without TLS: which domain, and that TLS
// must come first.
func (v *visit) plain() (domain string, err error) {
	l := v.g.limits
	out := &outlet{conn: v.raw, wait: l.Write}
	v.become(out, nil)
	client := NewSplitter(v.raw, headSize)
	p, err := opening(client)
	if err != nil {
		return "", err
	}
	domain = domainOf(p)
	if _, served := v.g.plan.Load().Domains[domain]; !served {
		return "", &Fault{Condition: condHostUnknown, Err: errors.New("the stream is to " + printable(domain))}
	}
	if err := meant(p, domain); err != nil {
		return "", err
	}
	out.domain = domain
	if v.g.plan.Load().Maintenance { // the client's records name other edges
		return "", fault(condShutdown, "this edge is in maintenance")
	}
	v.settle(domain)
	if err := out.say(openStream(domain) + mustTLS); err != nil {
		return "", err
	}
	p, err = opening(client)
	switch {
	case err != nil:
		return "", err
	case p.Kind == End:
		return "", errEnded
	case !p.Is(nsTLS, "starttls"):
		return "", fault(condPolicy, "STARTTLS first")
	case spaces(client.buf[client.r:client.w]) < client.w-client.r:
		// RFC 6120 §5.4.3.3: what lies behind it would seem to come through TLS.
		return "", fault(condPolicy, "nothing may follow <starttls/> before TLS")
	}
	return domain, out.say(proceed)
}

// secure begins TLS with the certificate of the name that the client asks for,
// else of the domain.
func (v *visit) secure(domain string) (net.Conn, error) {
	outer := v.g.cfg.TLS.Clone()
	if inner := outer.GetConfigForClient; inner != nil {
		outer.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			if h.ServerName == "" {
				h.ServerName = domain
			}
			return inner(h)
		}
	}
	c := tls.Server(v.raw, outer)
	ctx, stop := context.WithTimeout(v.ctx, v.g.limits.TLS)
	defer stop()
	if err := c.HandshakeContext(ctx); err != nil {
		v.become(&outlet{conn: c, over: true}, nil) // nothing can be said any more
		if v.g.lines.Writes(v.source.String()) {
			v.g.cfg.Log.Info("chat TLS handshake", "event", "denied", "rule", "tls", "why", err, "domain", domain, "client", v.source, "trace", v.trace)
		}
		return nil, err
	}
	v.become(&outlet{conn: c, wait: v.g.limits.Write, domain: domain}, nil)
	return c, nil
}

// open begins a stream of the link for the client, whose header it carries.
func (v *visit) open(domain string, header Piece) (net.Conn, error) {
	l := v.g.limits
	ctx, stop := context.WithTimeout(v.ctx, l.Connect)
	defer stop()
	link, err := v.g.cfg.Open(ctx, v.g.plan.Load().Domains[domain])
	if err != nil {
		return nil, lostServer(err)
	}
	v.become(v.out, link)
	_ = link.SetDeadline(time.Now().Add(l.Login))
	first := append(preamble{Domain: domain, Trace: v.trace, Client: v.source.String()}.line(), header.Raw...)
	if _, err := (timed{link, l.Write}).Write(first); err != nil {
		return nil, lostServer(err)
	}
	if v.stopped() {
		return nil, errEnded
	}
	return link, nil
}

func (v *visit) become(out *outlet, link net.Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out, v.link = out, link
}

// settle makes the domain known to the gate.
func (v *visit) settle(domain string) {
	v.g.mu.Lock()
	defer v.g.mu.Unlock()
	v.domain = domain
}

func (v *visit) stopped() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.over != nil
}
