package traversal

import (
	"context"
	"crypto/ed25519"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSH carries two kinds of channel of our own and nothing else: no shell, no
// forwarding, no agent. Each kind has a connection of its own, so that streams
// never stand in control's way.
const (
	streamChannel  = "streams@sallyport"
	controlChannel = "control@sallyport"
	streamChannels = 4

	keepaliveRequest = "keepalive@sallyport"
)

func sshConfig() ssh.Config {
	return ssh.Config{
		KeyExchanges: []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519},
		Ciphers:      []string{ssh.CipherAES128GCM, ssh.CipherChaCha20Poly1305},
	}
}

// session is one SSH connection after authentication.
type session struct {
	ssh.Conn
	raw net.Conn
	wg  sync.WaitGroup
}

func newSession(c ssh.Conn, raw net.Conn) *session { return &session{Conn: c, raw: raw} }

// end closes the connection and waits for what runs on it.
func (s *session) end() {
	s.raw.Close()
	s.Conn.Close()
	s.wg.Wait()
}

// attend answers keepalives, refuses all other requests, and sends keepalives
// of its own; a peer that does not answer them is cut off.
func (s *session) attend(reqs <-chan *ssh.Request, p Probe) {
	s.wg.Go(func() {
		for r := range reqs {
			if r.WantReply {
				r.Reply(r.Type == keepaliveRequest, nil)
			}
		}
	})
	gone := make(chan struct{})
	s.wg.Go(func() {
		defer close(gone)
		s.Conn.Wait()
	})
	s.wg.Go(func() {
		tick := time.NewTicker(p.Quiet)
		defer tick.Stop()
		for {
			select {
			case <-gone:
				return
			case <-tick.C:
			}
			late := time.AfterFunc(p.Retry*time.Duration(p.Retries+1), func() { s.raw.Close() })
			_, _, err := s.Conn.SendRequest(keepaliveRequest, true, nil)
			late.Stop()
			if err != nil {
				return
			}
		}
	})
}

func ignore(ch ssh.Channel, reqs <-chan *ssh.Request, wg *sync.WaitGroup) ssh.Channel {
	wg.Go(func() { ssh.DiscardRequests(reqs) })
	return ch
}

// keepTunnel keeps one of core's SSH connections, while SIP is up.
func (d *dialer) keepTunnel(ctx context.Context, kind string) {
	d.keep(ctx, func(ctx context.Context) error {
		if err := d.link.awaitUp(ctx); err != nil {
			return err
		}
		err := d.tunnel(ctx, kind)
		if ctx.Err() == nil && d.link.entry() != nil {
			d.link.tunnelFailed(kind, explain(err))
		}
		return err
	})
}

func (k *link) awaitUp(ctx context.Context) error {
	for {
		k.mu.Lock()
		up, changed := k.connsLocked() > 0, k.changed
		k.mu.Unlock()
		if up {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (k *link) tunnelFailed(kind, why string) {
	k.mu.Lock()
	news := k.tunWhy != why
	k.tunWhy = why
	k.mu.Unlock()
	if news {
		k.l.cfg.Log.Warn("traversal tunnel down", "zone", k.zone, "address", k.path, "tunnel", kind, "why", why)
	}
}

// tunnel brings one SSH connection up, as client, and serves it to its end.
func (d *dialer) tunnel(ctx context.Context, kind string) error {
	d.link.mu.Lock()
	hello := d.link.hello
	d.link.mu.Unlock()
	port := d.target.SSHPort
	if port == 0 {
		port = hello.SSH
	}
	if port == 0 {
		return errors.New("the edge does not listen for tunnels")
	}
	raw, err := d.dial(ctx, port)
	if err != nil {
		return fmt.Errorf("port %d: %w", port, err)
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	s, chans, reqs, err := d.clientSession(raw, hello)
	if err != nil {
		return fmt.Errorf("ssh on port %d: %w", port, err)
	}
	defer s.end()
	s.attend(reqs, d.l.cfg.Ping)
	s.wg.Go(func() { refuseChannels(chans) })
	return d.openChannels(ctx, s, kind)
}

func (d *dialer) clientSession(raw net.Conn, hello *greeting) (*session, <-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	key, err := ssh.NewPublicKey(ed25519.PublicKey(hello.Key))
	if err != nil {
		return nil, nil, nil, err
	}
	raw.SetDeadline(time.Now().Add(handshakeTime))
	c, chans, reqs, err := ssh.NewClientConn(raw, raw.RemoteAddr().String(), &ssh.ClientConfig{
		Config: sshConfig(), User: hello.Tunnel, Auth: []ssh.AuthMethod{ssh.PublicKeys(d.l.signer)},
		HostKeyCallback: ssh.FixedHostKey(key), HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		ClientVersion: "SSH-2.0-sallyport",
	})
	if err != nil {
		return nil, nil, nil, err
	}
	raw.SetDeadline(time.Time{})
	return newSession(c, raw), chans, reqs, nil
}

func refuseChannels(chans <-chan ssh.NewChannel) {
	for ch := range chans {
		ch.Reject(ssh.Prohibited, "not here")
	}
}

func (d *dialer) openChannels(ctx context.Context, s *session, kind string) error {
	n := 1
	if kind == streamChannel {
		n = streamChannels
	}
	late := time.AfterFunc(handshakeTime, func() { s.raw.Close() })
	defer late.Stop()
	var chans []ssh.Channel
	for range n {
		ch, reqs, err := s.OpenChannel(kind, nil)
		if err != nil {
			return err
		}
		chans = append(chans, ignore(ch, reqs, &s.wg))
	}
	late.Stop()
	if kind == streamChannel {
		return d.link.serveStreams(s, chans, true)
	}
	return d.link.serveControl(ctx, s, chans[0], true)
}

type linkKey struct{}

// serveSSH is edge's side of one connection on 2222. Only the key that greeted
// on 7001 gets in, under the user name that it was given there.
func (l *Links) serveSSH(ctx context.Context, raw net.Conn, from netip.AddrPort, passed func()) {
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	raw.SetDeadline(time.Now().Add(handshakeTime))
	cfg := &ssh.ServerConfig{Config: sshConfig(), MaxAuthTries: 2, ServerVersion: "SSH-2.0-sallyport", PublicKeyCallback: l.authorise}
	cfg.AddHostKey(l.signer)
	c, chans, reqs, err := ssh.NewServerConn(raw, cfg)
	if err != nil {
		l.refuse("", from, "ssh: "+explain(err))
		return
	}
	raw.SetDeadline(time.Time{})
	passed()
	s := newSession(c, raw)
	defer s.end()
	s.attend(reqs, l.cfg.Ping)
	k := c.Permissions.ExtraData[linkKey{}].(*link)
	if err := l.takeChannels(ctx, k, s, chans); err != nil && ctx.Err() == nil && k.entry() != nil {
		k.tunnelFailed("from core", explain(err))
	}
}

func (l *Links) authorise(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	crypto, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return nil, errors.New("not an Ed25519 key")
	}
	ed, ok := crypto.CryptoPublicKey().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("not an Ed25519 key")
	}
	k := l.owner(meta.User(), ed)
	if k == nil {
		return nil, errors.New("this key has not greeted on the SIP link")
	}
	return &ssh.Permissions{ExtraData: map[any]any{linkKey{}: k}}, nil
}

// takeChannels accepts the channels of one kind, refuses all others, and
// serves them to the connection's end.
func (l *Links) takeChannels(ctx context.Context, k *link, s *session, chans <-chan ssh.NewChannel) error {
	late := time.AfterFunc(handshakeTime, func() { s.raw.Close() })
	defer late.Stop()
	var taken []ssh.Channel
	for nc := range chans {
		kind := nc.ChannelType()
		if kind != streamChannel && kind != controlChannel {
			nc.Reject(ssh.UnknownChannelType, "not here")
			continue
		}
		ch, reqs, err := nc.Accept()
		if err != nil {
			return err
		}
		taken = append(taken, ignore(ch, reqs, &s.wg))
		if kind == streamChannel && len(taken) < streamChannels {
			continue
		}
		late.Stop()
		s.wg.Go(func() { refuseChannels(chans) })
		if kind == streamChannel {
			return k.serveStreams(s, taken, false)
		}
		return k.serveControl(ctx, s, taken[len(taken)-1], false)
	}
	return errors.New("the peer opened no channel")
}

// streams is the SSH connection that carries a link's streams.
type streams struct {
	conn  net.Conn
	muxes []*mux
}

// serveStreams runs a multiplexer on each channel until the connection ends.
func (k *link) serveStreams(s *session, chans []ssh.Channel, dialled bool) error {
	t := &streams{conn: s.raw}
	for _, ch := range chans {
		t.muxes = append(t.muxes, newMux(ch, dialled, k.l.budget, s.LocalAddr(), s.RemoteAddr(), k.acceptStream))
	}
	if !k.setStreams(t) {
		return ErrDown
	}
	defer k.dropStreams(t)
	errs := make([]error, len(t.muxes))
	var wg sync.WaitGroup
	for i, m := range t.muxes {
		wg.Go(func() {
			errs[i] = m.run()
			s.raw.Close() // one channel lost, all lost
		})
	}
	wg.Wait()
	return errs[0]
}

// open puts the stream on the channel that has the fewest.
func (t *streams) open(kind, tag string) (*Stream, error) {
	best := t.muxes[0]
	for _, m := range t.muxes[1:] {
		if m.load() < best.load() {
			best = m
		}
	}
	return best.open(kind, tag)
}

func (t *streams) load() int {
	n := 0
	for _, m := range t.muxes {
		n += m.load()
	}
	return n
}

// acceptStream starts the role's function for a stream of the peer.
func (k *link) acceptStream(s *Stream) {
	f := k.l.cfg.OnStream
	if f == nil {
		s.Reset("this node takes no streams")
		return
	}
	p := k.present()
	k.l.wg.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				k.l.cfg.Log.Error("panic in a stream", "zone", k.zone, "kind", s.kind, "panic", r, "stack", string(debug.Stack()))
				s.Reset("internal error")
			}
		}()
		f(s.kind, p, s)
	})
}

func (k *link) setStreams(t *streams) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.connsLocked() == 0 {
		return false
	}
	if k.streams != nil {
		k.streams.conn.Close()
	}
	k.streams = t
	k.tunnelUpLocked()
	return true
}

func (k *link) dropStreams(t *streams) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.streams == t {
		k.streams = nil
		k.signalLocked()
	}
}

// tunnelUpLocked clears the reason once both tunnels stand.
func (k *link) tunnelUpLocked() {
	if k.streams != nil && k.control != nil {
		k.tunWhy = ""
	}
	k.signalLocked()
}

// same compares secrets in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
