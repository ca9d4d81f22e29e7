package main

import (
	"context"
	"fmt"
	"strings"

	"sallyport/test/lab"
	"sallyport/test/pair"
)

// say runs a line in both nodes' shells, or in one's, and waits for it to hold.
func (r *round) say(ctx context.Context, line string, hosts ...string) error {
	if len(hosts) == 0 {
		hosts = []string{r.pair.CoreAddr(), r.pair.EdgeInner()}
	}
	for _, host := range hosts {
		if out, err := r.ask(ctx, host, line); err != nil || !strings.Contains(out, "OK") {
			return fmt.Errorf("%s: %s (%v)", line, out, err)
		}
	}
	for _, n := range []func() error{
		func() error { return pair.AwaitApplied(ctx, r.pair.Core) },
		func() error { return pair.AwaitApplied(ctx, r.pair.Edge) },
	} {
		if err := n(); err != nil {
			return err
		}
	}
	return nil
}

// pathOff takes SIP Path headers away while alice is registered and talks: the
// call goes on, her next refresh registers core's own Contact, and calls find
// her by it.
func (r *round) pathOff(ctx context.Context) (string, error) {
	return r.switchPath(ctx, "Off", func(b lab.Binding) bool { return len(b.Path) == 0 && strings.HasPrefix(b.Contact, "sip:c1.") })
}

// pathOn brings them back: Contact is alice's own again, behind both nodes' Path.
func (r *round) pathOn(ctx context.Context) (string, error) {
	return r.switchPath(ctx, "On", func(b lab.Binding) bool { return len(b.Path) == 2 && strings.HasPrefix(b.Contact, "sip:alice@") })
}

func (r *round) switchPath(ctx context.Context, to string, moved func(lab.Binding) bool) (string, error) {
	near, far, _, err := r.talk(ctx, r.alice, r.pair.World.Carol, "carol", aliceTone)
	if err != nil {
		return "", err
	}
	if err := r.say(ctx, "xConfiguration CollaborationEdge RFC3327Enabled: "+to, r.pair.CoreAddr()); err != nil {
		return "", err
	}
	if err := r.alice.Register(ctx); err != nil {
		return "refresh:", err
	}
	held, err := far.AwaitMedia(ctx, aliceTone, enough)
	if err != nil {
		return "the call is not heard any more:", err
	}
	if err := near.Hangup(ctx); err != nil {
		return "", err
	}
	found := ""
	for _, b := range r.pair.World.Registrar.Bindings("alice") {
		if moved(b) {
			found = b.Contact
		}
	}
	if found == "" {
		return "", fmt.Errorf("the registrar has %+v", r.pair.World.Registrar.Bindings("alice"))
	}
	back, err := r.callOnce(ctx, r.pair.World.Carol, r.alice, "alice", lab.CarolTone)
	if err != nil {
		return back, err
	}
	select {
	case <-r.alice.Incoming():
		return "", fmt.Errorf("alice rang twice")
	default:
	}
	return fmt.Sprintf("the call went on (carol hears %s), the registrar has %.24s…, and a call %s", held, found, back), nil
}

// sharedLine puts a second phone on alice's line: it is told of her call, barges
// in at the far end, and takes the call over.
func (r *round) sharedLine(ctx context.Context) (string, error) {
	desk, err := r.pair.Phone("alice", deskTone, func(c *lab.PhoneConfig) { c.Device, c.AutoAnswer = "SEP001122334455", false })
	if err != nil {
		return "", err
	}
	defer desk.Close()
	if err := desk.Start(ctx); err != nil {
		return "", err
	}
	if err := desk.Register(ctx); err != nil {
		return "second phone:", err
	}
	defer desk.Unregister(ctx)
	line, err := desk.Subscribe(ctx, "alice", "dialog")
	if err != nil {
		return "", err
	}
	carol := r.pair.World.Carol
	_, far, _, err := r.talk(ctx, r.alice, carol, "carol", aliceTone)
	if err != nil {
		return "", err
	}
	call, err := line.AwaitLine(ctx, "confirmed")
	if err != nil {
		return "", err
	}
	barged, err := desk.Call(ctx, "carol", call.Barge())
	if err != nil {
		return "barge:", err
	}
	third := <-carol.Incoming()
	heard, err := third.AwaitMedia(ctx, deskTone, enough)
	if err != nil {
		return "barge is not heard:", err
	}
	if err := barged.Hangup(ctx); err != nil {
		return "", err
	}
	taken, err := desk.Call(ctx, "carol", call.PickUp())
	if err != nil {
		return "take over:", err
	}
	<-carol.Incoming()
	if err := far.Await(ctx, lab.CallEnded); err != nil {
		return "the call that was taken over goes on:", err
	}
	if _, err := line.AwaitLine(ctx, "terminated"); err != nil {
		return "", err
	}
	return fmt.Sprintf("the second phone saw the call begin and end; carol heard it barge in (%s) and take over", heard), taken.Hangup(ctx)
}

// deskTone is what the second phone of alice's line speaks.
const deskTone = 520

// fastPath switches fast path registration on: the second REGISTER goes along
// the route of the first, and one that cannot is still served.
func (r *round) fastPath(ctx context.Context) (string, error) {
	if err := r.say(ctx, "xConfiguration SIP PreRoutedRouteHeader: REGISTER"); err != nil {
		return "", err
	}
	const rounds = 5
	for range rounds + 1 {
		if err := r.alice.Register(ctx); err != nil {
			return "", err
		}
	}
	status, err := r.ask(ctx, r.pair.CoreAddr(), "xStatus SIP FastPath")
	if !strings.Contains(status, fmt.Sprintf("Taken: %d\n", rounds)) || !strings.Contains(status, "Refused: 0") {
		return "", fmt.Errorf("core counts %s (%v)", status, err)
	}
	for _, c := range r.pair.World.Registrar.Received() {
		if m, err := lab.ParseMessage(c.Raw); err == nil && m.Method() == "REGISTER" && m.Get("Route") != "" {
			return "", fmt.Errorf("the registrar was sent Route: %s", m.Get("Route"))
		}
	}
	detail, err := r.callOnce(ctx, r.pair.World.Carol, r.alice, "alice", lab.CarolTone)
	return fmt.Sprintf("%d of %d refreshes were not searched for; then a call %s", rounds, rounds+1, detail), err
}
