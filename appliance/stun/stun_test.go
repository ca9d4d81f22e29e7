package stun_test

import (
	"net/netip"
	"testing"

	pion "github.com/pion/stun/v4"

	"sallyport/appliance/stun"
)

func TestBindingIsAnswered(t *testing.T) {
	for _, from := range []string{"198.51.100.4:4000", "[2001:db8::1]:5"} {
		at := netip.MustParseAddrPort(from)
		out, err := stun.AnswerTo(stun.BindingRequest([12]byte{9}), at)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := stun.Mapped(out); !ok || got != at {
			t.Errorf("mapped %s %v, want %s", got, ok, at)
		}
		if n := stun.Frame(append(out, "INVITE"...)); n != len(out) {
			t.Errorf("frame of %d, want %d", n, len(out))
		}
	}
}

func TestWhatGetsNoAnswer(t *testing.T) {
	at := netip.MustParseAddrPort("198.51.100.4:4000")
	for name, m := range map[string]*pion.Message{
		"indication":   pion.MustBuild(pion.TransactionID, pion.NewType(pion.MethodBinding, pion.ClassIndication)),
		"response":     pion.MustBuild(pion.TransactionID, pion.BindingSuccess),
		"credentials":  pion.MustBuild(pion.TransactionID, pion.BindingRequest, pion.NewUsername("a:b")),
		"other method": pion.MustBuild(pion.TransactionID, pion.NewType(pion.MethodAllocate, pion.ClassRequest)),
	} {
		if out, err := stun.AnswerTo(m.Raw, at); err == nil {
			t.Errorf("%s is answered by %d bytes", name, len(out))
		}
	}
}

func TestUnknownAttributeGets420(t *testing.T) {
	m := pion.MustBuild(pion.TransactionID, pion.BindingRequest, pion.RawAttribute{Type: 0x0033, Value: []byte{1, 2, 3, 4}}, pion.Fingerprint)
	out, err := stun.AnswerTo(m.Raw, netip.MustParseAddrPort("198.51.100.4:4000"))
	if err != nil {
		t.Fatal(err)
	}
	got := &pion.Message{Raw: out}
	var code pion.ErrorCodeAttribute
	if got.Decode() != nil || code.GetFrom(got) != nil || code.Code != pion.CodeUnknownAttribute || pion.Fingerprint.Check(got) != nil {
		t.Errorf("got %v", got)
	}
}

func TestFrame(t *testing.T) {
	req := stun.BindingRequest([12]byte{1})
	for i := range req {
		if n := stun.Frame(req[:i]); n != 0 {
			t.Errorf("%d bytes frame as %d", i, n)
		}
	}
	for _, no := range []string{"INVITE sip:x", "\r\n\r\nREGISTER", "\x00\x01\x00\x00\x21\x12\xa4\x43", "\x00\x01\xff\xfc\x21\x12\xa4\x42123456789012"} {
		if n := stun.Frame([]byte(no)); n != -1 {
			t.Errorf("%q frames as %d", no, n)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(stun.BindingRequest([12]byte{1}))
	f.Add(pion.MustBuild(pion.TransactionID, pion.BindingRequest, pion.NewSoftware("x"), pion.Fingerprint).Raw)
	at := netip.MustParseAddrPort("198.51.100.4:4000")
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := stun.Frame(b); n > len(b) {
			t.Fatalf("frame of %d in %d bytes", n, len(b))
		}
		out, err := stun.AnswerTo(b, at)
		if err != nil {
			return
		}
		if n := stun.Frame(out); n != len(out) {
			t.Fatalf("answer of %d bytes frames as %d", len(out), n)
		}
		stun.Mapped(out)
	})
}

func TestUnproven(t *testing.T) {
	build := func(set ...pion.Setter) []byte {
		m, err := pion.Build(append([]pion.Setter{pion.TransactionID}, set...)...)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	key := pion.NewShortTermIntegrity("secret")
	for name, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"binding": {build(pion.BindingRequest), true}, "with software": {build(pion.BindingRequest, pion.NewSoftware("abc")), true},
		"proven": {build(pion.BindingRequest, pion.NewUsername("alice"), key), false}, "an answer": {build(pion.BindingSuccess), false},
		"an indication": {build(pion.NewType(pion.MethodSend, pion.ClassIndication)), false},
		"cut":           {build(pion.BindingRequest, pion.NewSoftware("abc"))[:25], true}, "channel data": {[]byte{0x40, 0, 0, 4, 1, 2, 3, 4}, false}, "nothing": {nil, false},
	} {
		if got := stun.Unproven(c.b); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
