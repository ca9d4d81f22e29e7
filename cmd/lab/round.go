package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sallyport/test/lab"
	"sallyport/test/login"
	"sallyport/test/pair"
	"sallyport/test/worlds"
)

// A check is one thing that must hold, measured at the far end.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func (c check) String() string {
	word := "ok    "
	if !c.OK {
		word = "FAILED"
	}
	return fmt.Sprintf("  %s %-20s %s", word, c.Name, c.Detail)
}

// Tones of the outside phones; carol's is the world's.
const (
	aliceTone = 440
	bobTone   = 660
)

// enough is how many packets of 20 ms a check listens to.
const enough = 60

// stepTime bounds one check.
const stepTime = 60 * time.Second

// round is the main job, once: register, call every way, fetch, administer.
type round struct {
	pair       *pair.Pair
	alice, bob *lab.Phone
	standing   *lab.Call
	far        *lab.Call // its other end, where the table measures
	headers    []string  // of answers to the browser, for the leak check
	worlds     *worlds.Worlds
	login      *login.Stage
	client     *login.Client // alice, signed in
}

type step struct {
	name string
	do   func(context.Context) (string, error)
}

func (r *round) steps() []step {
	return []step{
		{"register", r.register},
		{"call-out", r.callOut},
		{"call-in", r.callIn},
		{"call-both-outside", r.callBothOutside},
		{"media-both-ways", r.mediaBothWays},
		{"fetch-allowed", r.fetchAllowed},
		{"fetch-denied", r.fetchDenied},
		{"chat", r.chat},
		{"allow-list-csv", r.allowListCSV},
		{"deployment-isolation", r.deploymentIsolation},
		{"login-password", r.loginPassword},
		{"login-token", r.loginToken},
		{"login-sso", r.loginSSO},
		{"onboarding", r.onboarding},
		{"home-cluster", r.homeCluster},
		{"discovery", r.discovery},
		{"tftp-file", r.tftpFile},
		{"voicemail", r.voicemail},
		{"path-off", r.pathOff},
		{"path-on", r.pathOn},
		{"shared-line", r.sharedLine},
		{"fast-path", r.fastPath},
		{"push-wake", r.pushWake},
		{"trunk", r.trunk},
		{"recording-bib", r.recordingBib},
		{"recording-siprec", r.recordingSiprec},
		{"call-back", r.callBack},
		{"multidomain", r.multidomain},
		{"drain", r.drain},
		{"roaming", r.roaming},
		{"ice-passthrough", r.icePassthrough},
		{"no-inside-address", r.noInsideAddress},
		{"shell", r.shell},
	}
}

func (r *round) run(ctx context.Context, tell func(check)) []check {
	var out []check
	for _, s := range r.steps() {
		c := check{Name: s.name}
		stepCtx, stop := context.WithTimeout(ctx, stepTime)
		detail, err := s.do(stepCtx)
		stop()
		c.OK, c.Detail = err == nil, detail
		if err != nil {
			c.Detail = strings.TrimSpace(detail + " " + err.Error())
		}
		tell(c)
		out = append(out, c)
	}
	return out
}

func (r *round) close() {
	for _, p := range []*lab.Phone{r.alice, r.bob} {
		if p != nil {
			p.Close()
		}
	}
	if r.worlds != nil {
		r.worlds.Close()
	}
	if r.login != nil {
		r.login.Close()
	}
}

// register brings both outside phones to the registrar, which is asked what
// it has.
func (r *round) register(ctx context.Context) (string, error) {
	var err error
	if r.alice, err = r.phone(ctx, "alice", aliceTone); err != nil {
		return "alice:", err
	}
	if r.bob, err = r.phone(ctx, "bob", bobTone); err != nil {
		return "bob:", err
	}
	for _, user := range []string{"alice", "bob"} {
		if n := len(r.pair.World.Registrar.Bindings(user)); n != 1 {
			return "", fmt.Errorf("the registrar has %d bindings of %s, want 1", n, user)
		}
	}
	return fmt.Sprintf("alice and bob are bound at the registrar for %s", r.alice.Lease()), nil
}

func (r *round) phone(ctx context.Context, user string, tone float64) (*lab.Phone, error) {
	p, err := r.pair.Phone(user, tone)
	if err != nil {
		return nil, err
	}
	if err = p.Start(ctx); err == nil {
		err = p.Register(ctx)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// talk makes a call and listens at the far end until the caller's tone is
// heard there.
func (r *round) talk(ctx context.Context, from, to *lab.Phone, user string, tone float64) (near, far *lab.Call, detail string, err error) {
	if from == nil || to == nil {
		return nil, nil, "", fmt.Errorf("there is no phone")
	}
	begin := time.Now()
	if near, err = from.Call(ctx, user); err != nil {
		return nil, nil, "", err
	}
	setup := time.Since(begin).Round(time.Millisecond)
	select {
	case far = <-to.Incoming():
	case <-ctx.Done():
		return near, nil, "", ctx.Err()
	}
	heard, err := far.AwaitMedia(ctx, tone, enough)
	return near, far, fmt.Sprintf("answered after %s; %s hears %s", setup, user, heard), err
}

// callOnce is talk with the call ended.
func (r *round) callOnce(ctx context.Context, from, to *lab.Phone, user string, tone float64) (string, error) {
	near, _, detail, err := r.talk(ctx, from, to, user, tone)
	if err != nil {
		return detail, err
	}
	return detail, near.Hangup(ctx)
}

func (r *round) callOut(ctx context.Context) (string, error) {
	return r.callOnce(ctx, r.alice, r.pair.World.Carol, "carol", aliceTone)
}

func (r *round) callIn(ctx context.Context) (string, error) {
	return r.callOnce(ctx, r.pair.World.Carol, r.alice, "alice", lab.CarolTone)
}

func (r *round) callBothOutside(ctx context.Context) (string, error) {
	return r.callOnce(ctx, r.alice, r.bob, "bob", aliceTone)
}

// mediaBothWays listens at both ends of one call: each hears the other, over
// SRTP, without loss or a packet that could not be read.
func (r *round) mediaBothWays(ctx context.Context) (string, error) {
	near, far, _, err := r.talk(ctx, r.bob, r.pair.World.Carol, "carol", bobTone)
	if err != nil {
		return "", err
	}
	out, err := near.AwaitMedia(ctx, lab.CarolTone, enough)
	if err != nil {
		return "bob hears " + out.String(), err
	}
	in := far.Stats()
	detail := fmt.Sprintf("carol hears %s; bob hears %s over %s", in, out, out.RecvSuite)
	switch {
	case out.RecvSuite == "":
		err = fmt.Errorf("the outside leg is not encrypted")
	case in.Lost+out.Lost > 0:
		err = fmt.Errorf("packets were lost")
	case in.DecodeErrors+out.DecodeErrors > 0:
		err = fmt.Errorf("packets could not be read")
	}
	if err != nil {
		return detail, err
	}
	return detail, near.Hangup(ctx)
}

func (r *round) fetch(ctx context.Context, inside string) (*lab.Page, error) {
	b, err := r.pair.Browser()
	if err != nil {
		return nil, err
	}
	defer b.Close()
	page, err := b.Get(ctx, inside)
	if err == nil {
		r.note(page)
	}
	return page, err
}

// note keeps an answer's headers for the leak check.
func (r *round) note(page *lab.Page) {
	for name, values := range page.Header {
		r.headers = append(r.headers, name+": "+strings.Join(values, ", "))
	}
}

// fetchAllowed gets a page that a rule permits; the web server is asked what
// came.
func (r *round) fetchAllowed(ctx context.Context) (string, error) {
	page, err := r.fetch(ctx, r.pair.World.Web.URL("http", "/page/welcome"))
	if err != nil {
		return "", err
	}
	seen := r.pair.World.Web.Seen()
	if page.Status != http.StatusOK || len(seen) == 0 || seen[len(seen)-1].Path != "/page/welcome" {
		return "", fmt.Errorf("status %d, and the web server saw %d requests", page.Status, len(seen))
	}
	return fmt.Sprintf("status 200 with %d bytes; the web server saw /page/welcome", len(page.Body)), nil
}

// fetchDenied asks for a page that no rule permits: the web server must not
// hear of it.
func (r *round) fetchDenied(ctx context.Context) (string, error) {
	before := len(r.pair.World.Web.Seen())
	page, err := r.fetch(ctx, r.pair.World.Web.URL("http", "/echo/secret"))
	if err != nil {
		return "", err
	}
	after := len(r.pair.World.Web.Seen())
	if page.Status != http.StatusForbidden || after != before {
		return "", fmt.Errorf("status %d, and the web server saw %d more requests", page.Status, after-before)
	}
	return "status 403; the web server saw nothing", nil
}

// noInsideAddress reads everything that the outside phones and the browser
// were sent.
func (r *round) noInsideAddress(context.Context) (string, error) {
	var leaks []string
	messages := 0
	for _, p := range []*lab.Phone{r.alice, r.bob} {
		if p == nil {
			return "", fmt.Errorf("there is no phone")
		}
		messages += len(p.Received())
		leaks = append(leaks, lab.CaptureLeaks(p.Received(), r.pair.InsidePrefixes())...)
	}
	for _, h := range r.headers {
		leaks = append(leaks, lab.HeaderAddressLeak("HTTP", h, r.pair.InsidePrefixes())...)
	}
	if len(leaks) > 0 {
		return "", fmt.Errorf("%d leaks: %s", len(leaks), leaks[0])
	}
	if messages == 0 {
		return "", fmt.Errorf("nothing was captured")
	}
	return fmt.Sprintf("none in %d SIP messages and %d HTTP headers", messages, len(r.headers)), nil
}

// keepTalking leaves a call standing between bob and carol.
func (r *round) keepTalking(ctx context.Context) (err error) {
	ctx, stop := context.WithTimeout(ctx, stepTime)
	defer stop()
	r.standing, r.far, _, err = r.talk(ctx, r.bob, r.pair.World.Carol, "carol", bobTone)
	return err
}
