package discover

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"reflect"
	"slices"
	"sync"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/state"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// Config is what a Discoverer needs of its core.
type Config struct {
	Log         *slog.Logger
	Clock       func() time.Time
	Alarms      *alarm.Book
	State       *state.Store
	Dial        func(ctx context.Context, network, addr string) (net.Conn, error)
	Resolve     func(ctx context.Context, host string) []string // addresses of a name
	TLS         func(host string, verify bool) *tls.Config      // towards a UC node
	Authorities func() []*x509.Certificate                      // that our own certificate comes from
	Names       func() []string                                 // in our own certificate
	Keys        func(Source) KeySource                          // nil = the cluster's own table
	Seal        func(plain []byte) string                       // for what must not lie open on the disk
	Open        func(token string) ([]byte, error)              // what Seal made
	OnChange    func()                                          // facts, keys or health are new; it must not wait for Apply
}

// Discoverer knows the UC world as its publishers tell it. All methods may be
// called from any goroutine.
type Discoverer struct {
	cfg   Config
	log   *slog.Logger
	store store
	busy  time.Duration // between tries of a busy publisher
	wake  chan struct{} // the schedule has changed
	probe chan struct{} // there are nodes that nobody has probed

	mu     sync.Mutex // guards all below; what the maps hold is never changed
	plan   Plan
	found  map[string]*Found
	keys   map[string]uc.TokenKey
	tries  map[string]try
	offers map[string]Answer // of publishers that are about to be configured
	health map[target]pulse
}

// A try is how the last questions to a publisher ended.
type try struct {
	due    time.Time // of the next one
	failed int       // in a row
	err    error
	source Source // as it was asked
}

// New brings back what was found before. Nothing is asked before Run.
func New(cfg Config) *Discoverer {
	d := &Discoverer{
		cfg: cfg, log: cfg.Log, busy: busyWait,
		store: store{cfg.State.Table("discovered", tableSize), cfg.Seal, cfg.Open},
		wake:  make(chan struct{}, 1), probe: make(chan struct{}, 1),
		tries: map[string]try{}, offers: map[string]Answer{}, health: map[target]pulse{},
	}
	d.found, d.keys = d.store.load()
	return d
}

// Apply takes the publishers that are configured: those that are gone are
// forgotten, new and changed ones are asked at once by Run. It does not block
// and calls no OnChange.
func (d *Discoverer) Apply(p Plan) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plan = p
	here := map[string]bool{}
	for _, s := range p.Sources {
		here[s.key()] = true
		t, asked := d.tries[s.key()]
		offer, offered := d.offers[s.key()]
		delete(d.offers, s.key())
		switch {
		case offered && reflect.DeepEqual(offer.source, s):
			d.keepLocked(offer)
		case !asked || !reflect.DeepEqual(t.source, s):
			d.tries[s.key()] = try{due: d.cfg.Clock(), source: s}
		}
	}
	gone := func(key string) bool { return !here[key] }
	maps.DeleteFunc(d.tries, func(key string, _ try) bool { return gone(key) })
	maps.DeleteFunc(d.keys, func(key string, _ uc.TokenKey) bool { return gone(key) })
	for key := range d.found {
		if gone(key) {
			d.store.drop(key)
			delete(d.found, key)
		}
	}
	d.judgeLocked()
	poke(d.wake)
	if slices.ContainsFunc(d.targetsLocked(), func(t target) bool { return d.health[t].since.IsZero() }) {
		poke(d.probe)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// askTime bounds one conversation with a publisher.
const askTime = 3 * time.Minute

// An Answer is all that a publisher told.
type Answer struct {
	Found *Found
	Keys  *uc.TokenKey // nil: none

	source Source
}

// Ask has a conversation with a publisher and changes nothing here. The error
// says in plain words what is wrong.
func (d *Discoverer) Ask(ctx context.Context, s Source) (Answer, error) {
	ctx, stop := context.WithTimeout(ctx, askTime)
	defer stop()
	w := newWeb(s, d.cfg.TLS(s.Publisher, s.Verify), d.cfg.Dial, d.log)
	w.wait = d.busy
	defer w.close()
	out := Answer{source: s, Found: &Found{Kind: s.Kind, Publisher: s.Publisher, When: d.cfg.Clock(), Verified: s.Verify}}
	err := d.talk(ctx, s, w, &out)
	if err == nil {
		err = d.room(s, len(out.Found.Nodes))
	}
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %w%s", s, err, hint(s, err))
	}
	for i := range out.Found.Nodes {
		out.Found.Nodes[i].Web = port(w.port, portWeb)
	}
	out.Found.limit()
	d.addresses(ctx, out.Found)
	return out, nil
}

func (d *Discoverer) talk(ctx context.Context, s Source, w *web, out *Answer) (err error) {
	f := out.Found
	if s.Kind == uc.UnityConnection {
		return d.askVoicemail(ctx, w, f)
	}
	a := &axl{web: w}
	if f.Version, err = a.negotiate(ctx); err != nil {
		return err
	}
	if s.Kind == uc.IMPresence {
		return d.askPresence(ctx, a, f)
	}
	if err := d.askCallManager(ctx, a, f); err != nil {
		return err
	}
	if s.Refresh != "Auto" && s.Refresh != "" {
		f.Refresh = s.Refresh == "On"
	}
	out.Keys = d.fetchKeys(ctx, s, a, f)
	return nil
}

// AskModes asks a Unified CM publisher how its cluster is secured, and nothing
// else.
func (d *Discoverer) AskModes(ctx context.Context, s Source) (*Found, error) {
	ctx, stop := context.WithTimeout(ctx, askTime)
	defer stop()
	w := newWeb(s, d.cfg.TLS(s.Publisher, s.Verify), d.cfg.Dial, d.log)
	w.wait = d.busy
	defer w.close()
	a, f := &axl{web: w}, &Found{Kind: s.Kind, Publisher: s.Publisher}
	var err error
	if f.Version, err = a.negotiate(ctx); err == nil {
		err = readModes(ctx, a, f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w%s", s, err, hint(s, err))
	}
	return f, nil
}

// fetchKeys reads the token keys. A cluster works without.
func (d *Discoverer) fetchKeys(ctx context.Context, s Source, a *axl, f *Found) *uc.TokenKey {
	var from KeySource = tableKeys{a}
	if s.Keys != "" {
		from = restKeys{a.web, s.Keys}
	}
	if d.cfg.Keys != nil {
		from = d.cfg.Keys(s)
	}
	k, err := from.Fetch(ctx)
	switch {
	case err == nil:
		k.Publisher, k.Deployment = s.Publisher, s.Deployment
		return &k
	case f.Refresh:
		f.advise("keys", fmt.Sprintf("The token keys of %s could not be read (%s), so its users cannot log in by token. "+
			"Bring them by AuthzKeyImport, or say by AuthzKeyPath where the cluster tells them.", s.Publisher, clean(err.Error())))
	case !errors.Is(err, ErrNoKeys):
		f.unknown("token keys", err)
	}
	return nil
}

// hint says what to do where the error is one of trust.
func hint(s Source, err error) string {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	switch {
	case errors.As(err, &unknown):
		return "; install its authority, or the certificate itself, by CACertificateInstall; CertificatePreflight shows what each port presents"
	case errors.As(err, &invalid), errors.As(err, &alert):
		return "; CertificatePreflight shows what each port presents"
	case errors.Is(err, ErrBusy):
		return "; try again in a minute"
	}
	return ""
}

// room holds the servers of all clusters to what a core can know.
func (d *Discoverer) room(s Source, more int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, f := range d.found {
		if key != s.key() {
			more += len(f.Nodes)
		}
	}
	if more > MaxNodes {
		return fmt.Errorf("with its servers there would be %d; %d are the most", more, MaxNodes)
	}
	return nil
}

// addresses looks the servers' names up, so that what comes from them is
// known for theirs.
func (d *Discoverer) addresses(ctx context.Context, f *Found) {
	each(len(f.Nodes), triesAtOnce, func(i int) {
		ctx, stop := context.WithTimeout(ctx, dialTime)
		defer stop()
		f.Nodes[i].Addresses = d.cfg.Resolve(ctx, f.Nodes[i].Host)
	})
}

// How many publishers are spoken to at the same time, and how many ports are
// tried.
const (
	atOnce      = 8
	triesAtOnce = 64
)

// each runs f for 0 to n-1, several at once, and waits for all.
func each(n, most int, f func(i int)) {
	var wait sync.WaitGroup
	next := make(chan int)
	for range min(n, most) {
		wait.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wait.Wait()
}

// Keep takes an answer for known. It is dropped if its publisher is not
// configured any more, or another way.
func (d *Discoverer) Keep(a Answer) {
	if d.keep(a) {
		d.cfg.OnChange()
		poke(d.probe)
	}
}

func (d *Discoverer) keep(a Answer) (news bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.ContainsFunc(d.plan.Sources, func(s Source) bool { return reflect.DeepEqual(s, a.source) }) {
		return false
	}
	news = d.keepLocked(a)
	d.judgeLocked()
	return news
}

// Offer hands over the answer of a publisher that is about to be configured, so
// that Apply need not have it asked again.
func (d *Discoverer) Offer(a Answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.offers[a.source.key()] = a
}

// Withdraw takes an offer back: the publisher was not configured after all.
func (d *Discoverer) Withdraw(a Answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.offers, a.source.key())
}

func (d *Discoverer) keepLocked(a Answer) (news bool) {
	key := a.source.key()
	d.tries[key] = try{due: d.cfg.Clock().Add(d.plan.Refresh), source: a.source}
	old, before := d.found[key], d.keys[key]
	d.found[key] = a.Found
	delete(d.keys, key)
	if a.Keys != nil {
		d.keys[key] = *a.Keys
	}
	if err := d.store.save(key, a.Found, a.Keys); err != nil {
		d.log.Error("discovered nodes not kept", "event", "discover", "publisher", a.source.Publisher, "err", err)
	}
	same := old != nil && sameKeys(before, d.keys[key]) && alike(old, a.Found)
	if !same {
		d.log.Info("uc cluster discovered", "event", "discover", "publisher", a.source.Publisher, "type", string(a.source.Kind),
			"version", a.Found.Version, "nodes", len(a.Found.Nodes), "mixed", a.Found.Mixed, "sipoauth", a.Found.SIPOAuth, "keys", a.Keys != nil)
	}
	return !same
}

// alike tells whether nothing but the time is new.
func alike(a, b *Found) bool {
	x, y := *a, *b
	x.When, y.When = time.Time{}, time.Time{}
	return reflect.DeepEqual(x, y)
}

// fail notes that a publisher could not be asked. What it told before stays.
func (d *Discoverer) fail(s Source, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.tries[s.key()]
	if !ok || !reflect.DeepEqual(t.source, s) {
		return
	}
	t.failed++
	t.err = err
	t.due = d.cfg.Clock().Add(min(time.Minute<<min(t.failed-1, 10), max(d.plan.Refresh, time.Minute)))
	d.tries[s.key()] = t
	d.log.Warn("uc publisher not asked", "event", "discover", "publisher", s.Publisher, "err", err, "failed", t.failed)
	d.judgeLocked()
}

// judgeLocked keeps the alarms of publishers that cannot be asked.
func (d *Discoverer) judgeLocked() {
	var keys []string
	for key, t := range d.tries {
		if t.err != nil {
			keys = append(keys, key)
			d.cfg.Alarms.Raise(xapi.AlarmDiscovery, key, sentence(t.err.Error()))
		}
	}
	d.cfg.Alarms.Keep(xapi.AlarmDiscovery, keys...)
}

func sentence(s string) string { return cmp.Or(s, "no reason") + "." }

// Sources lists the publishers that are configured.
func (d *Discoverer) Sources() []Source {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.plan.Sources)
}

// TokenKeys lists the token keys of all clusters, by publisher.
func (d *Discoverer) TokenKeys() []uc.TokenKey {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []uc.TokenKey
	for _, s := range d.plan.Sources {
		if k, ok := d.keys[s.key()]; ok {
			k.Deployment = s.Deployment
			out = append(out, k)
		}
	}
	return out
}
