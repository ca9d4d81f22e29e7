package lab

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"
)

func TestTone(t *testing.T) {
	for _, hz := range []float64{300, 440, 880, 1333, 3000} {
		samples := make([]int16, 4000)
		sine(samples, hz, 0)
		for i, x := range samples {
			samples[i] = decodeMulaw(encodeMulaw(x))
		}
		if got := DetectTone(samples, 8000); !got.Is(hz) || got.Share < 0.95 {
			t.Errorf("%v Hz heard as %+v", hz, got)
		}
	}
	if got := DetectTone(make([]int16, 4000), 8000); got.Is(0) {
		t.Errorf("silence heard as %+v", got)
	}
}

func TestMulawRoundTrip(t *testing.T) {
	for i := range 256 {
		if got := encodeMulaw(decodeMulaw(byte(i))); got != byte(i) && i != 0x7f { // 0x7f is the second zero
			t.Errorf("%#x came back as %#x", i, got)
		}
	}
}

func TestMeterCountsLossAndDuplicates(t *testing.T) {
	var m meter
	now := time.Now()
	for _, seq := range []uint16{65534, 65535, 0, 2, 2, 1, 5} {
		m.packet(&rtp.Packet{Header: rtp.Header{SequenceNumber: seq, PayloadType: 1}}, now)
	}
	s := m.stats("", "")
	if s.Received != 6 || s.Duplicates != 1 || s.Lost != 2 {
		t.Errorf("received %d duplicates %d lost %d, want 6, 1, 2", s.Received, s.Duplicates, s.Lost)
	}
}

func TestInsideAddressLeak(t *testing.T) {
	raw := strings.ReplaceAll(`INVITE sip:alice@127.10.9.1:5000 SIP/2.0
v: SIP/2.0/TLS edge.example.com:5061;branch=z9hG4bK1
Record-Route: <sip:e1.tok@127.10.0.1:5061;lr>,
 <sip:127.10.2.1;lr>
m: <sip:carol@127.10.2.10:5060>
From: <sip:carol@127.10.2.1>;tag=1
Call-ID: 7@127.10.2.10
Content-Type: application/sdp

v=0
o=- 1 1 IN IP4 127.10.1.2
c=IN IP4 227.10.1.2
`, "\n", "\r\n")
	want := []string{
		"Record-Route names 127.10.2.: <sip:e1.tok@127.10.0.1:5061;lr>, <sip:127.10.2.1;lr>",
		"Contact names 127.10.2.: <sip:carol@127.10.2.10:5060>",
		"SDP names 127.10.1.: o=- 1 1 IN IP4 127.10.1.2",
	}
	if diff := cmp.Diff(want, InsideAddressLeak([]byte(raw), []string{"127.10.1.", "127.10.2."})); diff != "" {
		t.Error(diff)
	}
	parts := strings.ReplaceAll(`INVITE sip:alice@127.10.9.1:5000 SIP/2.0
Content-Type: multipart/mixed;boundary=b

--b
Content-Type: application/sdp

v=0
c=IN IP4 127.10.2.10
--b
Content-Type: application/dialog-info+xml

<identity>sip:carol@127.10.2.1</identity>
--b--
`, "\n", "\r\n")
	want = []string{"SDP names 127.10.2.: c=IN IP4 127.10.2.10"}
	if diff := cmp.Diff(want, InsideAddressLeak([]byte(parts), []string{"127.10.1.", "127.10.2."})); diff != "" {
		t.Error(diff)
	}
}

func TestFrames(t *testing.T) {
	in := "\r\n\r\nOPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nabc\r\nSIP/2.0 200 OK\r\n\r\n"
	r := bufio.NewReader(strings.NewReader(in))
	var got []string
	for {
		raw, kind, err := readFrame(r)
		if err == io.EOF {
			break
		}
		must(t, err)
		got = append(got, fmt.Sprint(kind, " ", len(raw)))
	}
	if diff := cmp.Diff([]string{"1 4", "0 34", "2 2", "0 18"}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z\r\nFrom: \"a,\\\"\" <sip:b>;tag=1\r\n x\r\nl: 1\r\n\r\nx"))
	f.Add([]byte("SIP/2.0 200 OK\r\nv: a, b\r\nc: application/sdp\r\n\r\nv=0\r\nm=audio 1 RTP/SAVP 0\r\na=crypto:1 X inline:y\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseMessage(raw)
		if err != nil {
			return
		}
		again, err := ParseMessage(m.Bytes())
		if err != nil {
			t.Fatalf("cannot read our own: %v\n%q", err, m.Bytes())
		}
		if m.Get("From") != again.Get("From") || len(m.Body) != len(again.Body) {
			t.Fatalf("%q became %q", raw, again.Bytes())
		}
		targetOf(m.URI())
		uriOf(m.Get("From"))
		InsideAddressLeak(raw, []string{"10."})
		if s, err := parseSDP(m.Body); err == nil {
			s.bytes(1)
		}
		readFrame(bufio.NewReader(strings.NewReader(string(raw))))
	})
}

func TestBrowserEncodesTheServer(t *testing.T) {
	_, ca, err := SelfSigned([]string{"edge.example.com"}, nil)
	must(t, err)
	b, err := NewBrowser(BrowserConfig{Edge: netip.MustParseAddrPort("127.77.0.1:8443"), ServerName: "edge.example.com", Domain: "example.com", CA: ca})
	must(t, err)
	got, err := b.EdgeURL("https://cucm1.example.com:8443/cucm-uds/servers?a=1")
	must(t, err)
	want := "https://edge.example.com:8443/ZXhhbXBsZS5jb20vaHR0cHMvY3VjbTEuZXhhbXBsZS5jb20vODQ0Mw/cucm-uds/servers?a=1"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The browser speaks straight to the web server here, which takes edge's place.
func TestWeb(t *testing.T) {
	ctx := testContext(t)
	conf, ca, err := SelfSigned([]string{"web.example.com"}, nil)
	must(t, err)
	w := NewWeb(WebConfig{HTTP: netip.MustParseAddrPort("127.77.1.20:0"), HTTPS: netip.MustParseAddrPort("127.77.1.20:0"), TLS: conf})
	t.Cleanup(w.Close)
	must(t, w.Start())
	b, err := NewBrowser(BrowserConfig{Edge: w.Addr("https"), ServerName: "web.example.com", Domain: "example.com", CA: ca})
	must(t, err)
	t.Cleanup(b.Close)
	for _, tt := range []struct {
		path   string
		status int
		body   string
	}{
		{"/page/a/b", 200, "page /page/a/b"},
		{"/whoami", 401, "no session"},
		{"/login", 200, "welcome"},
		{"/whoami", 200, "session "},
		{"/redirect?to=/page/x", 302, ""},
		{"/echo/x%2fy?q=1", 200, `"Path":"/echo/x%2fy","RawQuery":"q=1"`},
		{"/slow?ms=1", 200, "at last"},
		{"/status?code=503", 503, ""},
	} {
		page, err := b.Fetch(ctx, "GET", tt.path, nil, nil)
		must(t, err)
		if page.Status != tt.status || !strings.Contains(string(page.Body), tt.body) {
			t.Errorf("%s: got %d %q, want %d %q", tt.path, page.Status, page.Body, tt.status, tt.body)
		}
	}
	page, err := b.Fetch(ctx, "POST", "/upload", nil, strings.NewReader(strings.Repeat("x", 100000)))
	must(t, err)
	if string(page.Body) != "100000\n" {
		t.Errorf("upload answered %q", page.Body)
	}
	page, err = b.Raw(ctx, []byte("GET /big?n=70000 HTTP/1.1\r\nHost: web.example.com\r\nConnection: close\r\n\r\n"))
	must(t, err)
	if len(page.Body) != 70000 || len(w.Seen()) != 10 {
		t.Errorf("big page of %d bytes, %d requests seen; want 70000 and 10", len(page.Body), len(w.Seen()))
	}
}
