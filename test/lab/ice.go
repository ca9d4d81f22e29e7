package lab

import (
	"cmp"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

// agent is the ICE agent of one media line (RFC 8445), as small as a phone with
// one address can have it: that address and one that a TURN server lends, regular
// nomination, and a path that stops to work is replaced by the best that does. The
// leg's lock guards it.
type agent struct {
	ufrag, pwd       string
	farUfrag, farPwd string
	controlling      bool
	paths            []*way
	chosen           [3]*way  // by component
	lent             [3]*lent // by component; nil: none
	asked            map[[stun.TransactionIDSize]byte]question
}

// way leads from one of our addresses to one candidate of the far end.
type way struct {
	component int
	by        *lent // nil: the leg's own socket
	to        netip.AddrPort
	priority  uint64
	asks      int       // since the search began
	silent    int       // asks since it answered last
	works     bool      // it has answered since the search began
	last      time.Time // when it was asked last
}

type question struct {
	way      *way
	nominate bool
}

const (
	askEvery  = 50 * time.Millisecond
	mostAsks  = 60
	enoughAsk = 6                      // that a better path leaves without an answer
	consent   = 300 * time.Millisecond // between questions on the chosen path
	deadPath  = 4                      // of those without an answer
)

func newAgent() *agent {
	return &agent{ufrag: randomHex(4), pwd: randomHex(16), asked: map[[stun.TransactionIDSize]byte]question{}}
}

// agentLines are what the description says of the leg's agent.
func (l *leg) agentLines(mux bool) []string {
	if l.agent == nil {
		return nil
	}
	return append([]string{"ice-ufrag:" + l.agent.ufrag, "ice-pwd:" + l.agent.pwd}, l.candidateLines(mux)...)
}

// agree has the agent look for paths to the far end's candidates, or rest if it
// has none. The far end's restart begins anew.
func (l *leg) agree(far *mediaLine, controlling bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.agent
	if a == nil {
		return
	}
	ufrag, pwd := far.attr("ice-ufrag"), far.attr("ice-pwd")
	if ufrag == a.farUfrag {
		return
	}
	a.farUfrag, a.farPwd, a.controlling = ufrag, pwd, controlling
	a.paths, a.chosen = nil, [3]*way{}
	for _, line := range far.attrs {
		if v, ok := strings.CutPrefix(line, "candidate:"); ok && ufrag != "" {
			a.add(v)
		}
	}
	if !l.searches && ufrag != "" {
		l.searches = true
		l.wg.Go(l.search)
	}
}

// add reads "1 1 UDP 2130706431 192.0.2.1 4000 typ host".
func (a *agent) add(candidate string) {
	f := strings.Fields(candidate)
	if len(f) < 8 || !strings.EqualFold(f[2], "UDP") || len(a.paths) > 100 {
		return
	}
	component, err := strconv.Atoi(f[1])
	priority, err2 := strconv.ParseUint(f[3], 10, 32)
	to, err3 := netip.ParseAddrPort(net.JoinHostPort(f[4], f[5]))
	if err == nil && err2 == nil && err3 == nil && component >= 1 && component <= 2 {
		a.addWay(component, nil, to, uint32(priority))
		if by := a.lent[component]; by != nil {
			a.addWay(component, by, to, uint32(priority))
		}
	}
}

// addWay adds a pair of candidates with its priority (RFC 8445 6.1.2.3).
func (a *agent) addWay(component int, by *lent, to netip.AddrPort, far uint32) *way {
	own := ownPriority(component)
	if by != nil {
		own = lentPriority(component)
	}
	p := &way{component: component, by: by, to: to, priority: uint64(min(own, far))<<32 | 2*uint64(max(own, far))}
	a.paths = append(a.paths, p)
	return p
}

// search asks along the paths until the leg is closed.
func (l *leg) search() {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case now := <-tick.C:
			l.mu.Lock()
			l.searchLocked(now)
			l.mu.Unlock()
		}
	}
}

func (l *leg) searchLocked(now time.Time) {
	a := l.agent
	for c := 1; c <= 2; c++ {
		chosen := a.chosen[c]
		if chosen != nil && chosen.silent > deadPath {
			a.chosen[c], chosen = nil, nil
			for _, p := range a.paths {
				if p.component == c {
					p.asks, p.silent, p.works = 0, 0, false
				}
			}
		}
		for _, p := range a.paths {
			switch {
			case p.component != c || chosen != nil && p != chosen:
			case p == chosen && now.Sub(p.last) < consent:
			case p != chosen && p.asks >= mostAsks:
			default:
				l.askLocked(p, p == chosen && a.controlling, now)
			}
		}
		if best := a.best(c); chosen == nil && best != nil && a.controlling {
			l.askLocked(best, true, now)
		}
	}
}

// best is the path of the highest priority that works; nil as long as a better one
// may still show itself. That is counted in questions, not in time: a machine that
// is slow to answer is slow to ask, too.
func (a *agent) best(component int) *way {
	var all []*way
	for _, p := range a.paths {
		if p.component == component && (p.works || p.asks < enoughAsk) {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil
	}
	best := slices.MaxFunc(all, func(p, q *way) int { return cmp.Compare(p.priority, q.priority) })
	if !best.works {
		return nil
	}
	return best
}

func (l *leg) askLocked(p *way, nominate bool, now time.Time) {
	a := l.agent
	id := stun.NewTransactionID()
	role := stun.AttrICEControlled
	if a.controlling {
		role = stun.AttrICEControlling
	}
	setters := []stun.Setter{stun.NewTransactionIDSetter(id), stun.BindingRequest, stun.NewUsername(a.farUfrag + ":" + a.ufrag),
		stun.RawAttribute{Type: role, Value: []byte{0, 0, 0, 0, 0, 0, 0, 1}}, stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{110, 0, 255, 255}}}
	if nominate {
		setters = append(setters, stun.RawAttribute{Type: stun.AttrUseCandidate})
	}
	m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(a.farPwd), stun.Fingerprint)...)
	if err != nil {
		return
	}
	if len(a.asked) > 1000 {
		maps.DeleteFunc(a.asked, func([stun.TransactionIDSize]byte, question) bool { return true })
	}
	a.asked[id] = question{p, nominate}
	p.asks++
	p.silent++
	p.last = now
	l.sendOnLocked(p.component, p.by, m.Raw, p.to)
}

// sendOnLocked sends from a component's socket, unless that way is cut, or by an
// address that it was lent.
func (l *leg) sendOnLocked(component int, by *lent, b []byte, to netip.AddrPort) error {
	if by != nil && l.closed {
		return net.ErrClosed
	}
	if by != nil {
		select {
		case by.out <- parcel{slices.Clone(b), to}:
		default: // as a queue on the way would lose it
		}
		return nil
	}
	c := l.rtp
	if component == 2 {
		c = l.rtcp
	}
	if l.cut != nil && l.cut(to) {
		return nil
	}
	_, err := c.WriteToUDPAddrPort(b, to)
	return err
}

// toLocked is where a component's media goes, and by which address of ours: along
// the chosen path, else where the description says.
func (l *leg) toLocked(component int, told netip.AddrPort) (*lent, netip.AddrPort) {
	if l.agent != nil && l.agent.chosen[component] != nil {
		way := l.agent.chosen[component]
		return way.by, way.to
	}
	return nil, told
}

// heardLocked takes a STUN message; false if it is none, or there is no agent.
func (l *leg) heardLocked(component int, by *lent, raw []byte, from netip.AddrPort) bool {
	a := l.agent
	if a == nil || !stun.IsMessage(raw) {
		return false
	}
	m := &stun.Message{Raw: slices.Clone(raw)}
	if m.Decode() != nil {
		return true
	}
	switch m.Type {
	case stun.BindingRequest:
		l.answerLocked(component, by, m, from)
	case stun.BindingSuccess:
		q, asked := a.asked[m.TransactionID]
		if !asked || stun.NewShortTermIntegrity(a.farPwd).Check(m) != nil {
			return true
		}
		delete(a.asked, m.TransactionID)
		q.way.works, q.way.silent = true, 0
		if q.nominate {
			a.chosen[q.way.component] = q.way
		}
	}
	return true
}

// answerLocked answers a question that proves its sender, and asks back.
func (l *leg) answerLocked(component int, by *lent, m *stun.Message, from netip.AddrPort) {
	a := l.agent
	name, err := m.Get(stun.AttrUsername)
	if err != nil || !strings.HasPrefix(string(name), a.ufrag+":") || stun.NewShortTermIntegrity(a.pwd).Check(m) != nil {
		l.meter.Foreign++
		return
	}
	out, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())},
		stun.NewShortTermIntegrity(a.pwd), stun.Fingerprint)
	if err != nil {
		return
	}
	l.sendOnLocked(component, by, out.Raw, from)
	p := a.find(component, by, from)
	if p == nil {
		if a.farUfrag == "" || len(a.paths) > 100 {
			return
		}
		p = a.addWay(component, by, from, 110<<24|65535<<8|255)
	}
	if m.Contains(stun.AttrUseCandidate) && !a.controlling {
		p.works, p.silent = true, 0
		a.chosen[component] = p
	}
	p.asks = min(p.asks, mostAsks-1)
}

// find is the way from one of our addresses to one of the far end.
func (a *agent) find(component int, by *lent, to netip.AddrPort) *way {
	i := slices.IndexFunc(a.paths, func(p *way) bool { return p.component == component && p.by == by && p.to == to })
	if i < 0 {
		return nil
	}
	return a.paths[i]
}

// CutPaths has nothing pass between the call's own media sockets and the addresses
// that f names, as a firewall that was changed would; nil lets all pass again.
func (c *Call) CutPaths(f func(netip.AddrPort) bool) {
	for _, l := range c.media() {
		l.mu.Lock()
		l.cut = f
		l.mu.Unlock()
	}
}

// Path is where the first media line's packets go now.
func (c *Call) Path() netip.AddrPort {
	for _, l := range c.media() {
		l.mu.Lock()
		defer l.mu.Unlock()
		_, to := l.toLocked(1, l.to)
		return to
	}
	return netip.AddrPort{}
}
