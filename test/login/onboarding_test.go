package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/trust"
	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

const phone = "SEP001122334455"

// TestOnboarding: a phone out of its box redeems its code through edge, is sent
// to its service domain, signs in and registers there by what it was given.
func TestOnboarding(t *testing.T) {
	const token = "xConfiguration SIP Domain 1 Authentication: Token"
	s := stageOf(t, pair.Config{
		World: func(w *lab.WorldConfig) { w.Registrar = func(r *lab.RegistrarConfig) { r.Open = true } },
		Edge:  []string{token}, Core: []string{token},
	}, OpenDefault)
	o := onboarding(t, s)
	code := s.Pair.World.Activation.AddCode(phone, "alice", "Home office", time.Hour)
	p, err := o.Onboard(t.Context(), phone, code)
	if err != nil {
		t.Fatal(err)
	}
	if p.Domain != s.Domain {
		t.Fatalf("sent to %s", p.Domain)
	}
	sip, err := s.Pair.Phone("alice", 440)
	if err != nil {
		t.Fatal(err)
	}
	defer sip.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := sip.Start(ctx); err != nil {
		t.Fatal(err)
	}
	sip.SetToken(p.Tokens.Access)
	if err := sip.Register(ctx); err != nil {
		t.Error(err)
	}
	for level, want := range map[string]string{"pool Home office": "pool.example.com", "device " + phone: "device.example.com"} {
		s.Pair.World.Activation.SetServiceDomain(level, want)
		file, err := p.Get(t.Context(), "https://"+s.Pair.World.Home.Publisher().Host+":6972/"+phone+".cnf.xml")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := lab.ServiceDomain(file.Body); got != want && got != "device.example.com" {
			t.Errorf("%s: sent to %q", level, got)
		}
	}
	edge, err := s.Pair.Edge.Status(t.Context(), "Onboarding")
	if err != nil || leaf(edge, "Passed") != "2" || leaf(edge, "Refused") != "0" || !strings.Contains(leaf(edge, "Subject"), "Phone Maker Root") {
		t.Errorf("status of edge: %+v, %v", edge, err)
	}
	core, err := s.Pair.Core.Status(t.Context(), "CollaborationEdge")
	if err != nil || !hasLeaf(core, "Contexts", "Activation,Edge,Service") {
		t.Errorf("contexts of domains: %+v, %v", core, err)
	}
}

// TestOnboardingRefuses: every way in which a code is not redeemed.
func TestOnboardingRefuses(t *testing.T) {
	s := stage(t, Open)
	o := onboarding(t, s)
	a := s.Pair.World.Activation
	stranger, err := trust.NewCA("Another Maker", nil)
	if err != nil {
		t.Fatal(err)
	}
	try := func(maker *trust.CA, domain, base, device, code string) int {
		t.Helper()
		c, err := s.Fresh(maker, device, domain)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Activate(t.Context(), base, device, code)
		var status *lab.PageError
		switch {
		case err == nil:
			return 200
		case errors.As(err, &status):
			return status.Status
		}
		t.Fatal(err)
		return 0
	}
	expect := func(name string, got, want, inside int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
		if seen := len(a.Seen()); seen != inside {
			t.Errorf("%s: %d requests got inside, want %d", name, seen, inside)
		}
	}
	base := s.ActivationBase()
	code := a.AddCode(phone, "alice", "", time.Hour)
	remote := "https://" + s.Pair.World.Remote.Publisher().Host + ":8443"
	expect("no certificate", try(nil, ActivationDomain, base, phone, code), 403, 0)
	expect("unknown manufacturer", try(stranger, ActivationDomain, base, phone, code), 403, 0)
	expect("no activation domain", try(o.Maker, s.Domain, base, phone, code), 403, 0)
	expect("node of another cluster", try(o.Maker, ActivationDomain, remote, phone, code), 403, 0)
	expect("wrong code", try(o.Maker, ActivationDomain, base, phone, strings.Repeat("7", 16)), 403, 2)
	expect("another's code", try(o.Maker, ActivationDomain, base, "SEP00AABBCCDDEE", code), 403, 4)
	expect("right, below the domain alone", try(o.Maker, ActivationDomain, "", phone, code), 200, 6)
	expect("used twice", try(o.Maker, ActivationDomain, base, phone, code), 403, 8)
	old := a.AddCode("SEP000000000001", "alice", "", -time.Second)
	expect("over", try(o.Maker, ActivationDomain, base, "SEP000000000001", old), 403, 10)

	// One phone guesses: it is held after a few tries, whatever the code.
	guess, err := s.Fresh(o.Maker, phone, ActivationDomain)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for i := range 6 {
		_, err := guess.Activate(t.Context(), base, phone, fmt.Sprintf("%016d", i))
		var status *lab.PageError
		if errors.As(err, &status) {
			if last = status.Status; last == 429 && status.Page.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if last != 429 {
		t.Errorf("the sixth guess gets %d", last)
	}
	// Its manufacturer is trusted no more: live, on the same connection too.
	fresh := a.AddCode("SEP000000000002", "alice", "", time.Hour)
	if err := deploy.Type(t.Context(), s.Pair.Edge, "xCommand ManufacturerCADelete Fingerprint: "+trust.Fingerprint(o.Maker.Certificate())); err != nil {
		t.Fatal(err)
	}
	if _, err := guess.Activate(t.Context(), base, phone, fresh); err == nil || !strings.Contains(err.Error(), "status 403") {
		t.Errorf("after the manufacturer was removed: %v", err)
	}
	alarmed(t, s, "74031")
	if err := deploy.Type(t.Context(), s.Pair.Edge, "xConfiguration CollaborationEdge AllowOnboardingOverMra: Off"); err != nil {
		t.Fatal(err)
	}
	before := len(a.Seen())
	expect("switched off", try(o.Maker, ActivationDomain, base, "SEP000000000002", fresh), 403, before)
}

// TestOnboardingHTTP1: phones that speak HTTP/1.1 are known by their
// certificate as those with HTTP/2 are.
func TestOnboardingHTTP1(t *testing.T) {
	s := stage(t, Open)
	o := onboarding(t, s)
	c, err := s.Fresh(o.Maker, phone, ActivationDomain)
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(c.LaneURL("ccmact/v1/actions/srp/invoke"), "https://"+pair.EdgeName+":8443")
	body := `{"deviceName":"` + phone + `","A":"7"}`
	raw := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nX-Sallyport-Device: name=x&print=y\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", path, pair.EdgeName, len(body), body)
	if page, err := c.Raw(t.Context(), []byte(raw)); err != nil || page.Status != 401 || !strings.Contains(string(page.Body), "salt") {
		t.Errorf("%+v, %v", page, err)
	}
	bare, err := s.Fresh(nil, phone, ActivationDomain)
	if err != nil {
		t.Fatal(err)
	}
	if page, err := bare.Raw(t.Context(), []byte(raw)); err != nil || page.Status != 403 {
		t.Errorf("a header that says what only edge may: %+v, %v", page, err)
	}
	if err := o.CloseOnboarding(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOnboardingForms: what phones and the activation service write to each
// other is not published, so it differs in every way that it may, and passes all
// the same, at a server's prefix and below the domain alone.
func TestOnboardingForms(t *testing.T) {
	s := stage(t, Open)
	o := onboarding(t, s)
	a := s.Pair.World.Activation
	for i, form := range []lab.ActivationForm{{Kind: "xml"}, {Kind: "form"}, {Header: true}, {Cookie: true}, {Kind: "xml", Cookie: true, Status: 201}} {
		a.SetForm(form)
		for lane, base := range map[string]string{"N": s.ActivationBase(), "D": ""} {
			device := fmt.Sprintf("SEP%s%011d", lane, i)
			box, err := o.Fresh(o.Maker, device, s.Activation)
			if err != nil {
				t.Fatal(err)
			}
			box.Activation = form
			if _, err := box.Activate(t.Context(), base, device, a.AddCode(device, "bob", "", time.Hour)); err != nil {
				t.Errorf("%+v at %q: %v", form, base, err)
			}
			if _, err := box.Activate(t.Context(), base, device, "0000000000000000"); refusal(err) != 403 {
				t.Errorf("%+v at %q, another code: %v", form, base, err)
			}
		}
	}
}

func refusal(err error) int {
	var no *lab.PageError
	if errors.As(err, &no) {
		return no.Status
	}
	return 0
}

// TestOnboardingAdvice: what would keep phones from getting further is told, and
// forgotten when it is mended.
func TestOnboardingAdvice(t *testing.T) {
	s := stage(t, Open)
	core := func(lines ...string) {
		t.Helper()
		if err := deploy.Type(t.Context(), s.Pair.Core, lines...); err != nil {
			t.Fatal(err)
		}
	}
	advice := func(want string) {
		t.Helper()
		await(t, func() error {
			status, err := s.Pair.Core.Status(t.Context(), "Alarm")
			if err != nil {
				return err
			}
			got := ""
			for _, a := range s.Pair.Core.Alarms() {
				if a.Alarm.ID == 74032 {
					got += a.Detail
				}
			}
			if want == "" && got != "" || !strings.Contains(got, want) {
				return fmt.Errorf("advice %q, want %q (%v)", got, want, status != nil)
			}
			return nil
		})
	}
	core("xConfiguration CollaborationEdge AllowOnboardingOverMra: On")
	advice("No cluster has an activation domain")
	line := fmt.Sprintf("xConfiguration CollaborationEdge CUCM %d ActivationDomain: ", s.publisher())
	core(line + "nowhere.example.com")
	advice("is no domain of remote users here")
	core(line + pair.Domain)
	advice("another deployment")
	core(line + s.Domain)
	advice("set CollaborationEdge OauthLocal to On")
	core("xConfiguration CollaborationEdge OauthLocal: On")
	advice("")
	axl := s.Pair.World.HomeAXL
	nodes := axl.Nodes()
	without := slices.Clone(nodes)
	for i := range without {
		without[i].Services = slices.DeleteFunc(slices.Clone(without[i].Services), func(s string) bool { return s == "Cisco Device Activation Service" })
	}
	axl.SetNodes(without...)
	refresh := "xCommand RefreshServers Address: " + s.Pair.World.Home.Publisher().Host
	core(refresh)
	advice("has the Cisco Device Activation Service active, so no code is redeemed in " + s.Domain + ": activate it")
	axl.SetNodes(nodes...)
	core(refresh)
	advice("")
}

func onboarding(t *testing.T, s *Stage) *Onboarding {
	t.Helper()
	o, err := s.OpenOnboarding(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func alarmed(t *testing.T, s *Stage, id string) {
	t.Helper()
	await(t, func() error {
		for _, a := range s.Pair.Edge.Alarms() {
			if fmt.Sprint(a.Alarm.ID) == id {
				return nil
			}
		}
		return fmt.Errorf("alarm %s is not raised", id)
	})
}
