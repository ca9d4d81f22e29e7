package login

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/turn/v5"

	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// TestTURN: who signs in is lent an address outside, by UDP and by TLS, until
// the login ends; it leads to who is outside too and never inside.
//
//	alice ──UDP, TLS──▶ edge:3478 ─▶ edge:60000+ ──UDP──▶ a peer outside
func TestTURN(t *testing.T) {
	s := stageOf(t, pair.Config{Edge: []string{"xConfiguration Traversal Server TURN Mode: On"}}, Open)
	ctx := t.Context()
	outside := strings.TrimSuffix(s.Pair.Client(0).String(), ".0")
	if err := deploy.Type(ctx, s.Pair.Edge, "xConfiguration Traversal Server TURN Peer 1 Address: "+outside+".0",
		"xConfiguration Traversal Server TURN Peer 1 PrefixLength: 24"); err != nil {
		t.Fatal(err)
	}
	alice, err := s.User("alice")
	if err != nil {
		t.Fatal(err)
	}
	config, _, err := alice.SignIn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(config.TURN) != 1 {
		t.Fatalf("TURN servers: %+v", config.TURN)
	}
	at := config.TURN[0]
	if at.Address != pair.EdgeName || at.Port != 3478 || at.TLSPort != 3478 || at.Life <= 0 || !strings.HasSuffix(at.User, ":alice@"+s.Domain) {
		t.Errorf("told %s:%d, TLS %d, for %d s, as %s", at.Address, at.Port, at.TLSPort, at.Life, at.User)
	}
	peer, err := net.ListenPacket("udp4", s.Pair.Client(5).String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	for _, network := range []string{"udp", "tls"} {
		relay, err := lend(t, s.Pair, network, at)
		if err != nil {
			t.Fatalf("%s: %v", network, err)
		}
		if _, err := relay.WriteTo([]byte("hello"), peer.LocalAddr()); err != nil {
			t.Fatalf("%s: %v", network, err)
		}
		b := make([]byte, 64)
		peer.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, from, err := peer.ReadFrom(b)
		if err != nil || string(b[:n]) != "hello" || from.String() != relay.LocalAddr().String() {
			t.Errorf("%s: %q from %v, relay %s: %v", network, b[:n], from, relay.LocalAddr(), err)
		}
		inside := &net.UDPAddr{IP: net.ParseIP(s.Pair.Registrar()), Port: 5060}
		if _, err := relay.WriteTo([]byte("hello"), inside); err == nil {
			t.Errorf("%s: a relay leads to %s", network, inside)
		}
		relay.Close()
	}
	at.Secret = "guess"
	if _, err := lend(t, s.Pair, "udp", at); err == nil {
		t.Error("a guessed password was taken")
	}
	if err := deploy.Type(ctx, s.Pair.Edge, "xConfiguration Traversal Server TURN Mode: Off"); err != nil {
		t.Fatal(err)
	}
	if config, _, err := alice.SignIn(ctx); err != nil || len(config.TURN) != 0 {
		t.Errorf("off, clients are told of %+v, %v", config, err)
	}
}

// lend asks edge for a relay as a client outside would.
func lend(t *testing.T, p *pair.Pair, network string, as lab.EdgeServer) (net.PacketConn, error) {
	t.Helper()
	edge := fmt.Sprintf("%s:%d", p.Outer, as.Port)
	var conn net.PacketConn
	var err error
	if network == "udp" {
		conn, err = net.ListenPacket("udp4", p.Client(1).String()+":0")
	} else {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(p.CA)
		var c net.Conn
		if c, err = tls.Dial("tcp", edge, &tls.Config{RootCAs: roots, ServerName: pair.EdgeName}); err == nil {
			conn = turn.NewSTUNConn(c)
		}
	}
	if err != nil {
		return nil, err
	}
	client, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: edge, STUNServerAddr: edge, Username: as.User, Password: as.Secret, Conn: conn})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { client.Close(); conn.Close() })
	if err := client.Listen(); err != nil {
		return nil, err
	}
	return client.Allocate()
}
