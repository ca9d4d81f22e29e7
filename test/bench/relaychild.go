package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"

	"sallyport/appliance/core"
	"sallyport/appliance/edge"
	"sallyport/appliance/media"
)

// Addresses of the media bench. Loopback delivers in the sender's thread, for
// every subject alike.
const (
	phoneAddr   = "127.22.9.1" // the client's media
	ucAddr      = "127.22.2.1" // the UC side's media
	linkRTP     = 2776
	linkRTCP    = 2777
	relayStart  = 36000
	relayEnd    = 59999
	rtpengineAt = "127.22.0.2"
)

// site is where one pair of relays stands, so that several can.
type site struct{ outer, inner, core string }

func siteAt(n string) site {
	return site{outer: "127.22.10" + n + ".1", inner: "127.22.11" + n + ".1", core: "127.22.11" + n + ".2"}
}

// order is one session description for a relay to pass, and its answer.
type order struct {
	ID   uint64
	In   bool // towards the UC side
	Kind media.Kind
	Body string
	Trim bool // no description, but give free memory back
	Err  string
}

// mediaSide is what edge and core have in common here.
type mediaSide interface {
	Inward(id media.SessionID, of media.ExchangeID, kind media.Kind, body []byte, trace string) ([]byte, error)
	Outward(id media.SessionID, of media.ExchangeID, kind media.Kind, body []byte, trace string) ([]byte, error)
}

// relayChild is one node's media plane, and nothing else of it, in a process
// of its own. It takes orders on standard input.
func relayChild(role, place string) error {
	ctx, cancel := context.WithCancel(context.Background())
	r := media.New(media.Config{})
	side, begin, err := newSide(role, siteAt(place), r)
	if err != nil {
		cancel()
		return err
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	err = obey(side, begin)
	cancel()
	<-done
	return err
}

func newSide(role string, place site, r *media.Relay) (mediaSide, func(media.SessionID), error) {
	at := func(s string) media.Addresses { return media.Addresses{V4: netip.MustParseAddr(s)} }
	switch role {
	case "edge":
		m := edge.NewMedia(edge.MediaConfig{Relay: r})
		plan := media.Plan{Edge: true, Client: at(place.outer), Inner: at(place.inner),
			PortStart: relayStart, PortEnd: relayEnd, LinkRTP: linkRTP, LinkRTCP: linkRTCP}
		client := netip.AddrPortFrom(netip.MustParseAddr(phoneAddr), 5061)
		return m, func(id media.SessionID) { m.Use(id, edge.MediaCall{Client: client}) }, r.Apply(plan)
	case "core":
		inner := netip.MustParseAddr(place.inner)
		m := core.NewMedia(core.MediaConfig{Relay: r, EdgeMedia: func(string) (rtp, rtcp netip.AddrPort, ok bool) {
			return netip.AddrPortFrom(inner, linkRTP), netip.AddrPortFrom(inner, linkRTCP), true
		}})
		call := core.MediaCall{Peer: "edge", Policy: media.Policy{Inside: media.Off}}
		plan := media.Plan{Inner: at(place.core), PortStart: relayStart, PortEnd: relayEnd}
		return m, func(id media.SessionID) { m.Use(id, call) }, r.Apply(plan)
	}
	return nil, nil, fmt.Errorf("no such role: %s", role)
}

func obey(side mediaSide, begin func(media.SessionID)) error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := in.Decode(&o); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := out.Encode(o.done(side, begin)); err != nil {
			return err
		}
	}
}

func (o order) done(side mediaSide, begin func(media.SessionID)) order {
	if o.Trim {
		debug.FreeOSMemory()
		return order{}
	}
	pass := side.Outward
	if o.In {
		pass = side.Inward
	}
	begin(media.SessionID(o.ID))
	body, err := pass(media.SessionID(o.ID), 0, o.Kind, []byte(o.Body), "")
	if err != nil {
		return order{Err: err.Error()}
	}
	return order{Body: string(body)}
}

// relay is the parent's hold of a relay child.
type relay struct {
	*process
	in  *json.Encoder
	out *json.Decoder
	end io.Closer
}

func startRelay(w *world, role string, place, cpu int) (*relay, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "child", "relay", role, strconv.Itoa(place))
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, outWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = outWrite
	p, err := startAt(w.dir, fmt.Sprintf("relay-%s-%d", role, place), cmd, cpu)
	outWrite.Close()
	if err != nil {
		return nil, err
	}
	r := &relay{process: p, in: json.NewEncoder(in), out: json.NewDecoder(bufio.NewReader(out)), end: in}
	w.later(func() {
		in.Close()
		p.stop()
		out.Close()
	})
	return r, nil
}

// pass has the relay rewrite one description.
func (r *relay) pass(id uint64, in bool, kind media.Kind, body string) (string, error) {
	return r.ask(order{ID: id, In: in, Kind: kind, Body: body})
}

// trim has the relay give back what its garbage held.
func (r *relay) trim() error {
	_, err := r.ask(order{Trim: true})
	return err
}

func (r *relay) ask(o order) (string, error) {
	if err := r.in.Encode(o); err != nil {
		return "", fmt.Errorf("%s: %w: %s", r.name, err, r.tail())
	}
	o = order{}
	if err := r.out.Decode(&o); err != nil {
		return "", fmt.Errorf("%s: %w: %s", r.name, err, r.tail())
	}
	if o.Err != "" {
		return "", fmt.Errorf("%s: %s", r.name, o.Err)
	}
	return o.Body, nil
}
