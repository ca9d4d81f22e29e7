package flow

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
)

// BenchmarkRead reads one message of 1 kB over TLS on loopback and answers it.
func BenchmarkRead(b *testing.B) {
	ca, err := trust.NewCA("test", time.Now)
	if err != nil {
		b.Fatal(err)
	}
	cert, key, err := ca.Issue(trust.IssueOptions{Names: []string{"edge.example.com"}, Server: true})
	if err != nil {
		b.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		b.Fatal(err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{pair}}
	answer := make([]byte, 500)
	f := New(Config{TLS: func(Listener) *tls.Config { return conf }, OnMessage: func(c *Conn, m *sip.Message) {
		c.SetAuthenticated(true)
		_ = c.Send(answer)
	}})
	done := make(chan struct{})
	go func() { defer close(done); _ = f.Run(b.Context()) }()
	b.Cleanup(func() { <-done })
	if err := f.Apply(Plan{Listeners: []Listener{tlsOpen}, Limits: Limits{FlowRate: 1 << 30, FlowBurst: 1 << 30}}); err != nil {
		b.Fatal(err)
	}
	nc, err := net.Dial("tcp", f.Listeners()[0].Bound.String())
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	c := tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	msg, got := []byte(message(1, 700)), make([]byte, len(answer))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(msg); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, got); err != nil {
			b.Fatal(err)
		}
	}
}
