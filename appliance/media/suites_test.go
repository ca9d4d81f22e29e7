package media_test

import (
	"strings"
	"testing"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// A zone that bears no GCM suites is offered none and takes none; the other
// side of the call goes by its own zone.
func TestSuitesThatAZoneBears(t *testing.T) {
	p := newPair(t)
	p.policy = media.Policy{Inside: media.On, NoGCMInside: true}
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.use(1)
	in, err := p.inward(1, media.Offer, client.describe())
	must(t, err)
	if strings.Contains(in, "AEAD") || !strings.Contains(in, "a=crypto:1 "+string(sdp.AES128SHA1_80)) {
		t.Errorf("the inside was offered\n%s", in)
	}
	inside.secure(sdp.AES128SHA1_80).hear(in)
	out, err := p.outward(1, media.Answer, inside.describe())
	must(t, err)
	if !strings.Contains(out, "AEAD") {
		t.Errorf("the client was answered\n%s", out)
	}
	client.hear(out)
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")

	p.policy = media.Policy{NoGCMClient: true}
	p.use(2)
	if _, err = p.inward(2, media.Offer, client.describe()); err == nil || !strings.Contains(err.Error(), "488") {
		t.Errorf("a client with GCM alone: %v", err)
	}
	p.use(3)
	out, err = p.outward(3, media.Offer, newPhone(t, p.insideHost).describe())
	must(t, err)
	if strings.Contains(out, "AEAD") || !strings.Contains(out, string(sdp.AES128SHA1_80)) {
		t.Errorf("the client was offered\n%s", out)
	}
}
