package sip

import "testing"

func TestQuestion(t *testing.T) {
	q := Question{
		Method: "OPTIONS", Target: "sip:10.0.0.20:5060", From: "sip:10.0.0.6:5060", Tag: "a1", CallID: "c1",
		CSeq: 7, Hops: 1, Contact: "sip:10.0.0.6:5060;transport=tcp",
	}
	m, err := q.Message()
	if err != nil {
		t.Fatal(err)
	}
	want := "OPTIONS sip:10.0.0.20:5060 SIP/2.0\r\n" +
		"Max-Forwards: 1\r\n" +
		"From: <sip:10.0.0.6:5060>;tag=a1\r\n" +
		"To: <sip:10.0.0.20:5060>\r\n" +
		"Call-ID: c1\r\n" +
		"CSeq: 7 OPTIONS\r\n" +
		"Contact: <sip:10.0.0.6:5060;transport=tcp>\r\n" +
		"Content-Length: 0\r\n\r\n"
	if got := string(m.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, target := range []string{"", "10.0.0.20", "sip:a b"} {
		q.Target = target
		if _, err := q.Message(); err == nil {
			t.Errorf("a question to %q was written", target)
		}
	}
	q.Target = "sip:[2001:db8::20]:5060"
	if m, err = q.Message(); err != nil || m.URI() != q.Target {
		t.Errorf("a question to %s: %v", q.Target, err)
	}
}
