package xmpp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// scramAuth is the first message of a SCRAM client.
func scramAuth(text string) string {
	return "<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-1'>" + base64.StdEncoding.EncodeToString([]byte(text)) + "</auth>"
}

// scramResponse is its second, with a wrong proof.
func scramResponse(nonce string) string {
	text := "c=biws,r=" + nonce + ",p=" + base64.StdEncoding.EncodeToString([]byte("wrong"))
	return "<response xmlns='" + nsSASL + "'>" + base64.StdEncoding.EncodeToString([]byte(text)) + "</response>"
}

// task reads a challenge up to its end.
func (p *peer) task() task {
	p.w.Helper()
	p.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	text := ""
	for b := make([]byte, 1); !strings.HasSuffix(text, "</challenge>"); text += string(b) {
		if _, err := p.conn.Read(b); err != nil {
			p.w.Fatalf("%q, %v", text, err)
		}
	}
	s := NewSplitter(strings.NewReader(head+text), 4096)
	s.Next()
	piece, _ := s.Next()
	t, ok := readTask(piece.Raw)
	if !ok {
		p.w.Fatalf("%q is no challenge", text)
	}
	return t
}

// A stranger learns by SCRAM no more than by PLAIN who has a login: who has none
// gets a challenge that looks like the node's and stays the same, and then the
// node's words.
func TestNoLoginBySCRAM(t *testing.T) {
	const offer = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>"
	const wrong = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>in the words of the node</text></failure>"
	var gone atomic.Bool
	w := build(t, impatient, func(c *ServerConfig) {
		c.Home = func(_ context.Context, _, user string) ([]string, error) {
			if user == "alice@example.com" && !gone.Load() {
				return nil, nil
			}
			return nil, errors.New("no session")
		}
	})
	n := w.node(false)
	client := w.secure()
	client.send(clientHead)
	inside := n.accept()
	inside.expect(clientHead)
	inside.send(nodeHead + offer)
	client.expect(nodeHead + offer)

	hello := func(user string) string { return scramAuth("n,,n=" + user + ",r=abc") }
	client.send(hello("alice"))
	inside.expect(hello("alice"))
	real := task{"abc0f3c-77aa", []byte("6b1e-99c0-0f0f"), 10000}
	inside.send(real.challenge())
	client.expect(real.challenge())
	client.send(scramResponse(real.nonce))
	inside.expect(scramResponse(real.nonce))
	inside.send(wrong)
	client.expect(wrong)

	ask := func(user string) task {
		client.send(hello(user))
		got := client.task()
		client.send(scramResponse(got.nonce))
		client.expect(wrong)
		return got
	}
	bob, again := ask("bob"), ask("bob")
	if string(bob.salt) != string(again.salt) || bob.nonce == again.nonce || bob.rounds != real.rounds {
		t.Errorf("bob is asked %+v, then %+v", bob, again)
	}
	if len(bob.salt) != len(real.salt) || bob.salt[4] != '-' || strings.Trim(string(bob.salt), "0123456789abcdef-") != "" || !strings.HasPrefix(bob.nonce, "abc") || len(bob.nonce) != len(real.nonce) {
		t.Errorf("%q and %q do not look like %q and %q", bob.salt, bob.nonce, real.salt, real.nonce)
	}
	gone.Store(true)
	if got := ask("alice"); string(got.salt) != string(real.salt) || got.rounds != real.rounds {
		t.Errorf("alice's login is over: she is asked %+v, and was %+v", got, real)
	}
	w.logged("chat login denied", "rule=login", "no session", "user=bob")
}

// What no client says is refused alike for those with a login and without.
func TestOddSCRAM(t *testing.T) {
	for name, c := range map[string]struct{ send, want string }{
		"no nonce":        {scramAuth("n,,n=%s"), "malformed-request"},
		"other identity":  {scramAuth("n,a=eve,n=%s,r=abc"), "malformed-request"},
		"not offered":     {strings.Replace(scramAuth("n,,n=%s,r=abc"), "SHA-1", "SHA-512", 1), "invalid-mechanism"},
		"channel binding": {scramAuth("p=tls-unique,,n=%s,r=abc"), "malformed-request"},
	} {
		for _, user := range []string{"alice", "bob"} {
			t.Run(name+" "+user, func(t *testing.T) {
				d, said := lone(user == "alice", "SCRAM-SHA-1")
				raw, _ := base64.StdEncoding.DecodeString(strings.TrimSuffix(c.send[strings.Index(c.send, ">")+1:], "</auth>"))
				text := base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf(string(raw), user)))
				again, err := d.auth(piece(t, c.send[:strings.Index(c.send, ">")+1]+text+"</auth>"))
				if !again || err != nil || !strings.Contains(said.String(), c.want) {
					t.Errorf("%q, %v, %v", said, again, err)
				}
			})
		}
	}
}

// A response that does not fit ends the stream, whoever was challenged.
func TestOddResponse(t *testing.T) {
	for _, text := range []string{"", "c=biws,r=other,p=eA==", "c=eSws,r=abcd,p=eA==", "c=biws,r=abcd,p=!", "c=biws,r=abcd"} {
		for _, decoy := range []bool{true, false} {
			d, _ := lone(true, "SCRAM-SHA-1")
			d.hello, d.task = hello{"n,,", "alice", "abc"}, &task{nonce: "abcd"}
			if decoy {
				d.decoy = &unwelcome{words: func() string { return saslFailure("not-authorized") }}
			}
			_, err := d.response(piece(t, "<response xmlns='"+nsSASL+"'>"+base64.StdEncoding.EncodeToString([]byte(text))+"</response>"))
			if f := asFault(err); f == nil || f.Condition != condPolicy {
				t.Errorf("%q, decoy %v: %v", text, decoy, err)
			}
		}
	}
}

// A challenge looks as it should before any node was heard, and is another for
// each user.
func TestFirstDecoy(t *testing.T) {
	d := decoys{key: func(of string) []byte { return []byte(of) }}
	h := hello{"n,,", "bob", "abc"}
	bob, eve := d.make("example.com", "bob", "SCRAM-SHA-1", h), d.make("example.com", "eve", "SCRAM-SHA-1", h)
	if len(bob.salt) != usualSalt || bob.rounds != usualRounds || string(bob.salt) == string(eve.salt) || len(bob.nonce) != len("abc")+len(usualSuffix) {
		t.Errorf("bob %+v, eve %+v", bob, eve)
	}
	for i := range maxDecoys + 10 {
		d.learn("example.com", fmt.Sprint(i), "SCRAM-SHA-1", h, bob)
	}
	if len(d.of) != maxDecoys {
		t.Errorf("%d users are remembered", len(d.of))
	}
}

// FuzzSCRAM: what is read is what was written, and nothing breaks.
func FuzzSCRAM(f *testing.F) {
	f.Add("n,,n=bob,r=abc", "r=abcd,s=c2FsdA==,i=4096")
	f.Add("y,,n=a=2Cb,r=", "r=,s=,i=")
	f.Fuzz(func(t *testing.T, first, second string) {
		if h, ok := readHello(first); ok && h.bind+"n="+h.user+",r="+h.nonce != first {
			t.Errorf("%q is read as %+v", first, h)
		}
		raw := "<challenge xmlns='" + nsSASL + "'>" + base64.StdEncoding.EncodeToString([]byte(second)) + "</challenge>"
		one, ok := readTask([]byte(raw))
		if !ok {
			return
		}
		if two, ok := readTask([]byte(one.challenge())); !ok || two.nonce != one.nonce || two.rounds != one.rounds || string(two.salt) != string(one.salt) {
			t.Errorf("%+v becomes %+v", one, two)
		}
	})
}

// lone is core's side of a dialogue with nobody, and what the client is told.
func lone(in bool, offers ...string) (*dialogue, *strings.Builder) {
	said := &strings.Builder{}
	d := &dialogue{domain: "example.com", failures: 9, offers: offers, toClient: &outlet{conn: sink{w: said}}}
	d.begin = func(string, string) error {
		if in {
			return nil
		}
		return &unwelcome{words: func() string { return saslFailure("not-authorized") }}
	}
	return d, said
}

// sink is a connection that is only written to.
type sink struct {
	net.Conn
	w *strings.Builder
}

func (s sink) Write(b []byte) (int, error)      { return s.w.Write(b) }
func (s sink) SetWriteDeadline(time.Time) error { return nil }

// piece reads one element of a stream.
func piece(t *testing.T, text string) Piece {
	t.Helper()
	s := NewSplitter(strings.NewReader(head+text), 4096)
	s.Next()
	p, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	return p
}
