package core

import (
	"bytes"
	"encoding/xml"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/sdp"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

func offerForTest(secure bool) recordOffer {
	o := recordOffer{formats: []string{"0", "101"}, codecs: []string{"rtpmap:0 PCMU/8000"}, secure: secure,
		ports: [2]netip.AddrPort{netip.MustParseAddrPort("10.0.0.6:36000"), netip.MustParseAddrPort("10.0.0.6:36002")}}
	for i := range o.keys {
		o.keys[i] = map[sdp.Suite][]byte{sdp.AES128SHA1_80: bytes.Repeat([]byte{byte(i + 1)}, 30), sdp.AES256GCM: make([]byte, 44),
			sdp.AES128GCM: make([]byte, 28), sdp.AES128SHA1_32: make([]byte, 30)}
	}
	return o
}

// What a recorder is offered reads back as two labelled lines that we send on,
// and only an answer that fits it is taken.
func TestRecordOffer(t *testing.T) {
	for _, c := range []struct {
		name, proto, extra string
		secure, lines, ok  bool
	}{
		{"RTP", "RTP/AVP", "", false, true, true},
		{"SRTP", "RTP/SAVP", "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n", true, true, true},
		{"RTP where SRTP was offered", "RTP/AVP", "", true, true, false},
		{"SRTP without a key", "RTP/SAVP", "", true, true, false},
		{"SRTP where RTP was offered", "RTP/SAVP", "", false, true, false},
		{"one line", "RTP/AVP", "", false, false, false},
	} {
		o := offerForTest(c.secure)
		b, err := sdp.Parse([]byte(o.sdp()))
		if err != nil || len(b.Media) != 2 || b.Direction(0) != sdp.SendOnly || (len(b.Media[1].Crypto()) == 4) != c.secure {
			t.Fatalf("%s: %v\n%s", c.name, err, o.sdp())
		}
		if l, _ := b.Media[1].Attr("label"); l != "2" {
			t.Errorf("%s: label %q", c.name, l)
		}
		line := "m=audio 4000 " + c.proto + " 0\r\n" + c.extra
		answer := "v=0\r\no=- 1 1 IN IP4 10.0.0.50\r\ns=-\r\nc=IN IP4 10.0.0.50\r\nt=0 0\r\n" + line
		if c.lines {
			answer += line
		}
		resp := sip.NewRequest("INVITE", "sip:a@b")
		resp.SetBody("application/sdp", []byte(answer))
		near, far, err := o.answered(resp)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.ok && (near.Addr.String() != "10.0.0.50:4000" || far.Keys.Set() != c.secure) {
			t.Errorf("%s: %+v", c.name, near.Addr)
		}
	}
}

// The metadata is XML whatever the callers are called.
func TestRecordMetadata(t *testing.T) {
	text := metadata(signaling.Call{From: `a"<&@example.com`, To: "bob@example.com", Direction: "outward", Since: time.Unix(0, 0)}, "0123456789abcdef")
	var doc struct {
		Participant []struct {
			NameID struct {
				AOR string `xml:"aor,attr"`
			} `xml:"nameID"`
		} `xml:"participant"`
		Stream []struct {
			Label string `xml:"label"`
		} `xml:"stream"`
	}
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Participant) != 2 || doc.Participant[0].NameID.AOR != "sip:bob@example.com" || doc.Participant[1].NameID.AOR != `sip:a"<&@example.com` || len(doc.Stream) != 2 {
		t.Errorf("%+v", doc)
	}
	ids := map[string]bool{}
	for _, part := range strings.Split(text, `_id="`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		ids[id] = true
	}
	if len(ids) != 5 {
		t.Errorf("%d ids, want 5: %s", len(ids), text)
	}
}

func TestChosen(t *testing.T) {
	p := recordPlan{zone: "Recorder", users: []string{"alice@example.com", "@sales.example.com"}}
	for _, c := range []struct {
		call signaling.Call
		want bool
	}{
		{signaling.Call{Direction: "inward", From: "Alice@Example.com", To: "bob@example.com"}, true},
		{signaling.Call{Direction: "inward", From: "bob@example.com", To: "alice@example.com"}, false},
		{signaling.Call{Direction: "outward", From: "bob@example.com", To: "alice@example.com"}, true},
		{signaling.Call{Direction: "outward", From: "bob@example.com", To: "eve@sales.example.com"}, true},
		{signaling.Call{Direction: "outward", To: "alice@example.com", Recording: signaling.NearEnd}, false},
		{signaling.Call{Direction: "outward", To: "malice@example.com"}, false},
	} {
		if got := p.chosen(c.call); got != c.want {
			t.Errorf("%+v: %v", c.call, got)
		}
	}
	if (recordPlan{users: p.users}).chosen(signaling.Call{Direction: "inward", From: "alice@example.com"}) {
		t.Error("somebody is recorded without a recorder")
	}
}
