package core

import (
	"strings"
	"testing"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/push"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/state"
)

// sleepy is a core with nothing but its sleepers, whose time a test moves.
func sleepy(t *testing.T, store *state.Store, keys tokens, at *clock) *sleepers {
	t.Helper()
	c := &Core{tokens: keys, rand: func() uint64 { return 250 }, sleeping: store.Table("sleepers", 10)}
	c.cfg.Clock = at.read
	c.plan.Store(&Plan{Push: true, PushLead: 2 * time.Minute})
	c.sleepers = c.newSleepers()
	return c.sleepers
}

func memory(t *testing.T, at *clock) *state.Store {
	t.Helper()
	s, err := state.Open("", at.read)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dozing(at *clock, path string, lasts time.Duration) sleeper {
	return sleeper{Key: flow.Key{AOR: "dave@example.com", Device: "d"}, URI: "sip:dave@192.0.2.1", Path: []string{"<sip:" + path + "@edge.example.com;lr>"},
		Peer: 7, Device: push.Device{Provider: "apns", ID: "secret0123"}, Since: at.now, Lasts: lasts, Expires: at.now.Add(lasts)}
}

func TestSleepersOutliveTheProcess(t *testing.T) {
	at, keys := newClock(), keys()
	store := memory(t, at)
	one := dozing(at, "e1.aaa", time.Hour)
	if err := sleepy(t, store, keys, at).keep(one); err != nil {
		t.Fatal(err)
	}
	store.Table("sleepers", 10).Range(func(_ string, v []byte, _ time.Time) bool {
		if strings.Contains(string(v), "secret0123") || strings.Contains(string(v), "dave") {
			t.Error("what wakes a phone lies open in state")
		}
		return true
	})
	again := sleepy(t, store, keys, at)
	if got, ok := again.at(one.Path); !ok || got.Device != one.Device || got.URI != one.URI {
		t.Errorf("%+v, %v", got, ok)
	}
	at.now = at.now.Add(2 * time.Hour)
	if _, ok := again.at(one.Path); ok {
		t.Error("a registration that is over can be woken")
	}
	again.overdue(at.now, 10)
	if phones, _ := again.count(); phones != 0 {
		t.Error("it is not dropped")
	}
}

// A phone that comes back by another way is the same phone, and whoever waits
// gets it.
func TestSleeperComesBack(t *testing.T) {
	at := newClock()
	s := sleepy(t, memory(t, at), keys(), at)
	one := dozing(at, "e1.aaa", time.Hour)
	if err := s.keep(one); err != nil {
		t.Fatal(err)
	}
	back, leave, ok := s.wait(one)
	if !ok {
		t.Fatal("no room")
	}
	at.now = at.now.Add(time.Second)
	moved := dozing(at, "e1.bbb", time.Hour)
	if err := s.keep(moved); err != nil {
		t.Fatal(err)
	}
	if got := <-back; got.Path[0] != moved.Path[0] {
		t.Errorf("back at %v", got.Path)
	}
	leave()
	if phones, held := s.count(); phones != 1 || held != 0 {
		t.Errorf("%d phones, %d held", phones, held)
	}
	late, leave, _ := s.wait(one) // it came before anybody waited
	defer leave()
	if got := <-late; got.Path[0] != moved.Path[0] {
		t.Errorf("back at %v", got.Path)
	}
}

func TestHeldIsBounded(t *testing.T) {
	at := newClock()
	s := sleepy(t, memory(t, at), keys(), at)
	one := dozing(at, "e1.aaa", time.Hour)
	if err := s.keep(one); err != nil {
		t.Fatal(err)
	}
	for range maxHeldEach {
		if _, _, ok := s.wait(one); !ok {
			t.Fatal("no room")
		}
	}
	if _, _, ok := s.wait(one); ok {
		t.Error("more wait for one user than may")
	}
}

// A phone is woken before its registration ends, earlier than the lead by its
// spread, once more shortly before the end, and then left alone.
func TestOverdue(t *testing.T) {
	at := newClock()
	begin := at.now
	s := sleepy(t, memory(t, at), keys(), at)
	one := dozing(at, "e1.aaa", time.Hour)
	if err := s.keep(one); err != nil {
		t.Fatal(err)
	}
	var asked []time.Duration
	for at.now = begin; at.now.Before(begin.Add(time.Hour)); at.now = at.now.Add(time.Second) {
		if len(s.overdue(at.now, 10)) > 0 {
			asked = append(asked, at.now.Sub(begin))
		}
	}
	if len(asked) != 2 || asked[0] != time.Hour-150*time.Second || asked[1] != time.Hour-40*time.Second {
		t.Errorf("asked after %v", asked)
	}
	if !s.mayAsk(one, at.now) || s.mayAsk(one, at.now.Add(time.Second)) {
		t.Error("a phone is woken twice in a moment")
	}
	at.now = at.now.Add(time.Minute)
	again := dozing(at, "e1.aaa", time.Hour)
	if err := s.keep(again); err != nil {
		t.Fatal(err)
	}
	if s.mayAsk(one, at.now) {
		t.Error("a phone is woken that has registered since")
	}
	if !s.mayAsk(again, at.now) {
		t.Error("a phone is not woken that sleeps again")
	}
}

// Whom only a held call concerns: nothing within a dialog, no other method.
func TestWhatWakes(t *testing.T) {
	for text, want := range map[string]bool{
		"INVITE sip:dave@example.com SIP/2.0":                                                     true,
		"MESSAGE sip:dave@example.com SIP/2.0\nCSeq: 1 MESSAGE":                                   true,
		"OPTIONS sip:dave@example.com SIP/2.0\nCSeq: 1 OPTIONS":                                   false,
		"INVITE sip:dave@example.com SIP/2.0\nTo: <sip:dave@example.com>;tag=there":               false,
		"MESSAGE sip:dave@example.com SIP/2.0\nCSeq: 1 MESSAGE\nTo: <sip:dave@example.com>;tag=x": false,
	} {
		if _, got := wakes(parse(t, text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestPushParametersStay(t *testing.T) {
	na, err := sip.ParseNameAddr(`<sip:dave@192.0.2.1:5061;transport=tls;pn-provider=APNS;pn-prid=00%66c;pn-param=T.app>;+sip.pnsreg`)
	if err != nil {
		t.Fatal(err)
	}
	provider, _ := na.URI.Param("pn-provider")
	if d := pushDevice(na.URI, provider); d != (push.Device{Provider: "apns", ID: "00fc", Param: "T.app"}) {
		t.Errorf("%+v", d)
	}
	if got := withoutPush(na.URI).String(); got != "sip:dave@192.0.2.1:5061;transport=tls" {
		t.Error(got)
	}
	resp := answer(t, "200 OK", "Contact: <sip:dave@192.0.2.1:5061;transport=tls>;expires=120")
	if lasts := ownAgain(resp, na.URI, "600"); lasts != 2*time.Minute || !strings.Contains(resp.Get("Contact"), "pn-prid=00%66c") {
		t.Error(lasts, resp.Get("Contact"))
	}
	c := &Core{}
	c.plan.Store(&Plan{PushLead: 2 * time.Minute})
	c.tellCaps(resp, &pushAsk{contact: na, device: push.Device{Provider: "apns"}, self: true, keep: true}, 2*time.Minute)
	if got := resp.Get("Feature-Caps"); got != `*;+sip.pns="apns";+sip.pnsreg="60"` {
		t.Error(got)
	}
}

// TestSilence: a phone that says nothing within the patience is woken, once;
// one that says something is not, nor one whose call is over; and strangers to
// the bound cost nothing.
func TestSilence(t *testing.T) {
	at := newClock()
	s := sleepy(t, memory(t, at), keys(), at)
	c := s.core
	one := dozing(at, "e1.aaa", time.Hour)
	said := 0
	branch := func() (signaling.Branch, func()) {
		return c.orSilent(signaling.Branch{OnResponse: func(*sip.Message) { said++ }, OnFinal: func(int) { said++ }}, one, push.Call, "t")
	}
	if _, heard := branch(); len(s.mute) != 0 {
		t.Error("without patience somebody listens")
		heard()
	}
	c.plan.Store(&Plan{Push: true, PushPatience: 3 * time.Second})
	rings, _ := branch()
	rings.OnResponse(nil)
	over, _ := branch()
	over.OnFinal(487)
	gone, heard := branch()
	heard()
	if gone.OnFinal(430); said != 3 {
		t.Errorf("the branch's own were told %d times", said)
	}
	branch()
	at.now = at.now.Add(2 * time.Second)
	if early := s.unheard(at.now, 10); len(early) > 0 {
		t.Errorf("early: %+v", early)
	}
	at.now = at.now.Add(time.Second)
	if due := s.unheard(at.now, 10); len(due) != 1 || due[0].why != push.Call || due[0].trace != "t" {
		t.Errorf("due: %+v", due)
	}
	if again := s.unheard(at.now, 10); len(again) > 0 {
		t.Errorf("twice: %+v", again)
	}
	for range maxHeld + 5 {
		branch()
	}
	if len(s.mute) != maxHeld {
		t.Errorf("%d are listened for", len(s.mute))
	}
}
