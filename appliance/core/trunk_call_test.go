package core

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// described is a description with one stream.
func described(proto, key string) string {
	text := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=x-odd:1\r\nm=audio 4000 " + proto + " 0\r\n"
	if key != "" {
		text += "a=crypto:" + key + "\r\n"
	}
	return text
}

const (
	theirKey = "4 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
	otherKey = "1 AEAD_AES_256_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
)

// relayed runs a relay for the rest of a test.
func relayed(t *testing.T) *media.Relay {
	t.Helper()
	r := media.New(media.Config{Workers: 1})
	if err := r.Apply(media.Plan{Inner: media.Addresses{V4: netip.MustParseAddr("127.0.0.1")}, PortStart: 42000, PortEnd: 42999}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

// What each mode is offered of what the other offers, and whether core has to
// stand between them for it.
func TestBetweenModes(t *testing.T) {
	relay := relayed(t)
	const on, off, best, auto = media.On, media.Off, media.BestEffort, media.Auto
	for i, c := range []struct {
		from, to media.Encryption
		offer    string // transport, "+" with keys
		want     string // the same, and "relay"; or what the refusal says
	}{
		{on, off, "RTP/SAVP+", "RTP/AVP relay"},
		{off, on, "RTP/AVP", "RTP/SAVP+ relay"},
		{on, best, "RTP/SAVP+", "RTP/AVP+ relay"},
		{best, on, "RTP/AVP+", "RTP/SAVP+ relay"},
		{best, on, "RTP/AVP", "RTP/SAVP+ relay"},
		{best, on, "RTP/SAVP+", "RTP/SAVP+"},
		{off, best, "RTP/AVP", "RTP/AVP+ relay"},
		{best, off, "RTP/AVP", "RTP/AVP"},
		{best, off, "RTP/AVP+", "RTP/AVP"},
		{best, off, "RTP/SAVP+", "RTP/AVP relay"},
		{auto, on, "RTP/AVP", "RTP/SAVP+ relay"},
		{auto, on, "RTP/AVPF", "RTP/SAVPF+ relay"},
		{auto, on, "RTP/SAVP+", "RTP/SAVP+"},
		{auto, off, "RTP/SAVP+", "RTP/AVP relay"},
		{auto, off, "RTP/AVP", "RTP/AVP"},
		{auto, best, "RTP/AVP", "RTP/AVP+ relay"},
		{auto, best, "RTP/AVP+", "RTP/AVP+"},
		{on, auto, "RTP/SAVP+", "RTP/AVP relay"},
		{best, auto, "RTP/AVP+", "RTP/AVP+"},
		{off, auto, "RTP/AVP", "RTP/AVP"},
		{auto, auto, "RTP/SAVP+", "RTP/SAVP+"},
		{on, off, "RTP/AVP", "demands SRTP"},
		{off, on, "RTP/SAVP+", "takes no SRTP"},
		{on, off, "RTP/SAVP", "without a suite"},
	} {
		m := newTrunkMedia(MediaConfig{Relay: relay})
		id := media.SessionID(i + 1)
		m.Use(id, "call", func(t *trunkCall) { t.ends = [2]trunkEnd{{zone: "a", mode: c.from}, {zone: "b", mode: c.to}} })
		proto, keyed := strings.CutSuffix(c.offer, "+")
		key := ""
		if keyed {
			key = theirKey
		}
		out, err := m.Inward(id, 0, media.Offer, []byte(described(proto, key)), "")
		got := ""
		if err != nil {
			got = err.Error()
		} else if got = shape(t, out); !strings.Contains(string(out), "a=x-odd:1\r\n") {
			t.Errorf("%d: an unknown attribute went", i)
		}
		if err == nil && got != c.want || err != nil && !strings.Contains(got, c.want) {
			t.Errorf("%s to %s, %s: got %s, want %s", names(c.from), names(c.to), c.offer, got, c.want)
		}
		if strings.Contains(got, "relay") && strings.Contains(string(out), theirKey) {
			t.Errorf("%d: their key goes on", i)
		}
		m.End(id)
	}
}

func names(e media.Encryption) string {
	return [...]string{media.Auto: "Auto", media.Off: "Off", media.On: "On", media.BestEffort: "BestEffort"}[e]
}

// shape is the transport of a description, "+" if it has keys, and "relay" if it
// names a port of ours.
func shape(t *testing.T, body []byte) string {
	t.Helper()
	b, err := sdp.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	out := b.Media[0].M().Proto
	if b.Media[0].Has("crypto") {
		out += "+"
	}
	if b.Media[0].M().Port != 4000 {
		out += " relay"
	}
	return out
}

// An answer is put in the offerer's own terms, keys apart on each side; one that
// breaks its zone's mode is refused; a later offer of either side goes as the
// first did.
func TestAnswerBetweenModes(t *testing.T) {
	relay := relayed(t)
	m := newTrunkMedia(MediaConfig{Relay: relay})
	m.Use(1, "call", func(t *trunkCall) {
		t.ends = [2]trunkEnd{{zone: "a", mode: media.On}, {zone: "b", mode: media.BestEffort, noGCM: true}}
	})
	say := func(way func(media.SessionID, media.ExchangeID, media.Kind, []byte, string) ([]byte, error), kind media.Kind, text, want string) string {
		t.Helper()
		out, err := way(1, 0, kind, []byte(text), "")
		if err != nil {
			t.Fatal(err)
		}
		if got := shape(t, out); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
		return string(out)
	}
	toB := say(m.Inward, media.Offer, described("RTP/SAVP", otherKey), "RTP/AVP+ relay")
	if strings.Contains(toB, "GCM") {
		t.Errorf("GCM is offered to a zone that bears none:\n%s", toB)
	}
	toA := say(m.Outward, media.Answer, described("RTP/AVP", ""), "RTP/SAVP+ relay")
	if strings.Count(toA, "a=crypto:1 AEAD_AES_256_GCM") != 1 || strings.Contains(toA, otherKey) {
		t.Errorf("the answer takes their suite with a key of ours:\n%s", toA)
	}
	if st := relay.Status()[0].Streams[0]; st.Suite != "AEAD_AES_256_GCM" || st.Inside != "RTP" {
		t.Errorf("between: %s and %s", st.Suite, st.Inside)
	}
	say(m.Outward, media.Offer, described("RTP/AVP", ""), "RTP/SAVP+ relay")
	if _, err := m.Inward(1, 0, media.Answer, []byte(described("RTP/AVP", "")), ""); err == nil {
		t.Error("a side that demands SRTP answers without, and passes")
	}
	say(m.Inward, media.Answer, described("RTP/SAVP", theirKey), "RTP/AVP relay")
	if _, pairs, _ := relay.Load(); pairs != 2 {
		t.Errorf("%d port pairs, want one for each side", pairs)
	}
	m.End(1)
	if n := len(relay.Status()); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}
