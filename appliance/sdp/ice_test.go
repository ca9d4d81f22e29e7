package sdp_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sallyport/appliance/sdp"
)

const iceOffer = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=ice-options:trickle\r\na=ice-pwd:pppppppppppppppppppppp\r\n" +
	"m=audio 4000 RTP/SAVP 0\r\na=ice-ufrag:uuuu\r\na=candidate:1 1 UDP 2130706431 192.168.1.7 4000 typ host generation 0\r\n" +
	"a=candidate:2 1 udp 1694498815 192.0.2.1 4000 typ srflx raddr 192.168.1.7 rport 4000\r\na=candidate:3 1 TCP 9 host.local 9 typ host tcptype active\r\n" +
	"a=end-of-candidates\r\na=x-odd:kept\r\nm=video 0 RTP/SAVP 96\r\na=ice-ufrag:vvvv\r\n"

func TestReadICE(t *testing.T) {
	bad := func(old, new string) string { return strings.Replace(iceOffer, old, new, 1) }
	for name, c := range map[string]struct {
		text string
		want sdp.ICE
		why  string
	}{
		"halves in session and stream": {iceOffer, sdp.ICE{Ufrag: "uuuu", Pwd: "pppppppppppppppppppppp"}, ""},
		"none":                         {"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 9 RTP/AVP 0\r\n", sdp.ICE{}, ""},
		"no password":                  {bad("a=ice-pwd:pppppppppppppppppppppp\r\n", ""), sdp.ICE{}, "credentials"},
		"short user":                   {bad("ufrag:uuuu", "ufrag:u"), sdp.ICE{}, "credentials"},
		"odd user":                     {bad("ufrag:uuuu", "ufrag:uuu:"), sdp.ICE{}, "credentials"},
		"component 0":                  {bad("1 1 UDP", "1 0 UDP"), sdp.ICE{}, "well formed"},
		"no type":                      {bad("typ host generation", "typo host generation"), sdp.ICE{}, "well formed"},
		"port":                         {bad("4000 typ", "74000 typ"), sdp.ICE{}, "well formed"},
		"everywhere":                   {bad("192.168.1.7 4000 typ", "0.0.0.0 4000 typ"), sdp.ICE{}, "well formed"},
		"too many":                     {bad("a=x-odd", strings.Repeat("a=candidate:4 1 UDP 1 192.0.2.9 9 typ host\r\n", sdp.MaxCandidates)+"a=x-odd"), sdp.ICE{}, "more than"},
	} {
		got, why := parse(t, c.text).ICE(0)
		if got != c.want || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%s: %+v, %q", name, got, why)
		}
		if strings.Contains(got.String(), "pppp") {
			t.Errorf("%s: the password shows", name)
		}
	}
}

// Every byte of ICE that may pass stays; the rest goes, and what is not ICE stays
// in any case.
func TestStripICE(t *testing.T) {
	b := parse(t, iceOffer)
	b.StripICE(func(i int) bool { return i == 0 })
	if want := strings.Replace(iceOffer, "a=ice-ufrag:vvvv\r\n", "", 1); string(b.Bytes()) != want {
		t.Errorf("kept for one stream:\n%s", b.Bytes())
	}
	b.StripICE(func(int) bool { return false })
	want := "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\na=x-odd:kept\r\nm=video 0 RTP/SAVP 96\r\n"
	if string(b.Bytes()) != want {
		t.Errorf("kept for none:\n%s", b.Bytes())
	}
}

func TestAddRelay(t *testing.T) {
	b := parse(t, iceOffer)
	b.Media[0].AddRelay(1, netip.MustParseAddrPort("203.0.113.7:36000"))
	b.Media[0].AddRelay(2, netip.MustParseAddrPort("[2001:db8::7]:36001"))
	added := "a=candidate:edge 1 UDP 255 203.0.113.7 36000 typ relay raddr 203.0.113.7 rport 36000\r\n" +
		"a=candidate:edge 2 UDP 254 2001:db8::7 36001 typ relay raddr 2001:db8::7 rport 36001\r\n"
	if want := strings.Replace(iceOffer, "a=end-of", added+"a=end-of", 1); string(b.Bytes()) != want {
		t.Errorf("got\n%s", b.Bytes())
	}
	if all := b.Media[0].Candidates(); len(all) != 5 || all[3].Priority != 255 || all[3].Type != "relay" || all[2].Addr.IsValid() {
		t.Errorf("candidates: %+v", all)
	}
}

func TestDropRemote(t *testing.T) {
	b := parse(t, strings.Replace(iceOffer, "a=x-odd:kept\r\n", "a=remote-candidates:1 203.0.113.7 36000 2 203.0.113.7 36001\r\na=remote-candidates:1 203.0.113.7 60000\r\n", 1))
	b.Media[0].DropRemote(netip.MustParseAddrPort("203.0.113.7:36000"))
	if got := b.Media[0].Attrs("remote-candidates"); !slices.Equal(got, []string{"1 203.0.113.7 60000"}) {
		t.Errorf("left %q", got)
	}
}

func TestHidden(t *testing.T) {
	b := parse(t, iceOffer)
	before := append(b.Addresses(), netip.MustParseAddr("10.0.0.1"))
	want := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.0.0.1")}
	if got := b.Hidden(before); !slices.Equal(got, want) {
		t.Errorf("to hide: %v, want %v", got, want)
	}
}

// What nobody here knows survives every edit that a call makes: attributes,
// lines, media, in their order and with their line ends.
func TestUnknownSurvives(t *testing.T) {
	text := "v=0\no=- 1 1 IN IP4 192.0.2.1\ns= \ni=about\nu=http://x\ne=a@b\np=+1\nc=IN IP4 192.0.2.1\nb=AS:64\nb=X-YZ:1\nt=0 0\nr=7d 1h 0 25h\nz=0 0\nk=prompt\na=tool:odd one\na=X-new: with  blanks \n" +
		"m=audio 4000 RTP/SAVP 0 101\ni=voice\nb=TIAS:64000\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\na=x-vendor\na=fmtp:101 0-15,,66\n" +
		"m=image 4002 udptl t38\na=T38FaxVersion:0\nm=application 4004 UDP/BFCP *\na=floorctrl:c-s\nm=message 9 TCP/MSRP *\na=path:msrp://x\nm=hologram 4006 QUIC/Q 1\na=depth:3\n"
	b := parse(t, text)
	own := netip.MustParseAddr("203.0.113.7")
	before := b.Addresses()
	b.StripPaths()
	b.StripICE(func(int) bool { return false })
	b.Session.SetConn(own)
	b.SetOrigin("-", "1", own)
	for i, s := range b.Media[:3] {
		s.SetPort(36000 + 2*i)
	}
	b.Media[0].SetProto("RTP/AVP")
	b.Media[0].Remove("crypto")
	b.Scrub(before)
	want := strings.NewReplacer("192.0.2.1", "203.0.113.7", "audio 4000 RTP/SAVP", "audio 36000 RTP/AVP", "4002", "36002", "4004", "36004",
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\n", "").Replace(text)
	if got := string(b.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
