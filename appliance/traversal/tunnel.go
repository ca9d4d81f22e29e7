package traversal

import (
	"context"
	"crypto/ed25519"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
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

// same compares secrets in constant time.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
