package lab

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// ChatServer is a presence node: STARTTLS, PLAIN, and messages from one client
// to another. It keeps no roster and no history.
type ChatServer struct {
	Domain   string
	Accounts map[string]string
	TLS      *tls.Config

	l  net.Listener
	wg sync.WaitGroup

	mu    sync.Mutex // guards all below
	conns map[net.Conn]struct{}
	users map[string]*chatUser // by name; the last login counts
	seen  []ChatMessage
	tries int // logins, right and wrong
}

type chatUser struct {
	mu   sync.Mutex
	conn net.Conn
	jid  string
}

func (u *chatUser) say(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(u.conn, format, args...)
}

// Start listens; Close ends it.
func (s *ChatServer) Start(at netip.AddrPort) (err error) {
	s.conns, s.users = map[net.Conn]struct{}{}, map[string]*chatUser{}
	if s.l, err = net.Listen("tcp", at.String()); err != nil {
		return err
	}
	s.wg.Go(s.accept)
	return nil
}

// Addr is where the server listens.
func (s *ChatServer) Addr() netip.AddrPort { return netip.MustParseAddrPort(s.l.Addr().String()) }

// Seen lists the messages that came.
func (s *ChatServer) Seen() []ChatMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]ChatMessage(nil), s.seen...)
}

// Tries counts the logins that came, right and wrong.
func (s *ChatServer) Tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// Close ends the server and its streams.
func (s *ChatServer) Close() {
	if s.l == nil {
		return
	}
	s.l.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *ChatServer) accept() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = struct{}{}
		s.mu.Unlock()
		s.wg.Go(func() {
			s.serve(c)
			c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

// serve is one client's stream: before TLS, before the login, and after it.
func (s *ChatServer) serve(c net.Conn) {
	tlsNS, saslNS := "urn:ietf:params:xml:ns:xmpp-tls", "urn:ietf:params:xml:ns:xmpp-sasl"
	u := &chatUser{conn: c}
	d := s.begin(u, "<starttls xmlns='"+tlsNS+"'><required/></starttls>")
	if e := readElement(d); e == nil || e.XMLName.Local != "starttls" {
		return
	}
	u.say("<proceed xmlns='%s'/>", tlsNS)
	u.conn = tls.Server(c, s.TLS)
	d = s.begin(u, "<mechanisms xmlns='"+saslNS+"'><mechanism>EXTERNAL</mechanism><mechanism>PLAIN</mechanism></mechanisms>")
	user := ""
	for user == "" {
		e := readElement(d)
		if e == nil {
			return
		}
		s.mu.Lock()
		s.tries++
		s.mu.Unlock()
		if user = s.check(e); user == "" {
			u.say("<failure xmlns='%s'><not-authorized/></failure>", saslNS)
		}
	}
	u.say("<success xmlns='%s'/>", saslNS)
	u.jid = user + "@" + s.Domain + "/" + rand.Text()[:6]
	d = s.begin(u, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
	for {
		e := readElement(d)
		if e == nil {
			u.say("</stream:stream>")
			return
		}
		s.take(u, user, e)
	}
}

// begin reads a stream's header and answers with features.
func (s *ChatServer) begin(u *chatUser, features string) *xml.Decoder {
	d := xml.NewDecoder(u.conn)
	for {
		t, err := d.Token()
		if err != nil {
			return xml.NewDecoder(strings.NewReader("")) // the next read ends it
		}
		if _, ok := t.(xml.StartElement); ok {
			break
		}
	}
	u.say("<?xml version='1.0'?><stream:stream id='%s' from='%s' version='1.0' xmlns='jabber:client' "+
		"xmlns:stream='http://etherx.jabber.org/streams'><stream:features>%s</stream:features>", rand.Text(), s.Domain, features)
	return d
}

// readElement is the stream's next element; nil at its end.
func readElement(d *xml.Decoder) *element {
	for {
		t, err := d.Token()
		if err != nil {
			return nil
		}
		switch t := t.(type) {
		case xml.StartElement:
			var e element
			if d.DecodeElement(&e, &t) != nil {
				return nil
			}
			return &e
		case xml.EndElement:
			return nil
		}
	}
}

// check is whom a login proves; "" if nobody.
func (s *ChatServer) check(e *element) string {
	raw, _ := base64.StdEncoding.DecodeString(e.Text)
	part := strings.Split(string(raw), "\x00")
	if e.attr("mechanism") != "PLAIN" || len(part) != 3 || part[2] == "" || s.Accounts[part[1]] != part[2] {
		return ""
	}
	return part[1]
}

func (s *ChatServer) take(u *chatUser, user string, e *element) {
	switch e.XMLName.Local {
	case "iq":
		s.mu.Lock()
		s.users[user] = u
		s.mu.Unlock()
		u.say("<iq type='result' id='%s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s</jid></bind></iq>", e.attr("id"), u.jid)
	case "message":
		body := e.child("body")
		if body == nil {
			return
		}
		to, _, _ := strings.Cut(e.attr("to"), "@")
		s.mu.Lock()
		far := s.users[to]
		s.seen = append(s.seen, ChatMessage{u.jid, body.Text})
		s.mu.Unlock()
		if far != nil {
			var b strings.Builder
			_ = xml.EscapeText(&b, []byte(body.Text)) // a strings.Builder takes everything
			far.say("<message type='chat' from='%s' to='%s'><body>%s</body></message>", u.jid, far.jid, b.String())
		}
	}
}
