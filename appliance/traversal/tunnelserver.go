package traversal

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"
)

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
