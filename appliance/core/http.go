package core

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"

	"sallyport/appliance/httpproxy"
	"sallyport/appliance/traversal"
	"sallyport/appliance/turn"
)

// newHTTP joins the allow list's server to the link.
func (c *Core) newHTTP() *httpproxy.Server {
	tap, _ := c.cfg.Tap.(httpproxy.Tap) // one tap may follow both planes
	return httpproxy.NewServer(httpproxy.ServerConfig{
		Log: c.log, Tap: tap, Clock: c.cfg.Clock, State: c.cfg.State, Auth: c.signIn(),
		TLS:       func(host string) *tls.Config { return c.upstreamTLS(host, c.verified(host)) },
		Loose:     func(host string) *tls.Config { return c.upstreamTLS(host, false) },
		LookupSRV: c.resolver.LookupSRV,
	})
}

// signIn joins logins to the credentials: tokens are judged by the clusters'
// keys, and a password login lets the user's phones register with it.
func (c *Core) signIn() httpproxy.Auth {
	return httpproxy.Auth{
		Verify: c.VerifyToken,
		OnLogin: func(in httpproxy.Signed) {
			if in.Password != "" {
				c.vault.Learn(in.Domain, in.User, in.Password, in.Ends, in.Lines...)
			}
		},
		Lanes: c.lanes(),
		TURN:  turn.Credential,
	}
}

// methodTicket is the question of an edge what a login cookie is worth.
const methodTicket = "login.ticket"

func (c *Core) answerTicket(_ context.Context, p traversal.Peer, in []byte) ([]byte, error) {
	var q httpproxy.TicketQuestion
	if err := json.Unmarshal(in, &q); err != nil {
		return nil, err
	}
	if !c.edgeSpeaks(p, q.Domain) {
		return nil, errors.New("this edge does not serve " + q.Domain)
	}
	return json.Marshal(c.http.Ticket(q.Domain, q.Cookie))
}

// chatHome lets only users with a live login to chat, where logins are in
// force. Whom a mechanism hides cannot be told from somebody without.
func (c *Core) chatHome(_ context.Context, domain, user string) ([]string, error) {
	hosts, ok := c.http.ChatHome(domain, user)
	if !ok {
		return nil, errors.New("the user has no live login")
	}
	return hosts, nil
}

// stream takes what an edge opened towards us.
func (c *Core) stream(kind string, p traversal.Peer, conn net.Conn) {
	speaks := func(domain string) bool { return c.edgeSpeaks(p, domain) }
	switch kind {
	case "http":
		c.http.ServeStream(conn, speaks)
	case "xmpp":
		c.chat.ServeStream(conn, speaks)
	default:
		conn.Close()
	}
}
