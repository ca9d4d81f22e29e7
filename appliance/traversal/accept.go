package traversal

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/door"
	"sallyport/appliance/quick"
	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
)

// listener is one open port of edge.
type listener struct {
	net.Listener
	stop  context.CancelFunc    // ends the listener and what it accepted
	probe atomic.Pointer[Probe] // for connections to come
}

func listenOn(ctx context.Context, at netip.AddrPort) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", at.String())
}

// accept hands each connection to serve on a goroutine of its own, within the
// bounds for strangers. serve calls passed when the stranger is one no more.
func (l *Links) accept(ctx context.Context, ln net.Listener, serve func(ctx context.Context, c net.Conn, from netip.AddrPort, passed func())) {
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	trouble := func(err error) { l.cfg.Log.Warn("accept", "address", ln.Addr(), "err", err) }
	_ = door.Accept(ctx, ln, trouble, func(c net.Conn) {
		from := door.AddrPort(c.RemoteAddr())
		if !l.strangers.Enter(from.Addr()) {
			c.Close()
			return
		}
		l.wg.Go(func() {
			defer c.Close()
			leave := sync.OnceFunc(func() { l.strangers.Leave(from.Addr()) })
			defer leave()
			serve(ctx, c, from, leave)
		})
	}) // until the listener is closed
}

// quickly is a connection whose system calls cost less, where it is plain TCP.
func quickly(c net.Conn) net.Conn {
	if plain, ok := c.(*net.TCPConn); ok {
		return quick.New(plain)
	}
	return c
}

// patient makes the writes of a connection give up by themselves, if it can.
func patient(c net.Conn, most time.Duration) bool {
	t, ok := c.(*tls.Conn)
	if !ok {
		return false
	}
	q, ok := t.NetConn().(*quick.Conn)
	if ok {
		q.Patience = most
	}
	return ok
}

// serveSIP is edge's side of one connection on 7001.
func (l *Links) serveSIP(s Server, ln *listener) func(context.Context, net.Conn, netip.AddrPort, func()) {
	return func(ctx context.Context, raw net.Conn, from netip.AddrPort, passed func()) {
		stop := context.AfterFunc(ctx, func() { raw.Close() })
		defer stop()
		raw.SetDeadline(time.Now().Add(handshakeTime))
		tc := tls.Server(quickly(raw), l.cfg.ServerTLS())
		if err := tc.HandshakeContext(ctx); err != nil {
			l.refuse(s.Zone, from, explain(err))
			return
		}
		f := newFramer(tc, maxGreeting)
		c, g, err := l.welcome(s, tc, f, from)
		if err != nil {
			l.refuse(s.Zone, from, explain(err))
			return
		}
		if passed(); !stop() {
			return
		}
		raw.SetDeadline(time.Time{})
		f.max = l.maxMessage()
		if !c.link.attach(c, g) {
			return
		}
		c.serve(ctx, ln.probe.Load().heed(g.Ping))
	}
}

// welcome reads core's greeting, decides, and answers it. A peer that is
// refused is told so in SIP, since TLS 1.3 has no other way after the
// handshake.
func (l *Links) welcome(s Server, tc *tls.Conn, f *framer, from netip.AddrPort) (*Conn, *greeting, error) {
	cs := tc.ConnectionState()
	m, err := readGreeting(f)
	if err != nil {
		return nil, nil, err
	}
	if m.Method() != "OPTIONS" {
		return nil, nil, errGreeting
	}
	if err := s.checkName(&cs); err != nil {
		tc.Write(m.Reply(403, trust.Unacceptable).Bytes())
		return nil, nil, err
	}
	g, err := unseal(&cs, "core", m)
	if err != nil {
		tc.Write(m.Reply(403, err.Error()).Bytes())
		return nil, nil, err
	}
	k, err := l.linkOf(s, g, from)
	if err != nil {
		tc.Write(m.Reply(503, err.Error()).Bytes())
		return nil, nil, err
	}
	p := Peer{ID: g.id(), Zone: s.Zone, Node: g.Node, Local: door.AddrPort(tc.LocalAddr()), Remote: from}
	c := newConn(k, g.Slot, p, g.Instance, tc, f)
	return c, g, l.answer(k, &cs, tc, m)
}

func (s Server) checkName(cs *tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return trust.ErrNoPeerCertificate
	}
	if !s.VerifyName {
		return nil
	}
	return trust.VerifyPeerName(cs.PeerCertificates[0], s.SubjectName)
}

// answer sends edge's greeting.
func (l *Links) answer(k *link, cs *tls.ConnectionState, tc *tls.Conn, m *sip.Message) error {
	g := l.greet(0, "")
	g.Tunnel, g.SSH = k.tunnel, l.sshPort()
	body, signature, err := l.seal(cs, "edge", g)
	if err != nil {
		return err
	}
	r := m.Reply(200, "OK")
	r.Set(signatureHeader, signature)
	r.SetBody(greetingType, body)
	_, err = tc.Write(r.Bytes())
	return err
}

// linkOf finds or makes edge's link for a node that greeted. A node that is
// gone is forgotten when another takes its place, and the longest gone when
// there are too many.
func (l *Links) linkOf(s Server, g *greeting, from netip.AddrPort) (*link, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var zone []*link
	for k := range l.links {
		switch {
		case k.zone != s.Zone || k.removed:
		case k.peerID() == g.id() && k.path == g.Path:
			k.noteSkew(l.cfg.Clock().Sub(g.Time), 0)
			return k, nil
		case k.supplanted(g, from):
			k.remove("replaced by another node")
		default:
			zone = append(zone, k)
		}
	}
	if len(zone) >= maxLinksPerZone && !l.forgetOneLocked(zone) {
		return nil, errors.New("too many nodes on this zone")
	}
	k := l.newLink(s.Zone, g.Path, int(s.Listen.Port()))
	k.tunnel = hex.EncodeToString(l.random(16))
	k.peer = Peer{ID: g.id(), Zone: s.Zone, Node: g.Node, Remote: from}
	k.hello = g
	k.noteSkew(l.cfg.Clock().Sub(g.Time), 0)
	l.links[k] = struct{}{}
	return k, nil
}

// supplanted says that a link is down and that who greets now comes from its
// place under another key: the node was installed anew.
func (k *link) supplanted(g *greeting, from netip.AddrPort) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.epoch > 0 && k.connsLocked() == 0 && k.path == g.Path && k.peer.Node == g.Node && k.peer.Remote.Addr() == from.Addr()
}

func (l *Links) forgetOneLocked(zone []*link) bool {
	zone = slices.DeleteFunc(zone, func(k *link) bool { return k.entry() != nil })
	if len(zone) == 0 {
		return false
	}
	oldest := slices.MinFunc(zone, func(a, b *link) int { return a.downSince().Compare(b.downSince()) })
	delete(l.links, oldest)
	return true
}

func (k *link) downSince() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.since
}

// owner finds the link that an SSH user name and key belong to. Only a link
// that is up has tunnels.
func (l *Links) owner(user string, key ed25519.PublicKey) *link {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.links {
		k.mu.Lock()
		mine := k.tunnel != "" && same(k.tunnel, user) && k.connsLocked() > 0 && same(string(k.hello.Key), string(key))
		k.mu.Unlock()
		if mine {
			return k
		}
	}
	return nil
}

func (l *Links) sshPort() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ln := range l.tunnels {
		return int(door.AddrPort(ln.Addr()).Port())
	}
	return 0
}

func (l *Links) maxMessage() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.plan.maxMessage()
}
