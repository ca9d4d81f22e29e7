package sshd

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// Account is an enabled administrator who has a password.
type Account struct {
	Name string
	Hash string // as the configuration keeps it
}

// Key is a public key that opens the account User.
type Key struct {
	User string
	Blob string // wire form
}

// hashOf returns the hash that user's password is checked against. For an
// unknown account it is somebody else's, so that the check takes as long.
func (p *Plan) hashOf(user string) (hash string, known bool) {
	for _, a := range p.Accounts {
		if hash == "" || a.Name == user {
			hash, known = a.Hash, a.Name == user
		}
		if known {
			break
		}
	}
	return hash, known
}

// allows reports whether password opens the account user. Checks are slow on
// purpose, so only a few run at a time and guessers wait for each other; the
// source may have been locked out while this one waited.
func (s *Server) allows(c *conn, user, password string) bool {
	s.checks <- struct{}{}
	defer func() { <-s.checks }()
	if s.gate.locked(c.source) {
		return false
	}
	hash, known := s.plan.Load().hashOf(user)
	return hash != "" && len(password) <= maxPassword && s.cfg.Verify(hash, password) && known
}

func (p *Plan) allowsKey(user string, blob []byte) bool {
	for _, k := range p.Keys {
		if k.User == user && k.Blob == string(blob) {
			return true
		}
	}
	return false
}

// stillAllows reports whether id could log in under this plan. A changed
// password does not end the session that changed it; an account or a key that
// is gone does.
func (p *Plan) stillAllows(id *identity) bool {
	for _, k := range p.Keys {
		if id.key != "" && k.User == id.user && k.fingerprint() == id.key {
			return true
		}
	}
	for _, a := range p.Accounts {
		if id.key == "" && a.Name == id.user {
			return true
		}
	}
	return false
}

func (k Key) fingerprint() string {
	sum := sha256.Sum256([]byte(k.Blob))
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

func connOf(ctx ssh.Context) *conn { return ctx.Value(connKey{}).(*conn) }

type connKey struct{}

// password is the library's password handler.
func (s *Server) password(ctx ssh.Context, password string) bool {
	c, user := connOf(ctx), ctx.User()
	if s.gate.locked(c.source) {
		c.Close()
		return false
	}
	if s.allows(c, user, password) {
		return s.enter(c, &identity{user: user})
	}
	s.failed(c, user, "password")
	return false
}

// offered is the library's public key handler: a key that is merely offered
// proves nothing, so nothing is remembered here.
func (s *Server) offered(ctx ssh.Context, key ssh.PublicKey) bool {
	return s.plan.Load().allowsKey(ctx.User(), key.Marshal())
}

// verified runs after the client has signed with key, the only moment at which
// the key says who it is.
func (s *Server) verified(ctx ssh.Context) func(gossh.ConnMetadata, gossh.PublicKey, *gossh.Permissions, string) (*gossh.Permissions, error) {
	return func(meta gossh.ConnMetadata, key gossh.PublicKey, p *gossh.Permissions, _ string) (*gossh.Permissions, error) {
		if !s.plan.Load().allowsKey(meta.User(), key.Marshal()) {
			return nil, errors.New("key not authorised")
		}
		id := &identity{user: meta.User(), key: gossh.FingerprintSHA256(key)}
		if !s.enter(connOf(ctx), id) {
			return nil, errors.New("too many sessions")
		}
		return p, nil
	}
}

func (s *Server) enter(c *conn, id *identity) bool {
	if !s.gate.enter(c) {
		s.log.Warn("ssh login refused: too many sessions", "user", id.user, "from", c.from)
		c.Close()
		return false
	}
	c.loggedIn(id)
	s.log.Info("ssh login", "user", id.user, "from", c.from, "key", id.key)
	return true
}

func (s *Server) failed(c *conn, user, method string) {
	s.log.Warn("ssh login failed", "user", clip(user, 64), "from", c.from, "method", method)
	if s.gate.failed(c.source) {
		s.log.Warn("ssh source locked out", "source", c.source, "for", lockTime)
		c.Close()
	}
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// strong is the list of algorithms offered: today's, and nothing kept only for
// old clients. ChaCha20-Poly1305 is left out: with a client that knows no strict
// key exchange somebody in between could cut the beginning of the stream
// (CVE-2023-48795); with GCM he cannot.
func strong() gossh.Config {
	return gossh.Config{
		KeyExchanges: []string{gossh.KeyExchangeMLKEM768X25519, gossh.KeyExchangeCurve25519,
			gossh.KeyExchangeECDHP256, gossh.KeyExchangeECDHP384},
		Ciphers: []string{gossh.CipherAES256GCM, gossh.CipherAES128GCM},
		MACs:    []string{gossh.HMACSHA256ETM, gossh.HMACSHA512ETM},
	}
}

func (s *Server) config(ctx ssh.Context) *gossh.ServerConfig {
	return &gossh.ServerConfig{
		Config:       strong(),
		MaxAuthTries: maxAuthTries,
		PublicKeyAuthAlgorithms: []string{gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519,
			gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521, gossh.KeyAlgoSKECDSA256,
			gossh.KeyAlgoRSASHA256, gossh.KeyAlgoRSASHA512},
		VerifiedPublicKeyCallback: s.verified(ctx),
		AuthLogCallback: func(_ gossh.ConnMetadata, method string, err error) {
			if method == "publickey" && err != nil {
				connOf(ctx).wrongKeys.Store(true)
			}
		},
	}
}
