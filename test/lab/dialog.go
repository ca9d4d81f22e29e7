package lab

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// dialog is RFC 3261 12's state. The caller's side makes it before there is a
// far tag.
type dialog struct {
	callID        string
	local, remote string // name-addrs without tags
	localTag      string

	mu        sync.Mutex // guards all below
	remoteTag string
	target    string   // the far end's Contact
	routes    []string // in sending order
	localSeq  uint32
	remoteSeq uint32
}

func newDialog(local, remote string) *dialog {
	return &dialog{callID: randomHex(12), local: local, remote: remote, localTag: randomHex(5), target: uriOf(remote)}
}

// dialogFrom is the called side's dialog of a request.
func dialogFrom(m *Message) *dialog {
	return &dialog{
		callID: m.Get("Call-ID"), local: m.Get("To"), remote: bare(m.Get("From")), localTag: randomHex(5),
		remoteTag: paramOf(m.Get("From"), "tag"), target: contactURI(m), routes: m.All("Record-Route"), remoteSeq: m.Seq(),
	}
}

// bare takes the parameters off a name-addr.
func bare(nameAddr string) string { return "<" + uriOf(nameAddr) + ">" }

func contactURI(m *Message) string {
	if c := m.All("Contact"); len(c) > 0 {
		return uriOf(c[0])
	}
	return ""
}

// request makes the next request of the dialog; CSeq of ACK is seq.
func (d *dialog) request(method string, seq uint32) *Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	if seq == 0 {
		d.localSeq++
		seq = d.localSeq
	}
	m := NewRequest(method, d.target)
	for _, r := range d.routes {
		m.Add("Route", r)
	}
	to := bare(d.remote)
	if d.remoteTag != "" {
		to += ";tag=" + d.remoteTag
	}
	m.Add("Max-Forwards", "70").Add("From", bare(d.local)+";tag="+d.localTag).Add("To", to)
	return m.Add("Call-ID", d.callID).Add("CSeq", fmt.Sprintf("%d %s", seq, method))
}

// learn takes what a dialog-forming response says.
func (d *dialog) learn(m *Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if tag := paramOf(m.Get("To"), "tag"); tag != "" {
		d.remoteTag = tag
	}
	d.routes = m.All("Record-Route")
	slices.Reverse(d.routes)
	d.refreshLocked(m)
}

// refresh takes a new far Contact (target refresh).
func (d *dialog) refresh(m *Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refreshLocked(m)
}

func (d *dialog) refreshLocked(m *Message) {
	if c := contactURI(m); c != "" {
		d.target = c
	}
}

// hop is the URI that the next request goes to, as its addressing goes.
func (d *dialog) hop() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.routes) > 0 {
		return uriOf(d.routes[0])
	}
	return d.target
}

// tags are the local and the remote one.
func (d *dialog) tags() (local, remote string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.localTag, d.remoteTag
}

// Route is the dialog's route set in sending order.
func (d *dialog) Route() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.routes)
}

// Tags are the dialog's local and remote one, for tests that forge a request
// of it.
func (d *dialog) Tags() (local, remote string) { return d.tags() }

// Target is the far end's Contact.
func (d *dialog) Target() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.target
}

// linkFor is the way to a hop: a phone outside has only its own connection; one
// that listens goes where the hop says.
func (p *Phone) linkFor(ctx context.Context, hop string) (*link, error) {
	if !p.cfg.Listen {
		if l := p.server(); l != nil {
			return l, nil
		}
		return nil, errNotConnected
	}
	t := targetOf(hop)
	if _, err := netip.ParseAddr(t.host); err != nil || strings.EqualFold(t.host, p.cfg.Domain) { // a name is for the server to know
		return p.connect(ctx, p.cfg.Transport, p.cfg.Server, p.cfg.ServerName, p.cfg.Local)
	}
	to, err := t.addr(map[string]netip.Addr{})
	if err != nil {
		return nil, err
	}
	return p.connect(ctx, t.network, to, p.cfg.ServerName, p.cfg.Local)
}

// inDialog sends a request of a dialog and waits for its final answer.
func (p *Phone) inDialog(ctx context.Context, d *dialog, m *Message) (*Message, error) {
	l, err := p.linkFor(ctx, d.hop())
	if err != nil {
		return nil, err
	}
	resp, err := p.exchange(ctx, m, l)
	if err == nil && resp.Status() >= 300 {
		return resp, statusError(resp)
	}
	return resp, err
}
