package core

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/appliance/xmpp"
)

// newChat joins the chat server to the presence nodes.
func (c *Core) newChat() *xmpp.Server {
	return xmpp.NewServer(xmpp.ServerConfig{
		Log: c.log, Clock: c.cfg.Clock,
		TLS: c.chatTLS, Home: c.chatHome,
		Secret: func(of string) []byte {
			text := sha256.Sum256([]byte(of))
			secret := sha256.Sum256([]byte(c.tokens.keys.Seal(purposeSalt, "", text[:])))
			return secret[:]
		},
		MayTry: func(domain, user, source string) bool { return c.http.MayGuess(domain, user, source) },
		Proven: func(domain, user, source string) { c.http.NoneGuessed(domain, user, source) },
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return (&net.Dialer{Resolver: c.resolver}).DialContext(ctx, network, addr)
		},
		OnNode: func(n xmpp.Node, err error) {
			c.cfg.Alarms.Set(xapi.AlarmChatNode, n.String(), err != nil, fmt.Sprintf("%s: %v", n, err))
		},
	})
}

// chatTLS takes a node's certificate if it bears the node's name, as those of
// clusters do, or the domain, as RFC 6120 §13.7.1 has it.
func (c *Core) chatTLS(n xmpp.Node, domain string) *tls.Config {
	if !n.Verify {
		return c.trust.UnverifiedClientConfig(trust.XMPPUpstream, domain)
	}
	conf := c.trust.ClientConfig(trust.XMPPUpstream, domain)
	byDomain, byName := conf.VerifyConnection, c.trust.ClientConfig(trust.XMPPUpstream, n.Host).VerifyConnection
	conf.VerifyConnection = func(cs tls.ConnectionState) error {
		if byDomain(cs) == nil {
			return nil
		}
		return byName(cs)
	}
	return conf
}
