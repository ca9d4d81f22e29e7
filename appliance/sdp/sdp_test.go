package sdp_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sallyport/appliance/sdp"
)

const odd = "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nb=X-odd:1\r\n" +
	"m=image 4000 udptl t38\nq=what is this\r\na=T38FaxVersion:0\r\nc=IN IP6 ::1\r\n" +
	"m=unknown 0/2 WHAT/EVER x y  z\r\na=inactive\r\nm=audio  49170/2 RTP/AVP 0"

func parse(t *testing.T, text string) *sdp.Body {
	t.Helper()
	b, err := sdp.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTripKeepsEveryByte(t *testing.T) {
	for _, text := range []string{odd, odd + "\r\n", odd + "\r\n\r\n", strings.ReplaceAll(odd, "\r\n", "\n")} {
		if got := string(parse(t, text).Bytes()); got != text {
			t.Errorf("round trip:\n%s", cmp.Diff(text, got))
		}
	}
}

func TestRefusesWhatIsNoDescription(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        "",
		"no version":   "o=- 1 2 IN IP4 1.1.1.1\r\n",
		"version 1":    "v=1\r\n",
		"no origin":    "v=0\r\ns=-\r\n",
		"two origins":  "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\no=- 1 2 IN IP4 1.1.1.1\r\n",
		"two c lines":  "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\nc=IN IP4 1.1.1.1\r\nc=IN IP4 2.2.2.2\r\n",
		"empty line":   "v=0\r\n\r\no=- 1 2 IN IP4 1.1.1.1\r\n",
		"no equals":    "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\nhello\r\n",
		"bare return":  "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\ns=a\rb=c\r\n",
		"nul":          "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\ns=a\x00\r\n",
		"bad port":     "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\nm=audio 70000 RTP/AVP 0\r\n",
		"signed port":  "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\nm=audio -1 RTP/AVP 0\r\n",
		"short m":      "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\nm=audio 1\r\n",
		"long line":    "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\ns=" + strings.Repeat("x", 5000) + "\r\n",
		"many lines":   "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\n" + strings.Repeat("a=x\r\n", 3000),
		"many m-lines": "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\n" + strings.Repeat("m=audio 1 RTP/AVP 0\r\n", 100),
		"too long":     "v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\n" + strings.Repeat("a="+strings.Repeat("y", 4000)+"\r\n", 20),
	} {
		if _, err := sdp.Parse([]byte(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestEditsTouchOneLine(t *testing.T) {
	b := parse(t, odd)
	b.Media[0].SetPort(36000)
	b.Media[2].SetPort(7)
	b.Media[2].SetProto("RTP/SAVP")
	b.Media[0].SetConn(netip.MustParseAddr("203.0.113.7"))
	b.Session.SetConn(netip.MustParseAddr("2001:db8::1"))
	b.SetOrigin("-", "9", netip.MustParseAddr("203.0.113.7"))
	b.Media[2].Set("sendonly", "")
	want := strings.NewReplacer(
		"o=- 1 2 IN IP4 10.0.0.1", "o=- 1 9 IN IP4 203.0.113.7",
		"c=IN IP4 10.0.0.1", "c=IN IP6 2001:db8::1",
		"c=IN IP6 ::1", "c=IN IP4 203.0.113.7",
		"image 4000", "image 36000",
		"audio  49170/2 RTP/AVP 0", "audio  7 RTP/SAVP 0\r\na=sendonly\r\n",
	).Replace(odd)
	if d := cmp.Diff(want, string(b.Bytes())); d != "" {
		t.Error(d)
	}
}

func TestReading(t *testing.T) {
	b := parse(t, "v=0\no=- 1 2 IN IP4 10.0.0.1\ns=-\nc=IN IP4 10.0.0.1/127\nt=0 0\na=sendonly\n"+
		"m=audio 4000 RTP/SAVP 0\nm=audio 4002 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=rtcp:5000 IN IP4 10.0.0.9\na=sendrecv\n"+
		"m=audio 9 PSTN -\nc=PSTN E164 +1\nm=audio 4004 RTP/AVP 0\nc=IN IP4 host.example\na=rtcp:70000\n")
	if c := b.Conn(0); c.Addr != netip.MustParseAddr("10.0.0.1") || c.Held {
		t.Errorf("session's c= read as %+v", c)
	}
	if c := b.Conn(1); !c.Held || b.Direction(1) != sdp.SendOnly {
		t.Errorf("hold read as %+v %s", c, b.Direction(1))
	}
	if b.Direction(0) != sdp.SendOnly || b.Direction(0).Receives() {
		t.Errorf("session's direction read as %s", b.Direction(0))
	}
	if c := b.Conn(2); c.Internet || c.Missing {
		t.Errorf("c=PSTN read as %+v", c)
	}
	if c := b.Conn(3); !c.Internet || c.Addr.IsValid() {
		t.Errorf("host name read as %+v", c)
	}
	if got := b.RTCP(0).String(); got != "10.0.0.1:4001" {
		t.Errorf("rtcp at %s", got)
	}
	if got := b.RTCP(1).String(); got != "10.0.0.9:5000" {
		t.Errorf("rtcp at %s", got)
	}
	if got := b.RTCP(3).Port(); got != 4005 {
		t.Errorf("rtcp at %d", got)
	}
}

func TestCryptoLines(t *testing.T) {
	const k30 = "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
	for _, c := range []struct {
		line   string
		usable bool
		keys   int
		mki    int
	}{
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30, true, 1, 0},
		{"1 AES_CM_128_HMAC_SHA1_32 " + k30 + "|2^20", true, 1, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + "|1048576|1:4", true, 1, 4},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + "|1:4", true, 1, 4},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + "|2^20|1:4;" + k30 + "|2^20|2:4", true, 2, 4},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + ";" + k30, false, 2, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + " WSH=64", true, 1, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + " -FUTURE=1", true, 1, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + " KDR=1", false, 1, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + " UNAUTHENTICATED_SRTP", false, 1, 0},
		{"1 AEAD_AES_128_GCM " + k30, false, 1, 0},
		{"1 F8_128_HMAC_SHA1_80 " + k30, false, 1, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + "|2^20|1:4|x", false, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + "|1:4|2^20", false, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 " + k30 + "|300:1", false, 0, 0},
		{"x AES_CM_128_HMAC_SHA1_80 " + k30, false, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 base64:AA", false, 0, 0},
	} {
		b := parse(t, "v=0\no=- 1 2 IN IP4 10.0.0.1\nm=audio 4000 RTP/SAVP 0\na=crypto:"+c.line+"\n")
		all := b.Media[0].Crypto()
		if c.keys == 0 {
			if len(all) != 0 {
				t.Errorf("%s: taken", c.line)
			}
			continue
		}
		if len(all) != 1 || all[0].Usable() != c.usable || len(all[0].Keys) != c.keys || len(all[0].Keys[0].MKI) != c.mki {
			t.Errorf("%s: read as %d lines, %+v", c.line, len(all), all)
		}
		if strings.Contains(all[0].String(), "AAEC") {
			t.Errorf("a key prints: %s", all[0])
		}
	}
}

func TestScrubTakesLinesThatNameAnAddress(t *testing.T) {
	const head = "v=0\no=- 1 2 IN IP4 10.0.0.1\ns=-\n"
	b := parse(t, head+"a=x:10.0.0.1\na=y:10.0.0.12\na=z:110.0.0.1\nm=audio 1 RTP/AVP 0\na=w:[2001:DB8::5]:7\ni=at 10.0.0.1.\n")
	n := b.Scrub([]netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::5")})
	if want := head + "a=y:10.0.0.12\na=z:110.0.0.1\nm=audio 1 RTP/AVP 0\n"; n != 3 || string(b.Bytes()) != want {
		t.Errorf("%d lines went, left:\n%s", n, b.Bytes())
	}
}

func TestExchangeChecks(t *testing.T) {
	offer := parse(t, "v=0\no=- 1 2 IN IP4 1.1.1.1\nm=audio 1 RTP/AVP 0\nm=video 0 RTP/AVP 0\n").MLines()
	for text, ok := range map[string]bool{
		"m=audio 1 RTP/AVP 0\nm=video 0 RTP/AVP 0\n": true,
		"m=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 0\n": true,
		"m=audio 1 RTP/AVP 0\n":                      false,
		"m=audio 1 RTP/AVP 0\nm=video 5 RTP/AVP 0\n": false,
		"m=video 1 RTP/AVP 0\nm=audio 0 RTP/AVP 0\n": false,
	} {
		answer := parse(t, "v=0\no=- 1 2 IN IP4 1.1.1.1\n"+text).MLines()
		if err := sdp.CheckAnswer(offer, answer); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(odd))
	f.Add([]byte("v=0\no=- 5 8 IN IP4 198.51.100.4\nt=0 0\nm=audio 4000 RTP/SAVP\u0085# 0\n"))
	f.Add([]byte("v=0\no=- 5 8 IN IP4 198.51.100.4\nt=0 0\nm=audio 4000 RTP/SAVP\r# 0\n"))
	files, _ := filepath.Glob("../media/testdata/sdp/*.txtar")
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			for _, part := range strings.Split(string(b), "\n-- ") {
				if i := strings.Index(part, "v=0"); i >= 0 {
					f.Add([]byte(part[i:]))
				}
			}
		}
	}
	own := netip.MustParseAddr("203.0.113.7")
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := sdp.Parse(in)
		if err != nil {
			return
		}
		if got := string(b.Bytes()); got != string(in) {
			t.Fatalf("round trip:\n%q\n%q", in, got)
		}
		addrs := b.Addresses()
		b.StripPaths()
		b.StripICE(func(i int) bool { return i%2 == 0 })
		for i, s := range b.Media {
			b.Conn(i)
			b.RTCP(i)
			b.Direction(i)
			if _, why := b.ICE(i); why == "" {
				s.Candidates()
			}
			s.AddRelay(1, netip.AddrPortFrom(own, 7))
			s.DropRemote(netip.AddrPortFrom(own, 7))
			for _, c := range s.Crypto() {
				c.Usable()
			}
			before := s.M()
			s.SetPort(7)
			s.SetProto("RTP/SAVP")
			s.SetConn(own)
			s.SetRTCP(8)
			s.Replace("crypto", []string{"1 X inline:y", "2 X inline:z"})
			if m := s.M(); m.Port != 7 || m.Proto != "RTP/SAVP" || m.Type != before.Type || len(m.Formats) != len(before.Formats) {
				t.Fatalf("m= line broke: %+v to %+v", before, m)
			}
			if b.Conn(i).Addr != own || len(s.Attrs("crypto")) != 2 {
				t.Fatalf("section broke:\n%s", b.Bytes())
			}
		}
		b.Session.SetConn(own)
		b.SetOrigin("-", "1", own)
		b.Scrub(addrs)
		if _, err := sdp.Parse(b.Bytes()); err != nil && len(b.Bytes()) <= sdp.MaxBytes {
			if e, ok := err.(*sdp.Error); !ok || e.Why != "too many lines" {
				t.Fatalf("an edited body does not parse: %v\n%q", err, b.Bytes())
			}
		}
	})
}

func TestSetConnLeavesOne(t *testing.T) {
	b := parse(t, "v=0\no=- 1 2 IN IP4 10.0.0.1\nm=audio 1 RTP/AVP 0\nc=IN IP4 224.2.1.1/127\nc=IN IP4 224.2.1.1/127\nc=IN IP4 10.0.0.7\na=x\n")
	b.Media[0].SetConn(netip.MustParseAddr("203.0.113.7"))
	if want := "v=0\no=- 1 2 IN IP4 10.0.0.1\nm=audio 1 RTP/AVP 0\nc=IN IP4 203.0.113.7\na=x\n"; string(b.Bytes()) != want {
		t.Errorf("got\n%s", b.Bytes())
	}
}

func TestStripGCM(t *testing.T) {
	text := "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/SAVP 0\r\na=crypto:1 AEAD_AES_256_GCM inline:x\r\n" +
		"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:y\r\na=crypto:3\tAEAD_AES_128_GCM inline:z\r\na=x-crypto:AEAD_AES_128_GCM\r\n"
	b, err := sdp.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	b.StripGCM()
	want := strings.Replace(strings.Replace(text, "a=crypto:1 AEAD_AES_256_GCM inline:x\r\n", "", 1), "a=crypto:3\tAEAD_AES_128_GCM inline:z\r\n", "", 1)
	if got := string(b.Bytes()); got != want {
		t.Errorf("left\n%s", got)
	}
}
