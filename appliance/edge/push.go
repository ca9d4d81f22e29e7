package edge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/sip"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// methodPresence is the question to a core which releases its presence nodes
// have.
const methodPresence = "presence.versions"

const (
	// presenceEvery is how often cores are asked; a node's release changes with
	// an upgrade of it, and edge's switch is a setting.
	presenceEvery = time.Minute
	presenceWait  = 10 * time.Second
)

// push watches whether edge's switch for Android push is what the presence
// nodes ask for.
type push struct {
	edge *Edge
	look chan struct{} // the setting changed

	mu       sync.Mutex
	mode     bool
	versions []string
	known    bool // a core has answered
}

func newPush(e *Edge) *push { return &push{edge: e, look: make(chan struct{}, 1)} }

// apply takes the setting.
func (p *push) apply(on bool) {
	p.mu.Lock()
	p.mode = on
	p.mu.Unlock()
	p.judge()
	select {
	case p.look <- struct{}{}:
	default:
	}
}

// run asks the cores until ctx ends.
func (p *push) run(ctx context.Context) error {
	tick := time.NewTicker(presenceEvery)
	defer tick.Stop()
	for {
		p.refresh(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-p.look:
		}
	}
}

// refresh asks every core that is up. Without an answer the last ones stand.
func (p *push) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, presenceWait)
	defer cancel()
	var all []string
	known := false
	for _, answer := range p.edge.links.Ask(ctx, methodPresence, nil) {
		var versions []string
		if answer != nil && json.Unmarshal(answer, &versions) == nil {
			known, all = true, append(all, versions...)
		}
	}
	if !known {
		return
	}
	slices.Sort(all)
	p.mu.Lock()
	p.versions, p.known = slices.Compact(all), true
	p.mu.Unlock()
	p.judge()
}

func (p *push) advice() (mode string, a uc.FcmAdvice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mode = "Off"
	if p.mode {
		mode = "On"
	}
	if !p.known {
		return mode, uc.FcmAdvice{Flag: uc.FcmUnknown, Why: "no core has told its presence nodes yet"}
	}
	return mode, uc.AdviseFcm(p.versions)
}

// judge raises the alarm while the switch is wrong. A verdict that is unknown
// is none.
func (p *push) judge() {
	mode, a := p.advice()
	wrong := (a.Flag == uc.FcmOn || a.Flag == uc.FcmOff) && mode != string(a.Flag)
	p.edge.alarms.Set(xapi.AlarmFcmService, "", wrong,
		fmt.Sprintf("It is %s and should be %s: %s.", mode, a.Flag, a.Why))
}

func (p *push) report(t *xapi.Node) {
	mode, a := p.advice()
	t.Leaf("Mode", mode)
	t.Leaf("Expected", string(a.Flag))
	t.Str("Why", cmp.Or(a.Why, "-"))
}

// wakes tells whether whoever accepted a registration wakes the client
// (RFC 8599 4.1): it may come back by another connection then.
func wakes(resp *sip.Message) bool {
	return slices.ContainsFunc(resp.Values("Feature-Caps"), func(v string) bool { return strings.Contains(v, "+sip.pns=") })
}
