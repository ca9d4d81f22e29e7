package signaling

import (
	"testing"
	"time"

	"sallyport/appliance/sip"
)

func TestRecordingOf(t *testing.T) {
	for _, c := range []struct {
		name string
		from string
		set  [][2]string
		body string
		want Recording
	}{
		{name: "a call", from: "<sip:bob@example.com>;tag=1", body: "a=label:main\r\n"},
		{name: "label of the near end", from: "<sip:ucm1>;tag=1", body: "a=inactive\r\na=label:X-relay-nearend\r\n", want: NearEnd},
		{name: "label of the far end", from: "<sip:ucm1>;tag=1", body: "a=label:X-relay-farend\r\n", want: FarEnd},
		{name: "flag in From", from: `"CM" <sip:2001@ucm1;X-FarEnd;x-refci=1>;tag=1`, want: FarEnd},
		{name: "flag at the end", from: `<sip:2001@ucm1;x-nearend>;tag=1`, want: NearEnd},
		{name: "no flag, but what begins like one", from: `<sip:2001@ucm1;x-nearenddevice=SEP1>;tag=1`},
		{name: "joins, invoked by a recorder", from: "<sip:ucm1>;tag=1",
			set: [][2]string{{"Join", "x;to-tag=1;from-tag=2"}, {"Call-Info", "<urn:x>; record-invoker=auto"}}, want: OtherEnd},
		{name: "a barge", from: "<sip:alice@example.com>;tag=1", set: [][2]string{{"Join", "x;to-tag=1;from-tag=2"}}},
		{name: "within a dialog", from: "<sip:ucm1;x-nearend>;tag=1", set: [][2]string{{"To", "<sip:a@b>;tag=2"}}},
	} {
		m := sip.NewRequest("INVITE", "sip:alice@192.0.2.1")
		m.Add("From", c.from)
		for _, f := range c.set {
			m.Add(f[0], f[1])
		}
		m.SetBody("application/sdp", []byte(c.body))
		if got := RecordingOf(m); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Recording dialogs are those that come from the inside; they name their call.
func TestCallsOfARecording(t *testing.T) {
	c := NewCalls(time.Now, 10, nil)
	m := sip.NewRequest("INVITE", "sip:alice@192.0.2.1")
	m.Add("From", "<sip:ucm1;x-farend>;tag=1")
	m.Add("Join", "the-call ;to-tag=1;from-tag=2")
	c.Begin(1, m, "", "outward", 1)
	c.Begin(2, m, "", "inward", 1)
	if n := c.Recordings(); n != 1 {
		t.Errorf("%d recording dialogs, want 1", n)
	}
	if call, _ := c.Get(1); call.Joins != "the-call" || call.Recording != FarEnd {
		t.Errorf("%+v", call)
	}
}
