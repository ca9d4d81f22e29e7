package traversal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sallyport/appliance/sip"
)

// Each TLS connection of a link starts with one OPTIONS from core and its
// answer from edge, before anything else:
//
//	core: OPTIONS sip:link@edge   body: greeting, signature in a header field
//	edge: 200 OK                  body: greeting, signature in a header field
//
// The signature is made with the node's own key over the body and a secret of
// this very TLS connection (RFC 5705), so it proves possession of the key that
// the SSH side will use and cannot be carried to another connection.
const (
	linkVersion     = 1
	greetingType    = "application/x-sallyport-link+json"
	signatureHeader = "X-Sallyport-Link-Signature"
	maxGreeting     = 8 << 10
	exporterLabel   = "EXPORTER-sallyport-link"
)

// greeting is what a node says of itself. Unknown members are ignored, so that
// a later version may add some.
type greeting struct {
	Version  int       `json:"version"`
	Node     string    `json:"node"`
	Instance string    `json:"instance"` // changes with each start
	Time     time.Time `json:"time"`
	Key      []byte    `json:"key"`              // Ed25519, public
	Ping     int       `json:"ping"`             // seconds after which a quiet end pings
	Slot     int       `json:"slot"`             // core: which of the link's connections
	Path     string    `json:"path,omitempty"`   // core: the address it dialled
	Tunnel   string    `json:"tunnel,omitempty"` // edge: user name for SSH
	SSH      int       `json:"ssh,omitempty"`    // edge: port for SSH
}

var errGreeting = errors.New("the peer's greeting makes no sense")

// check bounds what a peer may say of itself.
func (g *greeting) check() error {
	switch {
	case g.Version != linkVersion:
		return fmt.Errorf("the peer speaks link version %d, this node %d: bring both to the same release", g.Version, linkVersion)
	case len(g.Key) != ed25519.PublicKeySize, g.Slot < 0 || g.Slot >= sipConns, g.SSH < 0 || g.SSH > 65535,
		len(g.Node) > 255, len(g.Instance) > 64, len(g.Path) > 300, len(g.Tunnel) > 64, g.Ping < 0 || g.Ping > 3600:
		return errGreeting
	}
	return nil
}

func (g *greeting) id() PeerID {
	sum := sha256.Sum256(g.Key)
	return PeerID(binary.BigEndian.Uint64(sum[:8]) | 1) // never zero
}

func (l *Links) greet(slot int, path string) *greeting {
	return &greeting{
		Version: linkVersion, Node: l.node(), Instance: l.instance, Time: l.cfg.Clock(),
		Key: l.cfg.HostKey.Public().(ed25519.PublicKey), Ping: int(l.cfg.Ping.Quiet.Round(time.Second) / time.Second), Slot: slot, Path: path,
	}
}

func (l *Links) node() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.plan.Node
}

// seal makes body and signature of a greeting.
func (l *Links) seal(cs *tls.ConnectionState, role string, g *greeting) (body []byte, signature string, err error) {
	body, err = json.Marshal(g)
	if err != nil {
		return nil, "", err
	}
	text, err := signedText(cs, role, body)
	return body, base64.StdEncoding.EncodeToString(ed25519.Sign(l.cfg.HostKey, text)), err
}

// unseal reads a greeting and believes it only if its key signed it for this
// connection.
func unseal(cs *tls.ConnectionState, role string, m *sip.Message) (*greeting, error) {
	g, err := parseGreeting(m)
	if err != nil {
		return nil, err
	}
	sig, err := base64.StdEncoding.DecodeString(m.Get(signatureHeader))
	if err != nil {
		return nil, errGreeting
	}
	text, err := signedText(cs, role, m.Body())
	if err != nil {
		return nil, err
	}
	if !ed25519.Verify(g.Key, text, sig) {
		return nil, errors.New("the peer's greeting is not signed with the key it names")
	}
	return g, nil
}

func parseGreeting(m *sip.Message) (*greeting, error) {
	if !strings.EqualFold(m.ContentType(), greetingType) {
		return nil, errGreeting
	}
	var g greeting
	if err := json.Unmarshal(m.Body(), &g); err != nil {
		return nil, errGreeting
	}
	g.Node, g.Path = printable(g.Node), printable(g.Path)
	return &g, g.check()
}

// printable makes a peer's words fit for logs and terminals.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// signedText differs by role, so that neither end's words can be played back
// to it.
func signedText(cs *tls.ConnectionState, role string, body []byte) ([]byte, error) {
	secret, err := cs.ExportKeyingMaterial(exporterLabel, nil, 32)
	if err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return bytes.Join([][]byte{[]byte("sallyport link"), []byte(role), secret, body}, []byte{0}), nil
}

// request wraps core's greeting into an OPTIONS.
func (l *Links) request(host, sentBy string, body []byte, signature string) *sip.Message {
	token := hex.EncodeToString(l.random(12))
	m := sip.NewRequest("OPTIONS", "sip:link@"+host)
	m.Add("Via", "SIP/2.0/TLS "+sentBy+";branch=z9hG4bK"+token)
	m.Add("From", "<sip:link@"+sentBy+">;tag="+token[:8])
	m.Add("To", "<sip:link@"+host+">")
	m.Add("Call-ID", token)
	m.Add("CSeq", "1 OPTIONS")
	m.SetMaxForwards(0)
	m.Set(signatureHeader, signature)
	m.SetBody(greetingType, body)
	return m
}

// readGreeting takes the one message that is due now.
func readGreeting(f *framer) (*sip.Message, error) {
	b, err := f.next()
	if err != nil {
		return nil, err
	}
	m, fault := sip.Parse(b)
	if fault != nil {
		return nil, fault
	}
	return m, nil
}
