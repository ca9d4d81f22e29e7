package discover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

func (s *site) raised(a *xapi.Alarm) (out []string) {
	for _, r := range s.alarms.List() {
		if r.Alarm == a {
			out = append(out, r.Detail)
		}
	}
	slices.Sort(out)
	return out
}

// TestNodeGoesAndComesBack stops a node: the second miss takes it out, the
// first connection brings it back.
func TestNodeGoesAndComesBack(t *testing.T) {
	s := newSite(t)
	s.callManager("15.0.1", "pub.example.com", "sub.example.com")
	sub := s.host("sub.example.com", nil)
	s.add(source(uc.UnifiedCM, "pub.example.com"))
	down := func() (out []string) {
		for _, srv := range s.d.Facts().Servers {
			for kind := range srv.Down {
				out = append(out, srv.Host+" "+string(kind))
			}
		}
		slices.Sort(out)
		return out
	}
	s.d.probeAll(t.Context())
	s.d.probeAll(t.Context())
	if got := down(); len(got) > 0 {
		t.Fatalf("down: %v", got)
	}
	sub.Stop()
	s.d.probeAll(t.Context())
	if got := down(); len(got) > 0 || len(s.news) > 0 {
		t.Errorf("one miss takes a node out: %v", got)
	}
	s.d.probeAll(t.Context())
	if got, want := down(), []string{"sub.example.com TFTP", "sub.example.com UnifiedCM"}; !slices.Equal(got, want) || len(s.news) != 1 {
		t.Errorf("down: %v, want %v; news %d", got, want, len(s.news))
	}
	if got := s.raised(xapi.AlarmNodeDown); len(got) != 2 || !strings.Contains(got[1], "Unified CM sub.example.com does not answer: port 8443: ") {
		t.Errorf("alarms: %q", got)
	}
	if err := sub.Resume(); err != nil {
		t.Fatal(err)
	}
	s.d.probeAll(t.Context())
	if got := down(); len(got) > 0 || len(s.news) != 2 || len(s.raised(xapi.AlarmNodeDown)) > 0 {
		t.Errorf("it is back, but down: %v", got)
	}
}

// TestFailedRefreshKeepsWhatWasKnown raises an alarm and lowers it again.
func TestFailedRefreshKeepsWhatWasKnown(t *testing.T) {
	s := newSite(t)
	a := lab.NewAXL("15.0.1", "pub.example.com")
	h := s.host("pub.example.com", a)
	s.add(source(uc.UnifiedCM, "pub.example.com"))
	h.SetFault(lab.Fault{Status: 500})
	if _, errs := s.d.Refresh(t.Context(), ""); len(errs) != 1 || errs[0] == nil {
		t.Fatalf("a broken publisher: %v", errs)
	}
	if f, raised := s.d.Facts(), s.raised(xapi.AlarmDiscovery); len(f.Servers) != 1 || len(raised) != 1 || !strings.Contains(raised[0], "pub.example.com") {
		t.Errorf("%+v, alarms %q", f, raised)
	}
	if due, wait := s.d.due(); len(due) > 0 || wait > time.Minute {
		t.Errorf("it is asked again in %s", wait)
	}
	h.SetFault(lab.Fault{})
	a.SetVersion("15.0.2")
	if _, errs := s.d.Refresh(t.Context(), "pub.example.com"); errs[0] != nil {
		t.Fatal(errs)
	}
	if f := s.d.Facts(); f.Clusters[0].Version != "15.0.2" || len(s.raised(xapi.AlarmDiscovery)) > 0 || len(s.news) != 1 {
		t.Errorf("%+v, news %d", f.Clusters, len(s.news))
	}
	if _, errs := s.d.Refresh(t.Context(), ""); errs[0] != nil || len(s.news) != 1 {
		t.Errorf("nothing new is news: %v, %d", errs, len(s.news))
	}
}

// TestRunAsksWhatIsConfigured needs no command: rows that an import brought are
// asked by themselves.
func TestRunAsksWhatIsConfigured(t *testing.T) {
	s := newSite(t)
	s.callManager("15.0.1", "pub.example.com")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.d.Run(ctx) }()
	s.d.Apply(Plan{Sources: []Source{source(uc.UnifiedCM, "pub.example.com")}, Refresh: time.Hour, Probe: time.Hour})
	select {
	case <-s.news:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was asked")
	}
	if f := s.d.Facts(); len(f.Servers) != 1 {
		t.Errorf("%+v", f)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestFourHundredNodes is as many as a core knows, in several clusters.
func TestFourHundredNodes(t *testing.T) {
	s := newSite(t)
	var sources []Source
	for c := range 4 {
		var hosts []string
		for n := range MaxNodes / 4 {
			hosts = append(hosts, fmt.Sprintf("n%d.c%d.example.com", n, c))
		}
		s.callManager("15.0.1", hosts...)
		sources = append(sources, source(uc.UnifiedCM, hosts[0]))
	}
	s.add(sources...)
	if f := s.d.Facts(); len(f.Clusters) != 4 || len(f.Servers) != MaxNodes {
		t.Fatalf("%d clusters, %d nodes", len(f.Clusters), len(f.Servers))
	}
	s.callManager("15.0.1", "more.example.com")
	if _, err := s.d.Ask(t.Context(), source(uc.UnifiedCM, "more.example.com")); err == nil || !strings.Contains(err.Error(), "there would be 401; 400 are the most") {
		t.Errorf("one more: %v", err)
	}
	again := s.discoverer()
	again.Apply(Plan{Sources: sources, Refresh: time.Hour})
	if f := again.Facts(); len(f.Servers) != MaxNodes {
		t.Errorf("after a restart there are %d nodes", len(f.Servers))
	}
	s.d.probeAll(t.Context())
	s.d.probeAll(t.Context())
	if n := len(s.raised(xapi.AlarmNodeDown)); n == 0 || n > 1000 {
		t.Errorf("%d alarms", n)
	}
}

// TestAdvice holds each finding to its cause.
func TestAdvice(t *testing.T) {
	s := newSite(t)
	one, two := s.callManager("15.0.1", "one.example.com", "bare"), s.callManager("15.0.1", "two.example.com", "10.0.0.9")
	one.SetRemote().SetParam("OrganizationTopLevelDomain", "elsewhere.net")
	two.SetRemote("ONE.example.com")
	one.SetNodes(append(one.Nodes(), lab.AXLNode{Host: "imp.example.com", Presence: true})...)
	for _, h := range []string{"chat1.example.com", "chat2.example.com"} {
		s.host(h, lab.NewPresenceAXL("15.0.1", "example.com", h))
	}
	unverified := source(uc.UnifiedCM, "two.example.com")
	unverified.Verify = false
	s.add(source(uc.UnifiedCM, "one.example.com"), unverified, source(uc.IMPresence, "chat1.example.com"), source(uc.IMPresence, "chat2.example.com"))
	w := World{
		Domains:  func(int) []string { return []string{"example.com"} },
		Transfer: func(host string, _ int) bool { return host == "chat1.example.com" },
	}
	var got []string
	for _, f := range s.d.Advise(w) {
		if f.Check != "trust" {
			got = append(got, f.About+" "+f.Check)
		}
	}
	want := []string{
		"chat1.example.com peering", "chat2.example.com peering", "chat2.example.com transfer", "one.example.com domain",
		"one.example.com look-up", "one.example.com name", "one.example.com transfer", "two.example.com name", "two.example.com validation",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(s.raised(xapi.AlarmCrossCheck)) != 2 {
		t.Errorf("cross-checks: %q", s.raised(xapi.AlarmCrossCheck))
	}
	s.d.Apply(Plan{})
	if left := s.d.Advise(w); len(left) > 0 || len(s.raised(xapi.AlarmUCAdvice))+len(s.raised(xapi.AlarmCrossCheck)) > 0 {
		t.Errorf("nothing is configured, and yet: %v", left)
	}
}

// TestServerOfTwoClusters belongs to the first.
func TestServerOfTwoClusters(t *testing.T) {
	s := newSite(t)
	s.callManager("15.0.1", "one.example.com", "shared.example.com")
	s.callManager("15.0.1", "two.example.com", "shared.example.com")
	s.add(source(uc.UnifiedCM, "two.example.com"), source(uc.UnifiedCM, "one.example.com"))
	f := s.d.Facts()
	if len(f.Servers) != 3 || len(f.Twice) != 1 || !strings.Contains(f.Twice[0], "shared.example.com of one.example.com and two.example.com") {
		t.Errorf("%+v", f)
	}
}

// TestPreflight says of each kind of certificate whether it would be taken.
func TestPreflight(t *testing.T) {
	s := newSite(t)
	a := s.callManager("15.0.1", "pub.example.com", "sub.example.com")
	a.SetParam("ClusterSecurityMode", "1")
	conf, _, err := lab.SelfSigned([]string{"sub.example.com"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.hostWith("sub.example.com", conf, nil)
	s.add(source(uc.UnifiedCM, "pub.example.com"))
	got := map[string]Flight{}
	for _, f := range s.d.Preflight(t.Context(), "pub.example.com") {
		got[fmt.Sprintf("%s %d", f.Node, f.Port)] = f
	}
	if f := got["pub.example.com 8443"]; !f.Good || f.Chain != "ECDSA" || f.Verdict != "would be taken" {
		t.Errorf("publisher: %+v", f)
	}
	if f := got["sub.example.com 8443"]; f.Good || !strings.Contains(f.Verdict, "self-signed: install it by CACertificateInstall") {
		t.Errorf("subscriber: %+v", f)
	}
	if len(got) != 10 { // each node's 8443, 5061, 6972, 443 and 9444
		t.Errorf("%d ports: %v", len(got), got)
	}
	if all := s.d.PreflightHost(t.Context(), "nobody.example.com"); len(all) != 2 || all[0].Good || !strings.Contains(all[0].Verdict, "no certificate was shown: it cannot be reached") {
		t.Errorf("nobody: %+v", all)
	}
}
