package traversal

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestStrangersAreBounded(t *testing.T) {
	for _, c := range []struct {
		name string
		at   func(edge *node) string
	}{
		{"SIP", func(edge *node) string { return edge.Addresses(zone)[0].String() }},
		{"SSH", func(edge *node) string { return fmt.Sprint("127.0.0.1:", edge.sshPort()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			edge, core := pair(t, nil, nil)
			flood(t, c.at(edge))
			if _, err := core.Conn(zone, 0, "x"); err != nil {
				t.Errorf("link suffered: %v", err)
			}
		})
	}
}

// flood opens idle connections and expects the surplus to be shut at once and
// the others when their time is up.
func flood(t *testing.T, at string) {
	var conns []net.Conn
	for range 3 * maxPerSource {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	start, early := time.Now(), 0
	for i := len(conns) - 1; i >= 0; i-- {
		conns[i].SetReadDeadline(start.Add(handshakeTime + 20*time.Second))
		if _, err := io.Copy(io.Discard, conns[i]); isTimeout(err) {
			t.Fatal("a stranger may stay for ever")
		}
		if time.Since(start) < handshakeTime/2 {
			early++
		}
	}
	if early < maxPerSource {
		t.Errorf("only %d of %d idle strangers were turned away at once", early, len(conns))
	}
}

func TestSSHTrustsOnlyTheGreetedKey(t *testing.T) {
	edge, core := pair(t, nil, nil)
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	user := edge.link(t).tunnel
	at := fmt.Sprint("127.0.0.1:", edge.sshPort())
	login := func(user string, key ed25519.PrivateKey) (*ssh.Client, error) {
		signer, _ := ssh.NewSignerFromKey(key)
		return ssh.Dial("tcp", at, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
			HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 5 * time.Second})
	}
	for name, try := range map[string]func() (*ssh.Client, error){
		"another key":  func() (*ssh.Client, error) { return login(user, stranger) },
		"another user": func() (*ssh.Client, error) { return login("root", core.cfg.HostKey) },
		"no user":      func() (*ssh.Client, error) { return login("", core.cfg.HostKey) },
	} {
		if c, err := try(); err == nil {
			c.Close()
			t.Errorf("%s got in", name)
		}
	}
	c, err := login(user, core.cfg.HostKey)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.NewSession(); err == nil {
		t.Error("got a shell session")
	}
	if _, err := c.Dial("tcp", "127.0.0.1:22"); err == nil {
		t.Error("got a forwarded connection")
	}
	if ln, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		ln.Close()
		t.Error("got a reverse forwarding")
	}
}
