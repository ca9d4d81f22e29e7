package lab

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ChatConfig describes a chat client outside.
type ChatConfig struct {
	Server     netip.AddrPort
	ServerName string // in the server's certificate; Domain if empty
	CA         []byte
	Local      netip.Addr // to come from; any if invalid

	Domain, User, Password string
	Mechanism              string // the best one offered if empty
	Resume                 *Resumption
}

// Resumption is what a client keeps of a stream that it lost (XEP-0198).
type Resumption struct {
	ID string
	In int // stanzas received
}

// Chat is a chat client that has logged in.
type Chat struct {
	JID        string   // full
	Mechanisms []string // that were offered
	Mechanism  string   // that was used
	Resumed    bool
	Resumption *Resumption // nil if the server offers none

	cfg  ChatConfig
	conn net.Conn
	dec  *xml.Decoder
}

// ChatMessage is one that was received.
type ChatMessage struct{ From, Body string }

// ChatError is a stream's end with a condition.
type ChatError struct{ Condition string }

func (e *ChatError) Error() string { return "stream error " + e.Condition }

// element is anything of a stream.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e *element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (e *element) child(name string) *element {
	for i := range e.Children {
		if e.Children[i].XMLName.Local == name {
			return &e.Children[i]
		}
	}
	return nil
}

// DialChat connects, logs in and binds or resumes. ctx bounds that only.
func DialChat(ctx context.Context, cfg ChatConfig) (*Chat, error) {
	setDefault(&cfg.ServerName, cfg.Domain)
	var d net.Dialer
	if cfg.Local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(cfg.Local, 0))
	}
	conn, err := d.DialContext(ctx, "tcp", cfg.Server.String())
	if err != nil {
		return nil, err
	}
	c := &Chat{cfg: cfg, conn: conn}
	if until, ok := ctx.Deadline(); ok {
		conn.SetDeadline(until)
	}
	for _, step := range []func() error{c.startTLS, c.login, c.enter} {
		if err := step(); err != nil {
			c.conn.Close()
			return nil, err
		}
	}
	conn.SetDeadline(time.Time{})
	return c, nil
}

// open begins a stream and reads its features.
func (c *Chat) open() (*element, error) {
	c.dec = xml.NewDecoder(c.conn)
	err := c.Raw("<?xml version='1.0'?><stream:stream to='" + c.cfg.Domain +
		"' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
	if err != nil {
		return nil, err
	}
	for {
		t, err := c.dec.Token()
		if err != nil {
			return nil, err
		}
		if s, ok := t.(xml.StartElement); ok {
			if s.Name.Local != "stream" {
				return nil, fmt.Errorf("the server begins with <%s>", s.Name.Local)
			}
			break
		}
	}
	return c.want("features")
}

// next reads one element.
func (c *Chat) next() (*element, error) {
	for {
		t, err := c.dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			var e element
			if err := c.dec.DecodeElement(&e, &t); err != nil {
				return nil, err
			}
			if e.XMLName.Local == "error" && strings.HasSuffix(e.XMLName.Space, "streams") && len(e.Children) > 0 {
				return nil, &ChatError{e.Children[0].XMLName.Local}
			}
			return &e, nil
		case xml.EndElement:
			return nil, io.EOF
		}
	}
}

func (c *Chat) want(name string) (*element, error) {
	e, err := c.next()
	if err != nil {
		return nil, err
	}
	if e.XMLName.Local != name {
		return nil, fmt.Errorf("got <%s>, want <%s>", e.XMLName.Local, name)
	}
	return e, nil
}

func (c *Chat) startTLS() error {
	f, err := c.open()
	if err != nil {
		return err
	}
	if f.child("starttls") == nil {
		return errors.New("the server offers no STARTTLS")
	}
	if err := c.Raw("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"); err != nil {
		return err
	}
	if _, err := c.want("proceed"); err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.cfg.CA)
	secure := tls.Client(c.conn, &tls.Config{ServerName: c.cfg.ServerName, RootCAs: roots})
	c.conn = secure
	return secure.Handshake()
}

func (c *Chat) login() error {
	f, err := c.open()
	if err != nil {
		return err
	}
	if m := f.child("mechanisms"); m != nil {
		for _, e := range m.Children {
			c.Mechanisms = append(c.Mechanisms, strings.TrimSpace(e.Text))
		}
	}
	for _, m := range []string{c.cfg.Mechanism, "SCRAM-SHA-1", "PLAIN"} {
		if slices.Contains(c.Mechanisms, m) {
			c.Mechanism = m
			break
		}
	}
	switch c.Mechanism {
	case "PLAIN":
		err = c.auth([]byte("\x00" + c.cfg.User + "\x00" + c.cfg.Password))
		if err == nil {
			_, err = c.want("success")
		}
	case "SCRAM-SHA-1":
		err = c.scram()
	default:
		err = fmt.Errorf("no mechanism fits of %v", c.Mechanisms)
	}
	return err
}

func (c *Chat) auth(initial []byte) error {
	return c.Raw("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + c.Mechanism + "'>" +
		base64.StdEncoding.EncodeToString(initial) + "</auth>")
}

// scram is RFC 5802 without channel binding.
func (c *Chat) scram() error {
	first := "n=" + c.cfg.User + ",r=" + rand.Text()
	if err := c.auth([]byte("n,," + first)); err != nil {
		return err
	}
	e, err := c.want("challenge")
	if err != nil {
		return err
	}
	challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(e.Text))
	if err != nil {
		return err
	}
	part := map[byte]string{}
	for _, p := range strings.Split(string(challenge), ",") {
		if len(p) > 2 {
			part[p[0]] = p[2:]
		}
	}
	salt, err := base64.StdEncoding.DecodeString(part['s'])
	if err != nil {
		return err
	}
	rounds, err := strconv.Atoi(part['i'])
	if err != nil {
		return err
	}
	salted, err := pbkdf2.Key(sha1.New, c.cfg.Password, salt, rounds, sha1.Size)
	if err != nil {
		return err
	}
	final := "c=biws,r=" + part['r']
	all := first + "," + string(challenge) + "," + final
	key := mac(salted, "Client Key")
	stored := sha1.Sum(key)
	proof := mac(stored[:], all)
	for i := range proof {
		proof[i] ^= key[i]
	}
	answer := final + ",p=" + base64.StdEncoding.EncodeToString(proof)
	err = c.Raw("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + base64.StdEncoding.EncodeToString([]byte(answer)) + "</response>")
	if err != nil {
		return err
	}
	if e, err = c.want("success"); err != nil {
		return err
	}
	want := "v=" + base64.StdEncoding.EncodeToString(mac(mac(salted, "Server Key"), all))
	if got, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(e.Text)); string(got) != want {
		return errors.New("the server does not know the password")
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha1.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// enter resumes a stream, or binds and makes the client present.
func (c *Chat) enter() error {
	f, err := c.open()
	if err != nil {
		return err
	}
	if r := c.cfg.Resume; r != nil {
		return c.resume(*r)
	}
	if err := c.Raw("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"); err != nil {
		return err
	}
	e, err := c.want("iq")
	if err != nil {
		return err
	}
	if b := e.child("bind"); b != nil && b.child("jid") != nil {
		c.JID = b.child("jid").Text
	}
	if c.JID == "" {
		return errors.New("the server binds nothing")
	}
	if f.child("sm") != nil {
		if err := c.Raw("<enable xmlns='urn:xmpp:sm:3' resume='true'/>"); err != nil {
			return err
		}
		if e, err = c.want("enabled"); err != nil {
			return err
		}
		c.Resumption = &Resumption{ID: e.attr("id")}
	}
	return c.Raw("<presence/>")
}

func (c *Chat) resume(r Resumption) error {
	if err := c.Raw(fmt.Sprintf("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%d'/>", r.ID, r.In)); err != nil {
		return err
	}
	if _, err := c.want("resumed"); err != nil {
		return err
	}
	c.Resumed, c.Resumption = true, &r
	return nil
}

// Raw sends text as it is.
func (c *Chat) Raw(text string) error {
	_, err := io.WriteString(c.conn, text)
	return err
}

// Send says something to somebody.
func (c *Chat) Send(to, body string) error {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(body)); err != nil {
		return err
	}
	return c.Raw("<message type='chat' to='" + to + "'><body>" + b.String() + "</body></message>")
}

// Receive waits for a message. Presence is passed over, pings are answered.
func (c *Chat) Receive(ctx context.Context) (ChatMessage, error) {
	if until, ok := ctx.Deadline(); ok {
		c.conn.SetReadDeadline(until)
	}
	for {
		e, err := c.next()
		if err != nil {
			return ChatMessage{}, err
		}
		switch name := e.XMLName.Local; name {
		case "message", "presence", "iq":
			if c.Resumption != nil {
				c.Resumption.In++
			}
			if body := e.child("body"); name == "message" && body != nil {
				return ChatMessage{e.attr("from"), body.Text}, nil
			}
		case "r":
			if c.Resumption != nil {
				if err := c.Raw(fmt.Sprintf("<a xmlns='urn:xmpp:sm:3' h='%d'/>", c.Resumption.In)); err != nil {
					return ChatMessage{}, err
				}
			}
		}
	}
}

// Drop loses the connection without a word.
func (c *Chat) Drop() error {
	if secure, ok := c.conn.(*tls.Conn); ok {
		return secure.NetConn().Close()
	}
	return c.conn.Close()
}

// Close says goodbye and waits a moment for the answer.
func (c *Chat) Close() error {
	err := c.Raw("</stream:stream>")
	c.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	for err == nil {
		_, err = c.next()
	}
	return c.conn.Close()
}
