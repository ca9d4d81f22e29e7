package xmpp

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// deaf is a node that takes nothing more.
type deaf struct {
	net.Conn
	tried chan struct{}
}

func (d deaf) Write([]byte) (int, error) {
	close(d.tried)
	return 0, errors.New("broken pipe")
}

// A node that closes its ear before its mouth is heard to the end: the client
// is told why, and not only that the node is gone.
func TestLastWordsOfANode(t *testing.T) {
	phone, from := net.Pipe()
	node, to := net.Pipe()
	d := deaf{to, make(chan struct{})}
	l := Limits{}.withDefaults()
	r := &relay{limits: l, client: NewSplitter(from, l.StanzaBytes), from: from, server: NewSplitter(to, l.StanzaBytes), to: d,
		toClient: &outlet{conn: from, wait: l.Write, domain: "example.com"}, count: &traffic{}}
	heard := make(chan string, 1)
	go func() {
		_, _ = io.WriteString(phone, clientHead+"<presence/>")
		b, _ := io.ReadAll(phone)
		heard <- string(b)
	}()
	if _, err := opening(r.client); err != nil {
		t.Fatal(err)
	}
	go func() {
		<-d.tried
		_, _ = io.WriteString(node, nodeHead+"<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
		node.Close()
	}()
	err := r.run()
	from.Close()
	to.Close()
	if got := <-heard; !strings.Contains(got, "<reset") || strings.Contains(got, condRemoteFailed) {
		t.Errorf("the client hears %s (%v)", got, err)
	}
}
