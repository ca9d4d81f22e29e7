package lab

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDigest(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, func(c *RegistrarConfig) { c.ChallengeCalls, c.NonceLife = true, time.Second/2 }), testContext(t)
	alice := outside(t, w, "alice", nil)
	b := outside(t, w, "bob", func(c *PhoneConfig) { bob(c); c.AutoAnswer = true })
	call, err := alice.Call(ctx, "bob")
	must(t, err)
	talk(t, ctx, call, 660, next(t, ctx, b.Incoming()), 440)
	must(t, call.Hangup(ctx))
	stale := func() bool {
		return slices.ContainsFunc(alice.Received(), func(c Capture) bool { return strings.Contains(string(c.Raw), "stale=TRUE") })
	}
	for !stale() { // the nonce grows old, and is said to be
		must(t, alice.Register(ctx))
	}

	wrong, err := NewPhone(PhoneConfig{User: "dave", Password: "guess", Domain: w.Domain, Server: w.Registrar.Addr("TLS"),
		CA: w.CA, Local: netip.MustParseAddr("127.77.9.1")})
	must(t, err)
	t.Cleanup(wrong.Close)
	must(t, wrong.Start(ctx))
	wantErr := wrong.Register(ctx)
	wantStatus(t, wantErr, 401)
}

func TestStrangerIsRefused(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, func(c *RegistrarConfig) { c.ChallengeCalls = true }), testContext(t)
	conf, err := ClientTLS(w.CA, w.Domain, nil)
	must(t, err)
	s, err := NewStranger(ctx, w.Registrar.Addr("TLS"), conf, netip.Addr{})
	must(t, err)
	defer s.Close()
	invite := s.Forge("INVITE", "sip:carol@"+w.Domain, "sip:alice@"+w.Domain, "sip:carol@"+w.Domain)
	must(t, s.Send(invite.Bytes()))
	m, err := s.Final(20 * time.Second)
	must(t, err)
	if m.Status() != 407 {
		t.Errorf("got %s, want 407", m.Start)
	}
	must(t, s.Drip(ctx, []byte("\r\n\r\n"), time.Millisecond))
}

// A REGISTER with Path as core would send it, in each of the registrar's modes.
func TestPathModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode      PathMode
		supported string
		path      string
		contact   string
		want      int
		inAnswer  bool
		routed    bool
	}{
		{PathOff, "path", "<sip:c1.tok@127.77.1.30;lr;ob>", "", 200, false, false},
		{PathLazy, "", "<sip:c1.tok@127.77.1.30;lr>", "", 200, false, true},
		{PathLazy, "path", "<sip:c1.tok@127.77.1.30;lr>", "", 200, true, true},
		{PathStrict, "", "<sip:c1.tok@127.77.1.30;lr>", "", 420, false, false},
		{PathStrict, "path", "<sip:c1.tok@127.77.1.30;lr>", "", 200, true, true},
		{PathOutbound, "path, outbound", "<sip:c1.tok@127.77.1.30;lr>", `;reg-id=1;+sip.instance="<urn:uuid:1>"`, 439, false, false},
		{PathOutbound, "path, outbound", "<sip:c1.tok@127.77.1.30;lr;ob>", `;reg-id=1;+sip.instance="<urn:uuid:1>"`, 200, true, true},
	} {
		t.Run(fmt.Sprint(tt.mode, tt.supported, tt.want), func(t *testing.T) {
			w, ctx := newTestWorld(t, func(c *RegistrarConfig) { c.Path, c.Open = tt.mode, true }), testContext(t)
			s, err := NewStranger(ctx, w.Registrar.Addr("TCP"), nil, netip.Addr{})
			must(t, err)
			defer s.Close()
			m := s.Forge("REGISTER", "sip:"+w.Domain, "sip:alice@"+w.Domain, "sip:alice@"+w.Domain)
			m.Set("Contact", "<sip:alice@192.0.2.7:5000;transport=tls>"+tt.contact).Add("Path", tt.path).Add("Supported", tt.supported)
			must(t, s.Send(m.Bytes()))
			resp, err := s.Final(20 * time.Second)
			must(t, err)
			if resp.Status() != tt.want || resp.Get("Path") != "" != tt.inAnswer {
				t.Fatalf("got %s with Path %q, want %d", resp.Start, resp.Get("Path"), tt.want)
			}
			if b := w.Registrar.Bindings("alice"); len(b) == 1 && len(b[0].Path) > 0 != tt.routed {
				t.Errorf("kept Path %q, want %v", b[0].Path, tt.routed)
			}
		})
	}
}

func TestOutboundFlowsOfOneDevice(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, func(c *RegistrarConfig) { c.Path = PathOutbound }), testContext(t)
	twice := func(c *PhoneConfig) { bob(c); c.Outbound, c.Instance, c.AutoAnswer = true, "<urn:uuid:7>", true }
	first := outside(t, w, "bob", twice)
	second := outside(t, w, "bob", func(c *PhoneConfig) { twice(c); c.RegID = 2 })
	if got := len(w.Registrar.Bindings("bob")); got != 2 {
		t.Fatalf("%d bindings, want 2", got)
	}
	alice := outside(t, w, "alice", nil)
	call, err := alice.Call(ctx, "bob")
	must(t, err)
	next(t, ctx, second.Incoming())
	must(t, call.Hangup(ctx))
	second.Close() // the newest flow is dead: the older one is tried
	call, err = alice.Call(ctx, "bob")
	must(t, err)
	talk(t, ctx, call, 660, next(t, ctx, first.Incoming()), 440)
	must(t, call.Hangup(ctx))
}

func TestWithoutRecordRoute(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, func(c *RegistrarConfig) { c.NoRecordRoute = true }), testContext(t)
	inside, err := w.InsidePhone("dave", 1000)
	must(t, err)
	t.Cleanup(inside.Close)
	must(t, inside.Start(ctx))
	must(t, inside.Register(ctx))
	call, err := inside.Call(ctx, "carol")
	must(t, err)
	far := next(t, ctx, w.Carol.Incoming())
	if got := call.Route(); len(got) != 0 {
		t.Errorf("route %q, want none", got)
	}
	talk(t, ctx, call, CarolTone, far, 1000)
	must(t, call.Hangup(ctx))
}

func TestCallOverIPv6(t *testing.T) {
	t.Parallel()
	if c, err := net.ListenPacket("udp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here")
	} else {
		c.Close()
	}
	w, ctx := newTestWorld(t, func(c *RegistrarConfig) { c.TLS = netip.MustParseAddrPort("[::1]:0") }), testContext(t)
	six := func(c *PhoneConfig) { c.Local = netip.IPv6Loopback() }
	alice := outside(t, w, "alice", six)
	b := outside(t, w, "bob", func(c *PhoneConfig) { bob(c); six(c); c.AutoAnswer = true })
	call, err := alice.Call(ctx, "bob")
	must(t, err)
	talk(t, ctx, call, 660, next(t, ctx, b.Incoming()), 440)
	must(t, call.Hangup(ctx))
}

func TestKeepAliveRegisterTakesNothingBack(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, nil), testContext(t)
	alice := outside(t, w, "alice", nil)
	m := alice.registerRequest(0)
	m.Set("Contact", alice.contact(true)+";expires=0;cisco-keep-alive")
	_, err := alice.ask(ctx, m)
	must(t, err)
	if got := len(w.Registrar.Bindings("alice")); got != 1 {
		t.Errorf("%d bindings after a keep-alive, want 1", got)
	}
}

func TestSpoofedSender(t *testing.T) {
	t.Parallel()
	w, ctx := newTestWorld(t, func(c *RegistrarConfig) { c.ChallengeCalls = true }), testContext(t)
	alice := outside(t, w, "alice", nil)
	m := alice.Request("INVITE", "carol").Set("From", "<sip:bob@"+w.Domain+">;tag=1")
	resp, err := alice.Exchange(ctx, m)
	must(t, err)
	if resp.Status() != 407 {
		t.Errorf("got %s, want 407", resp.Start)
	}
}
