package signaling

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sallyport/appliance/sip"
)

// offer is an INVITE with a body; "\n" in it are line breaks of the wire.
func offer(t testing.TB, kind, body string) *sip.Message {
	t.Helper()
	body = strings.ReplaceAll(body, "\n", "\r\n")
	m, f := sip.Parse(fmt.Appendf(nil, "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\r\n"+
		"From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"+
		"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body))
	if f != nil {
		t.Fatal(f)
	}
	return m
}

// Whatever a receiver may take for a session description is rewritten, or the
// message does not pass.
func TestEveryDescriptionIsRewritten(t *testing.T) {
	const mixed = "multipart/mixed;boundary=b"
	const sdp = "Content-Type: application/sdp\n\n"
	for _, c := range []struct {
		name, kind, body string
		want             string // the body afterwards, or a status
	}{
		{"alone", "application/sdp", "v=0\n", "NEW"},
		{"other type", "text/plain", "v=0\n", "v=0\n"},
		{"first part", mixed, "--b\n" + sdp + "v=0\n--b\n\ntext\n--b--\n", "--b\n" + sdp + "NEW\n--b\n\ntext\n--b--\n"},
		{"last part", mixed, "--b\n\ntext\n--b\n" + sdp + "v=0\n--b--\n", "--b\n\ntext\n--b\n" + sdp + "NEW\n--b--\n"},
		{"none", mixed, "--b\n\ntext\n--b--\n", "--b\n\ntext\n--b--\n"},
		{"two", mixed, "--b\n" + sdp + "v=0\n--b\n" + sdp + "v=1\n--b--\n", "488"},
		{"two to choose from", "multipart/alternative;boundary=b", "--b\n" + sdp + "v=0\n--b\n" + sdp + "v=1\n--b--\n", "488"},
		{"nested", mixed, "--b\nContent-Type: multipart/alternative; boundary=\"c;d\"\n\n--c;d\n" + sdp + "v=0\n--c;d--\n--b--\n",
			"--b\nContent-Type: multipart/alternative; boundary=\"c;d\"\n\n--c;d\n" + sdp + "NEW\n--c;d--\n--b--\n"},
		{"one beside a nested one", mixed,
			"--b\n" + sdp + "v=0\n--b\nContent-Type: multipart/mixed;boundary=c\n\n--c\n" + sdp + "v=1\n--c--\n--b--\n", "488"},
		{"a subtype nobody knows", "Multipart/Signed; boundary=b", "--b\n" + sdp + "v=0\n--b--\n", "--b\n" + sdp + "NEW\n--b--\n"},
		{"a boundary that another begins with", mixed, "--bb\n" + sdp + "v=9\n--b\n" + sdp + "v=0\n--b--\n",
			"--bb\n" + sdp + "v=9\n--b\n" + sdp + "NEW\n--b--\n"},
		{"a delimiter within a line", mixed, "x--b\n" + sdp + "v=9\n--b\n" + sdp + "v=0\n--b--\n", "x--b\n" + sdp + "v=9\n--b\n" + sdp + "NEW\n--b--\n"},
		{"no last delimiter", mixed, "--b\n" + sdp + "v=0", "--b\n" + sdp + "NEW"},
		{"behind the last delimiter", mixed, "--b\n\ntext\n--b--\n--b\n" + sdp + "v=9\n", "--b\n\ntext\n--b--\n--b\n" + sdp + "v=9\n"},
		{"a folded header", mixed, "--b\nContent-Type:\n application/sdp\n\nv=0\n--b--\n", "--b\nContent-Type:\n application/sdp\n\nNEW\n--b--\n"},
		{"two types", mixed, "--b\nContent-Type: text/plain\nContent-Type: application/sdp\n\nv=0\n--b--\n", "415"},
		{"no boundary", "multipart/mixed", "--b\n" + sdp + "v=0\n--b--\n", "415"},
		{"no part", mixed, "v=0\n", "415"},
		{"too deep", mixed, nest(maxDepth), "415"},
		{"too many", mixed, strings.Repeat("--b\n\ntext\n", maxParts+1), "415"},
	} {
		m := offer(t, c.kind, c.body)
		kind := RequestDescription(m, false)
		err := Describe(m, kind, func([]byte) ([]byte, error) { return []byte("NEW"), nil })
		got := strings.ReplaceAll(string(m.Body()), "\r\n", "\n")
		var says *StatusError
		if errors.As(err, &says) {
			got = fmt.Sprint(says.Status)
		}
		if got != c.want {
			t.Errorf("%s: got\n%q, %v\nwant\n%q", c.name, got, err, c.want)
		}
	}
}

// nest is a description below n further multipart bodies.
func nest(n int) string {
	const b = "b"
	inner := "Content-Type: application/sdp\n\nv=0\n"
	for i := range n {
		mark := b + strings.Repeat("x", i+1)
		inner = "Content-Type: multipart/mixed;boundary=" + mark + "\n\n--" + mark + "\n" + inner + "--" + mark + "--\n"
	}
	return "--b\n" + inner + "--b--\n"
}

// A bare line feed ends a line for some receivers.
func TestBareLineFeeds(t *testing.T) {
	m := offer(t, "multipart/mixed;boundary=b", "")
	m.SetBody("multipart/mixed;boundary=b", []byte("--b\nContent-Type: application/sdp\n\nv=0\n--b--\n"))
	if !HasDescription(m) {
		t.Error("a part with bare line feeds is not seen")
	}
}

// FuzzDescriptions: what is found lies in the body, in order and apart.
func FuzzDescriptions(f *testing.F) {
	f.Add("multipart/mixed;boundary=b", "--b\nContent-Type: application/sdp\n\nv=0\n--b--\n")
	f.Add("multipart/mixed;boundary=b", nest(2))
	f.Add("application/sdp", "v=0")
	f.Fuzz(func(t *testing.T, kind, body string) {
		s := search{body: []byte(body)}
		s.entity(kind, span{0, len(body)}, 0)
		end := 0
		for _, at := range s.found {
			if at.start < end || at.end < at.start || at.end > len(body) {
				t.Fatalf("found %v in %d bytes", s.found, len(body))
			}
			end = at.end
		}
	})
}
