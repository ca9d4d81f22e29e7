package media_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

func TestSuitesBothWays(t *testing.T) {
	for _, suite := range sdp.Suites() {
		for _, mux := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s mux=%v", suite, mux), func(t *testing.T) {
				p := newPair(t)
				client, inside := newPhone(t, p.clientHost).secure(suite), newPhone(t, p.insideHost)
				client.mux, inside.mux = mux, mux
				p.call(1, client, inside)
				talk(t, client, inside, "up")
				talk(t, inside, client, "down")
				reports(t, client, inside)
				reports(t, inside, client)
			})
		}
	}
}

func TestFamilies(t *testing.T) {
	for name, opts := range map[string][]option{
		"6 outside": {v6}, "6 inside": {insideV6}, "6 both": {v6, insideV6},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, opts...)
			client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
			if p.insideHost.Is6() {
				p.use(1) // an inside of IPv6 is known by its own offer
				out, err := p.outward(1, media.Offer, inside.describe())
				must(t, err)
				client.hear(out)
				in, err := p.inward(1, media.Answer, client.describe())
				must(t, err)
				inside.hear(in)
			} else {
				p.call(1, client, inside)
			}
			talk(t, client, inside, "up")
			talk(t, inside, client, "down")
		})
	}
}

func TestInsideSRTP(t *testing.T) {
	p := newPair(t)
	p.policy.Inside = media.On
	client := newPhone(t, p.clientHost).secure(sdp.AES128SHA1_80)
	inside := newPhone(t, p.insideHost)
	inside.version = 40
	inside.secure(sdp.AES256GCM)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")
	reports(t, client, inside)
}

func TestBestEffortTakesWhatIsAnswered(t *testing.T) {
	for _, secure := range []bool{false, true} {
		p := newPair(t)
		p.policy.Inside = media.BestEffort
		client, inside := newPhone(t, p.clientHost).secure(sdp.AES128SHA1_80), newPhone(t, p.insideHost)
		p.use(1)
		in, err := p.inward(1, media.Offer, client.describe())
		must(t, err)
		if !strings.Contains(in, "RTP/AVP ") || !strings.Contains(in, "a=crypto:") {
			t.Errorf("best effort offers RTP/AVP with keys, got\n%s", in)
		}
		answer := inside.describe()
		if secure {
			answer = strings.ReplaceAll(inside.secure(sdp.AES128GCM).describe(), "RTP/SAVP", "RTP/AVP")
		}
		inside.hear(in)
		out, err := p.outward(1, media.Answer, answer)
		must(t, err)
		client.hear(out)
		talk(t, client, inside, "up")
		talk(t, inside, client, "down")
	}
}

func TestLateOffer(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.use(1)
	out, err := p.outward(1, media.Offer, inside.describe())
	must(t, err)
	if got := strings.Count(out, "a=crypto:"); got != 4 {
		t.Errorf("core offers %d suites, want 4:\n%s", got, out)
	}
	client.hear(out)
	in, err := p.inward(1, media.Answer, client.describe())
	must(t, err)
	inside.hear(in)
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")
}

func TestForkedAnswersTheLastHolds(t *testing.T) {
	p := newPair(t)
	client := newPhone(t, p.clientHost).secure(sdp.AES128SHA1_80)
	first, second := newPhone(t, p.insideHost), newPhone(t, p.insideHost)
	p.call(1, client, first)
	talk(t, first, client, "early")
	second.to, second.toRTCP = first.to, first.toRTCP
	out, err := p.outward(1, media.Answer, second.describe())
	must(t, err)
	keep := client.rx
	client.hear(out)
	client.rx = keep // the same key: its context goes on
	talk(t, second, client, "second")
	talk(t, client, second, "to second")
}

func TestForkedClientsKeepOurKey(t *testing.T) {
	p := newPair(t)
	inside := newPhone(t, p.insideHost)
	one := newPhone(t, p.clientHost).secure(sdp.AES128SHA1_80)
	two := newPhone(t, p.clientHost)
	two.version = 9
	two.secure(sdp.AES128SHA1_80)
	p.use(1)
	out, err := p.outward(1, media.Offer, inside.describe())
	must(t, err)
	one.hear(out)
	two.hear(out)
	for _, client := range []*phone{one, two} {
		in, err := p.inward(1, media.Answer, client.describe())
		must(t, err)
		inside.hear(in)
		talk(t, client, inside, fmt.Sprint("from ", client.version))
	}
}

func TestReofferHoldAndBack(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	talk(t, inside, client, "down")
	rx, to := client.rx, client.to

	old := strings.Replace(inside.describe(), "c=IN IP4 "+p.insideHost.String(), "c=IN IP4 0.0.0.0", 1)
	out, err := p.outward(1, media.Offer, old)
	must(t, err)
	if !strings.Contains(out, "c=IN IP4 0.0.0.0") {
		t.Errorf("an old-style hold lost its address:\n%s", out)
	}
	if !p.edge.Pending(1, media.UCSide) || p.edge.Pending(1, media.ClientSide) {
		t.Error("edge does not know whose offer waits")
	}
	in, err := p.inward(1, media.Answer, client.describe("a=recvonly"))
	must(t, err)
	inside.hear(in)
	client.send("held")
	if inside.got(inside.rtp, "held", 100*time.Millisecond) {
		t.Error("media reaches an inside that wants none")
	}

	out, err = p.outward(1, media.Offer, inside.describe())
	must(t, err)
	client.hear(out)
	client.rx = rx
	if client.to != to {
		t.Errorf("ports moved from %s to %s", to, client.to)
	}
	in, err = p.inward(1, media.Answer, client.describe())
	must(t, err)
	inside.hear(in)
	talk(t, client, inside, "again")
	talk(t, inside, client, "again down")
}

func TestRefusedReofferRollsBack(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	_, before, _ := p.edgeRelay.Load()

	video := "m=video 5000 RTP/SAVP 97\r\na=crypto:1 AEAD_AES_128_GCM inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\r\n"
	_, err := p.inward(1, media.Offer, client.describe()+video)
	must(t, err)
	if _, now, _ := p.edgeRelay.Load(); now != before+1 {
		t.Errorf("video took %d pairs, want 1", now-before)
	}
	p.edge.Rollback(1, 0)
	p.core.Rollback(1, 0)
	waitFor(t, "the video's ports go back", func() bool { _, now, _ := p.edgeRelay.Load(); return now == before })
	talk(t, client, inside, "still")
	talk(t, inside, client, "still down")
}

func TestStreamsComeAndGo(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	video := "m=video %d RTP/%s 97\r\n"
	key := "a=crypto:1 AEAD_AES_128_GCM inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\r\n"
	offer := func(cport, iport int) {
		t.Helper()
		_, err := p.inward(1, media.Offer, client.describe()+fmt.Sprintf(video, cport, "SAVP")+key)
		must(t, err)
		_, err = p.outward(1, media.Answer, inside.describe()+fmt.Sprintf(video, iport, "AVP"))
		must(t, err)
	}
	offer(5000, 6000)
	if _, n, _ := p.coreRelay.Load(); n != 3 {
		t.Errorf("core holds %d pairs for two streams and the link, want 3", n)
	}
	offer(0, 0)
	waitFor(t, "video's ports rest", func() bool { _, n, _ := p.coreRelay.Load(); return n == 2 })
	talk(t, client, inside, "audio goes on")
	offer(5000, 6000)
	if _, err := p.inward(1, media.Offer, client.describe()); err == nil {
		t.Error("an offer may not lose a media line")
	}
}

func TestOfferWithoutKeysIsRefused(t *testing.T) {
	p := newPair(t)
	p.use(1)
	_, err := p.edge.Inward(1, 0, media.Offer, []byte(newPhone(t, p.clientHost).describe()), "t")
	r, ok := err.(*media.Refused)
	if !ok || r.Status != 488 || !strings.Contains(r.Reason, "a=crypto") {
		t.Errorf("got %v, want 488 that names a=crypto", err)
	}
	if s, n, _ := p.edgeRelay.Load(); n != 0 {
		t.Errorf("a refused offer holds %d sessions and %d pairs", s, n)
	}
}

func TestFaxPassesAsItIs(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost), newPhone(t, p.insideHost)
	fax := func(ph *phone) string {
		return strings.NewReplacer("m=audio", "m=image", "RTP/AVP 0 101", "udptl t38").Replace(ph.describe("a=T38FaxVersion:0"))
	}
	p.use(1)
	in, err := p.inward(1, media.Offer, fax(client))
	must(t, err)
	inside.hear(in)
	out, err := p.outward(1, media.Answer, fax(inside))
	must(t, err)
	client.hear(out)
	talk(t, client, inside, "page")
	talk(t, inside, client, "confirmed")
}

func TestForgottenCallComesBackWithTheNextOffer(t *testing.T) {
	p := newPair(t)
	client, inside := newPhone(t, p.clientHost).secure(sdp.AES128GCM), newPhone(t, p.insideHost)
	p.call(1, client, inside)
	talk(t, client, inside, "up")
	for _, forget := range []func(){func() { p.edge.End(1) }, func() { p.core.End(1) }} {
		forget()
		p.clock.advance(2 * time.Second)
		client.version += 10
		client.secure(sdp.AES128GCM)
		p.call(1, client, inside)
		talk(t, client, inside, "up again")
		talk(t, inside, client, "down again")
	}
}
