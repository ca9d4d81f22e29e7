package pair

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/test/conform"
	"sallyport/test/lab"
)

// TestTorture sends the messages of RFC 4475 and RFC 5118 to edge three ways:
// as a stranger does, over the connection of a registered phone, and made fit
// to pass, so that they go through both nodes to call control. Edge answers as
// the table says, keeps serving, and tells nobody about the inside.
func TestTorture(t *testing.T) {
	s := open(t, Config{World: registrar(func(c *lab.RegistrarConfig) {
		c.Hook = func(m *lab.Message) (int, string) {
			if m.Get("X-Torture") != "" && m.Method() != "ACK" {
				return 480, "Tortured"
			}
			return 0, ""
		}
	})})
	cases, err := conform.Torture()
	if err != nil {
		t.Fatal(err)
	}
	more, err := conform.IPv6()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	s.odd = true // what is repeated in answers is as odd as it came
	alice := s.registered(ctx, t, "alice")
	for _, c := range slices.Concat(cases, more) {
		t.Run(c.Name, func(t *testing.T) {
			s.T = t
			s.byStranger(ctx, t, c)
			s.byPhone(ctx, t, c, alice)
			s.adapted(ctx, t, c, alice)
		})
	}
	s.T = t
}

// registered is a phone that has registered.
func (s *stage) registered(ctx context.Context, t *testing.T, name string, change ...func(*lab.PhoneConfig)) *lab.Phone {
	t.Helper()
	tone := map[string]float64{"alice": 440, "bob": 660, "dave": 1200}[user(name)]
	p, err := s.pair.Phone(user(name), tone, change...)
	if err != nil {
		t.Fatal(err)
	}
	s.phones[name] = p
	if err = p.Start(ctx); err == nil {
		err = p.Register(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// byStranger sends a message and then one of which the answer is known: what
// comes before that is the answer to the message. A message that claims more
// bytes than it has swallows the second; then there must be silence.
func (s *stage) byStranger(ctx context.Context, t *testing.T, c conform.Case) {
	t.Helper()
	conf, err := s.clientTLS()
	if err != nil {
		t.Fatal(err)
	}
	x, err := lab.NewStranger(ctx, netip.AddrPortFrom(s.pair.Outer, 5061), conf, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	marker := x.Forge("OPTIONS", "sip:example.com", "sip:mallory@example.com", "sip:example.com")
	x.Send(c.Bytes)
	x.Send(marker.Bytes()) // fails where edge has hung up
	within := stepTime
	if c.Name == "clerr" {
		within = 500 * time.Millisecond // it swallows the marker
	}
	var got []int
	for {
		m, err := x.Receive(within)
		if err != nil {
			break // hung up, or silence
		}
		s.noLeak("a stranger", m)
		if m.Get("Call-ID") == marker.Get("Call-ID") {
			break
		}
		if m.Status() >= 200 {
			got = append(got, m.Status())
		}
	}
	want := []int{c.Gate}
	switch {
	case c.Final == conform.Dropped:
		want = nil
	case c.Gate == 0:
		want = []int{403, c.Final} // nobody is let in without a binding
	}
	switch {
	case c.Name == "clerr" && len(got) == 0:
		return // a stream goes on until the length is there
	case c.Name == "inv2543":
		want = []int{400} // a stream needs the length that this one lacks (RFC 3261 18.3)
	case c.Final == conform.Forwarded && bytes.HasPrefix(c.Bytes, []byte("REGISTER ")) && len(got) == 0:
		return // on its way to call control
	case c.Final == conform.Forwarded:
		want = append(want, 404) // call control does not know him
	}
	if len(got) == 0 && len(want) > 0 || len(got) > 0 && !slices.Contains(want, got[0]) {
		t.Errorf("to a stranger: got %v, want one of %v (%s)", got, want, c.About)
	}
}

// byPhone sends a message over a registered connection, which must serve
// afterwards, or be there anew when the phone comes back.
func (s *stage) byPhone(ctx context.Context, t *testing.T, c conform.Case, p *lab.Phone) {
	t.Helper()
	if c.Name == "clerr" {
		return // it would swallow what comes next
	}
	if err := p.SendRaw(c.Bytes); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	_, err := p.Options(ctx, "sip:example.com")
	if err == nil {
		return
	}
	t.Logf("edge hung up: %v", err)
	p.DropConnection()
	err = poll(ctx, func() error { return errors.Join(p.Connect(ctx), p.Register(ctx)) })
	if err != nil {
		t.Errorf("edge does not serve any more: %v", err)
	}
}

// itsUser is the user part of the address in a Contact.
var itsUser = regexp.MustCompile(`(?i)(sips?):[^@<>"]*@`)

// ownContacts puts a registered user into odd Contacts, so that they may pass;
// what has no user is replaced whole.
func ownContacts(m *lab.Message, name string) {
	var all []string
	for _, c := range m.All("Contact") {
		if !itsUser.MatchString(c) {
			c = "<sip:" + name + "@192.0.2.9>"
		}
		all = append(all, itsUser.ReplaceAllString(c, "${1}:"+name+"@"))
	}
	m.SetAll("Contact", all)
}

// adapted sends the message with the phone's own From and user in Contact to
// somebody who exists.
func (s *stage) adapted(ctx context.Context, t *testing.T, c conform.Case, p *lab.Phone) {
	t.Helper()
	m, err := lab.ParseMessage(c.Bytes)
	if err != nil || c.Gate != 0 || c.Final == conform.Dropped || m.Method() == "REGISTER" || m.Method() == "ACK" {
		return
	}
	if n := strings.Index(string(m.Body), "REGISTER "); n >= 0 {
		m.Body = m.Body[:n] // the second request of the datagram was sent before
	}
	m.SetURI("sip:carol@example.com")
	m.SetAll("Via", nil)
	m.Set("From", "<sip:alice@example.com>;tag=torture").Set("To", "<sip:carol@example.com>").Set("X-Torture", c.Name)
	m.Set("Call-ID", "torture-"+c.Name)
	m.SetAll("Route", nil)
	ownContacts(m, "alice")
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	resp, err := p.Exchange(ctx, m)
	if err != nil {
		t.Fatalf("adapted: %v", err)
	}
	want := []int{480, 488} // call control's answer; media without keys is refused before
	if c.Final > 0 {
		want = []int{c.Final}
	}
	if !slices.Contains(want, resp.Status()) {
		t.Errorf("adapted: got %s, want %v (%s)", resp.Start, want, c.About)
	}
}
