package pair

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"sallyport/appliance/trust"
	"sallyport/test/lab"
)

// TestTrunkAdmits has core ask the peer of a trunk for an access token:
//
//	desk at far.example ── TLS, Bearer ──▶ core ── UDP ──▶ room
//	                                        └── keys ──▶ issuer
//
// The peer is configured by its name. Without a token, and with one that is not
// for core, it is asked with 407; what it begins with a good one goes on without
// it, and the rest of the call asks for none.
func TestTrunkAdmits(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	p := s.pair
	s.nameServer("far.example. 60 IN A " + p.at("2.60"))
	issuer := s.newTokenKeys()
	zone := `xConfiguration Zones Zone 22 Neighbor SIP OAuth Incoming `
	lines := append(p.TrunkLines(),
		`xConfiguration DNS Server 1 Address: "`+p.at("2.53")+`"`,
		`xConfiguration Zones Zone 22 Name: "Far"`,
		`xConfiguration Zones Zone 22 Type: Neighbor`,
		`xConfiguration Zones Zone 22 Neighbor Peer 1 Address: "far.example"`,
		`xConfiguration Zones Zone 22 Neighbor Monitor: No`,
	)
	if err := tell(p, lines); err != nil {
		t.Fatal(err)
	}
	room, err := p.RoomPhone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(room.Close)
	desk, err := lab.NewPhone(lab.PhoneConfig{User: "desk", Domain: "far.example", Server: netip.AddrPortFrom(netip.MustParseAddr(p.CoreAddr()), 5061),
		ServerName: CoreName, CA: p.CA, Local: netip.MustParseAddr(p.at("2.60")), Tone: 990})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(desk.Close)
	for _, step := range []func(context.Context) error{room.Start, room.Register, desk.Start} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	works := func() {
		t.Helper()
		call, err := desk.Call(ctx, "sip:"+lab.RoomUser+"@"+lab.RoomDomain)
		if err != nil {
			t.Fatalf("%v\n%s", err, s.tail(0))
		}
		<-room.Incoming()
		if stats, err := call.AwaitMedia(ctx, lab.RoomTone, 25); err != nil {
			t.Errorf("desk hears %s: %v", stats, err)
		}
		for _, step := range []func(context.Context) error{call.Hold, call.Resume, call.Hangup} {
			if err := step(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	fails := func(status int, want ...string) {
		t.Helper()
		_, err := desk.Call(ctx, "sip:"+lab.RoomUser+"@"+lab.RoomDomain)
		var refused *lab.StatusError
		if !errors.As(err, &refused) || refused.Status != status {
			t.Fatalf("%v, want %d", err, status)
		}
		got := desk.Received()
		for _, text := range want {
			if last := string(got[len(got)-1].Raw); !strings.Contains(last, text) {
				t.Errorf("the answer lacks %s:\n%s", text, last)
			}
		}
	}
	if err := poll(ctx, func() error { // the peer's name has been looked up
		call, err := desk.Call(ctx, "sip:"+lab.RoomUser+"@"+lab.RoomDomain)
		if err == nil {
			<-room.Incoming()
			err = call.Hangup(ctx)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}

	if got := s.shell(ctx, "core", zone+`Mode: On`); !strings.Contains(got, "need Issuer, Audience") {
		t.Errorf("nobody could judge the tokens: %s", got)
	}
	line := strings.ReplaceAll(zone, "Zone 22", "Zone 2")
	for _, row := range []string{`Issuer: "https://idp.example.com"`, `Audience: "sip:core"`, `KeysURL: "` + issuer.url + `"`} {
		if err := tell(p, []string{line + row}); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.shell(ctx, "core", line+`Mode: On`); !strings.Contains(got, "phones register there") {
		t.Errorf("the line side would take no calls: %s", got)
	}
	for _, row := range []string{`Issuer: "https://idp.example.com"`, `Audience: "sip:core"`, `Scope: "call"`, `KeysURL: "` + issuer.url + `"`, `Mode: On`} {
		if err := tell(p, []string{zone + row}); err != nil {
			t.Fatal(err)
		}
	}
	fails(407, `Proxy-Authenticate: Bearer realm="core.example.com", authz_server="https://idp.example.com", scope="call"`)
	now := time.Now().Unix()
	for want, change := range map[string]map[string]any{
		`error="invalid_token", error_description="token has expired"`:             {"exp": now - 60},
		`error="invalid_token", error_description="token is for somebody else"`:    {"aud": "sip:other"},
		`error="insufficient_scope"`:                                               {"scope": "text"},
		`error_description="token's issuer is not the owner of its key"`:           {"iss": "https://idp.example.org"},
		`error="invalid_token", error_description="token's signature does not fit`: nil,
	} {
		token := issuer.token(t, change)
		if change == nil {
			token = token[:len(token)-10] + "AAAAAAAAAA"
		}
		desk.SetToken(token)
		fails(407, want)
	}
	good := issuer.token(t, map[string]any{})
	desk.SetToken(good)
	works()
	for _, c := range room.Received() {
		if strings.Contains(string(c.Raw), "Bearer") {
			t.Errorf("the token went on to the room:\n%s", c.Raw)
		}
	}
	if text := s.tail(0); strings.Contains(text, good) || !strings.Contains(text, `rule="Neighbor SIP OAuth Incoming"`) {
		t.Error("the log holds the token, or not the rule")
	}
	if err := tell(p, []string{`xConfiguration Zones Zone 22 Name: "Farther"`}); err != nil {
		t.Fatal(err)
	}
	works() // its connection is of the zone by its new name
	if err := tell(p, []string{zone + `Mode: Off`}); err != nil {
		t.Fatal(err)
	}
	desk.SetToken("")
	works()
}

// tokenKeys is an issuer of tokens that shows its keys.
type tokenKeys struct {
	key *ecdsa.PrivateKey
	url string
}

func (s *stage) newTokenKeys() *tokenKeys {
	s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	at := s.pair.at("2.62")
	cert, private, err := s.pair.ca.Issue(trust.IssueOptions{Names: []string{"idp.example.com"}, IPs: []string{at}, Server: true})
	if err != nil {
		s.Fatal(err)
	}
	conf, err := lab.ServerTLS(cert, private)
	if err != nil {
		s.Fatal(err)
	}
	ln, err := net.Listen("tcp", at+":8443")
	if err != nil {
		s.Fatal(err)
	}
	web := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Use: "sig"}}})
	})}
	done := make(chan struct{})
	go func() { defer close(done); web.Serve(tls.NewListener(ln, conf)) }()
	s.Cleanup(func() { web.Close(); <-done })
	return &tokenKeys{key, "https://" + ln.Addr().String() + "/keys"}
}

// token is one for core, but for what is changed.
func (k *tokenKeys) token(t *testing.T, change map[string]any) string {
	t.Helper()
	claims := map[string]any{"iss": "https://idp.example.com", "aud": "sip:core", "exp": time.Now().Unix() + 300, "scope": "call"}
	for name, value := range change {
		claims[name] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: k.key, KeyID: "k1"}}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
