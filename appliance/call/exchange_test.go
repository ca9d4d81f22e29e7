package call

import (
	"strings"
	"testing"

	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// Request, response and ACK of one offer are of one exchange, and no other.
func TestExchangeOf(t *testing.T) {
	of := func(kind signaling.Description, start, from, to, cseq, rack string) media.ExchangeID {
		t.Helper()
		text := start + "\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\nMax-Forwards: 70\nFrom: <sip:a@x>" + from + "\nTo: <sip:b@x>" + to +
			"\nCall-ID: c\nCSeq: " + cseq + "\n" + rack + "Content-Length: 0\n\n"
		m, f := sip.Parse([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
		if f != nil {
			t.Fatal(f)
		}
		return ExchangeOf(m, kind)
	}
	const request, ok = " sip:b@x SIP/2.0", "SIP/2.0 200 OK"
	invite := of(signaling.Offer, "INVITE"+request, ";tag=1", "", "1 INVITE", "")
	answer := of(signaling.Answer, ok, ";tag=1", ";tag=2", "1 INVITE", "")
	if invite>>32 != answer>>32 || invite == answer {
		t.Errorf("the offer is of %x, its answer of %x", invite, answer)
	}
	if fork := of(signaling.Answer, ok, ";tag=1", ";tag=3", "1 INVITE", ""); fork == answer || fork>>32 != answer>>32 {
		t.Errorf("two forks answer %x and %x", answer, fork)
	}
	for what, other := range map[string]media.ExchangeID{
		"the next":     of(signaling.Offer, "INVITE"+request, ";tag=1", ";tag=2", "2 INVITE", ""),
		"the other's":  of(signaling.Offer, "INVITE"+request, ";tag=2", ";tag=1", "1 INVITE", ""),
		"a late offer": of(signaling.Offer, ok, ";tag=1", ";tag=2", "1 INVITE", ""),
		"without tag":  of(signaling.Offer, "INVITE"+request, "", "", "1 INVITE", ""),
	} {
		if other>>32 == invite>>32 {
			t.Errorf("%s is of the same exchange", what)
		}
	}
	late := of(signaling.Offer, ok, ";tag=1", ";tag=2", "7 INVITE", "")
	ack := of(signaling.Answer, "ACK"+request, ";tag=1", ";tag=2", "7 ACK", "")
	prack := of(signaling.Answer, "PRACK"+request, ";tag=1", ";tag=2", "8 PRACK", "RAck: 99 7 INVITE\n")
	if late != ack || late != prack {
		t.Errorf("a late offer is of %x, its answer in the ACK of %x, in a PRACK of %x", late, ack, prack)
	}
	if fork := of(signaling.Offer, ok, ";tag=1", ";tag=3", "7 INVITE", ""); fork == late {
		t.Error("two forks make one late offer")
	}
}
