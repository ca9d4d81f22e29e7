package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// TestCallsOfOneUser: more devices give one user no more calls than the node
// can spare; somebody with two devices and many calls on each is let be.
func TestCallsOfOneUser(t *testing.T) {
	e := &Edge{
		calls:    signaling.NewCalls(time.Now, 10_000, nil),
		bindings: flow.NewBindings(flow.BindingsConfig{Clock: time.Now, Total: 30}),
	}
	var all []flow.Binding
	for i := range flow.BindingID(10) {
		b := flow.Binding{ID: i + 1, Key: flow.Key{AOR: "alice@example.com", Device: fmt.Sprint(i)}, Contact: "<sip:alice@192.0.2.1>", Confirmed: true, Expires: time.Now().Add(time.Hour)}
		if err := e.bindings.Restore(b); err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	calls := 0
	for full := 0; full < len(all); {
		b := &all[full]
		if e.tooManyCalls(b) {
			full++
			continue
		}
		m, fault := sip.Parse([]byte(fmt.Sprintf("INVITE sip:x@example.com SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"+
			"From: <sip:alice@example.com>;tag=%d\r\nTo: <sip:x@example.com>\r\nCall-ID: c%d\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n", calls, calls, calls)))
		if fault != nil {
			t.Fatal(fault)
		}
		if calls++; calls > 1000 || !e.calls.Begin(uint64(calls), m, "", "inward", uint64(b.ID)) {
			t.Fatalf("call %d of device %d", calls, full)
		}
		if calls == manyCalls-1 && e.tooManyCalls(&all[1]) {
			t.Error("another device has to suffer already")
		}
	}
	if most := maxCallsUser + len(all)*manyCalls; calls < maxCallsUser || calls > most {
		t.Errorf("%d calls of one user, want %d to %d", calls, maxCallsUser, most)
	}
}

// TestStreamsOfOneCall: a description takes ports for as many streams as phones
// have, not for as many lines as fit into it.
func TestStreamsOfOneCall(t *testing.T) {
	const line = "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
	b, err := sdp.Parse([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" + strings.Repeat(line, sdp.MaxMedia)))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := (&mediaCall{}).readClient(media.Offer, b)
	on := 0
	for _, l := range lines {
		if l.On() {
			on++
		}
	}
	if err != nil || on != maxRelayed {
		t.Errorf("%d streams relayed, want %d: %v", on, maxRelayed, err)
	}
}
