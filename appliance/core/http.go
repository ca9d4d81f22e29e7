package core

import (
	"crypto/tls"
	"net"

	"sallyport/appliance/httpproxy"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
)

// newHTTP joins the allow list's server to the link.
func (c *Core) newHTTP() *httpproxy.Server {
	tap, _ := c.cfg.Tap.(httpproxy.Tap) // one tap may follow both planes
	return httpproxy.NewServer(httpproxy.ServerConfig{
		Log: c.log, Tap: tap,
		TLS: func(host string) *tls.Config { return c.trust.ClientConfig(trust.HTTPSUpstream, host) },
	})
}

// stream takes what an edge opened towards us.
func (c *Core) stream(kind string, _ traversal.Peer, conn net.Conn) {
	switch kind {
	case "http":
		c.http.ServeStream(conn)
	case "xmpp":
		c.chat.ServeStream(conn)
	default:
		conn.Close()
	}
}
