package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"sallyport/test/lab"
)

// Numbers of alice's mobile phone and of a hotel room.
const (
	mobileNumber = "+15550100"
	hotelNumber  = "+15550222"
	deskDevice   = "SEP001122334466"
)

// callBack plays Dial via Office, reverse: alice asks for carol over IP, call
// control calls her mobile phone through a gateway and joins the two. Her voice
// never passes edge and core, which spend no port on it.
func (r *round) callBack(ctx context.Context) (string, error) {
	gateway, at, err := r.pair.World.NewGateway(ctx)
	if err != nil {
		return "", err
	}
	defer gateway.Close()
	desk, err := r.pair.Phone("alice", deskTone, func(c *lab.PhoneConfig) { c.Device = deskDevice })
	if err != nil {
		return "", err
	}
	defer desk.Close()
	for _, step := range []func(context.Context) error{desk.Start, desk.Register} {
		if err := step(ctx); err != nil {
			return "desk phone:", err
		}
	}
	defer desk.Unregister(ctx)
	defer r.pair.World.Registrar.CallBack(nil)
	b := &backStage{round: r, gateway: gateway, at: at, desk: desk}
	for _, part := range []struct {
		name string
		play func(context.Context) error
	}{{"mobile identity", b.mobileIdentity}, {"alternate number", b.alternate}, {"voicemail", b.voicemailAvoided}} {
		if err := part.play(ctx); err != nil {
			return part.name + ":", err
		}
	}
	return fmt.Sprintf("mobile and carol hear each other, no media port spent; held by *81, to the desk phone and back by *74; "+
		"no features for an alternate number; without a key nobody is called (%s)", b.heard), nil
}

// backStage is who plays before and behind call control.
type backStage struct {
	*round
	gateway *lab.Phone
	at      netip.AddrPort
	desk    *lab.Phone
	heard   lab.MediaStats
}

func (b *backStage) serve(patience time.Duration) {
	b.pair.World.Registrar.CallBack(&lab.CallBacks{Gateway: b.at, AnyKey: true, Patience: patience,
		Mobile: map[string]string{"alice": mobileNumber}, Desk: map[string]string{"alice": deskDevice}})
}

// ring has alice call carol by a number, and its phone answer and press a key.
func (b *backStage) ring(ctx context.Context, number string) (ask, mobile, far *lab.Call, err error) {
	if ask, err = b.alice.Invite(ctx, "carol", lab.ByCellular(number)); err != nil {
		return nil, nil, nil, err
	}
	if mobile, err = b.answer(ctx, number); err != nil {
		return nil, nil, nil, err
	}
	select {
	case <-b.pair.World.Carol.Incoming():
		return nil, nil, nil, fmt.Errorf("carol rang before a key was pressed")
	default:
	}
	if err := mobile.Keys(ctx, "1"); err != nil {
		return nil, nil, nil, err
	}
	if far, err = incoming(ctx, b.pair.World.Carol); err != nil {
		return nil, nil, nil, err
	}
	return ask, mobile, far, ask.Await(ctx, lab.CallAnswered)
}

func (b *backStage) answer(ctx context.Context, number string) (*lab.Call, error) {
	mobile, err := incoming(ctx, b.gateway)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(mobile.To(), number) {
		return nil, fmt.Errorf("the gateway was asked to call %s, not %s", mobile.To(), number)
	}
	return mobile, mobile.Answer()
}

func incoming(ctx context.Context, p *lab.Phone) (*lab.Call, error) {
	select {
	case c := <-p.Incoming():
		return c, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%s is not called: %w", p.AOR(), ctx.Err())
	}
}

func (b *backStage) mobileIdentity(ctx context.Context) error {
	b.serve(20 * time.Second)
	ask, mobile, far, err := b.ring(ctx, mobileNumber)
	if err != nil {
		return err
	}
	if b.heard, err = far.AwaitMedia(ctx, lab.MobileTone, enough); err != nil {
		return err
	}
	if _, err := mobile.AwaitMedia(ctx, lab.CarolTone, enough); err != nil {
		return err
	}
	if err := b.legs(ctx, 1, 0); err != nil {
		return err
	}
	if err := ask.Info(ctx, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"); err != nil {
		return fmt.Errorf("INFO of the client: %w", err)
	}
	if err := b.holds(ctx, mobile, far); err != nil {
		return err
	}
	if err := b.moves(ctx, mobile, far); err != nil {
		return err
	}
	if err := ask.Hangup(ctx); err != nil {
		return err
	}
	return far.Await(ctx, lab.CallEnded)
}

// holds holds and resumes the far end by the mobile phone's keys.
func (b *backStage) holds(ctx context.Context, mobile, far *lab.Call) error {
	if err := mobile.Keys(ctx, "*81"); err != nil {
		return err
	}
	if err := held(ctx, far, true); err != nil {
		return err
	}
	if err := mobile.Keys(ctx, "*83"); err != nil {
		return err
	}
	if err := held(ctx, far, false); err != nil {
		return err
	}
	_, err := far.AwaitMedia(ctx, lab.MobileTone, enough)
	return err
}

func held(ctx context.Context, far *lab.Call, want bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for far.OnHold() != want {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("hold is never %v: %w", want, ctx.Err())
		}
	}
	return nil
}

// moves takes the call to the desk phone outside, whose voice does pass both
// nodes, and by its keys, which it sends by KPML, back to the mobile phone.
func (b *backStage) moves(ctx context.Context, mobile, far *lab.Call) error {
	if err := mobile.Keys(ctx, "*74"); err != nil {
		return err
	}
	desk, err := incoming(ctx, b.desk)
	if err != nil {
		return err
	}
	if _, err := far.AwaitMedia(ctx, deskTone, enough); err != nil {
		return err
	}
	if err := mobile.Await(ctx, lab.CallEnded); err != nil {
		return fmt.Errorf("the mobile phone's call goes on: %w", err)
	}
	if err := b.legs(ctx, 2, 1); err != nil {
		return err
	}
	if err := desk.Keys(ctx, "*74"); err != nil {
		return err
	}
	if _, err := b.answer(ctx, mobileNumber); err != nil {
		return err
	}
	if _, err := far.AwaitMedia(ctx, lab.MobileTone, enough); err != nil {
		return err
	}
	if err := desk.Await(ctx, lab.CallEnded); err != nil {
		return fmt.Errorf("the desk phone's call goes on: %w", err)
	}
	return b.legs(ctx, 1, 0)
}

// legs asks both nodes for their calls, and of how many media is relayed.
func (b *backStage) legs(ctx context.Context, calls, relayed int) error {
	for _, host := range []string{b.pair.CoreAddr(), b.pair.EdgeInner()} {
		shown, err := b.ask(ctx, host, "xStatus Calls")
		if err != nil {
			return err
		}
		if n, m := strings.Count(shown, "SerialNumber:"), strings.Count(shown, "Leg 1:"); n != calls || m != relayed {
			return fmt.Errorf("%s shows %d calls, %d with media, want %d and %d: %s", host, n, m, calls, relayed, shown)
		}
	}
	return nil
}

// alternate has the hotel's phone called: it talks, but its keys do nothing.
func (b *backStage) alternate(ctx context.Context) error {
	ask, mobile, far, err := b.ring(ctx, hotelNumber)
	if err != nil {
		return err
	}
	if _, err := far.AwaitMedia(ctx, lab.MobileTone, enough); err != nil {
		return err
	}
	if err := mobile.Keys(ctx, "*81"); err != nil {
		return err
	}
	if err := ask.Hangup(ctx); err != nil { // what came before it is done then
		return err
	}
	if err := far.Await(ctx, lab.CallEnded); err != nil {
		return err
	}
	if far.OnHold() {
		return fmt.Errorf("a key held the call")
	}
	return nil
}

// voicemailAvoided has a voicemail box take the call back: it presses no key, so
// carol is not called, and the client hears so.
func (b *backStage) voicemailAvoided(ctx context.Context) error {
	b.serve(300 * time.Millisecond)
	ask, err := b.alice.Invite(ctx, "carol", lab.ByCellular(mobileNumber))
	if err != nil {
		return err
	}
	box, err := b.answer(ctx, mobileNumber)
	if err != nil {
		return err
	}
	if err := ask.Await(ctx, lab.CallAnswered); err == nil || ask.Cause() != 480 {
		return fmt.Errorf("the call ends with %d: %v", ask.Cause(), err)
	}
	select {
	case <-b.pair.World.Carol.Incoming():
		return fmt.Errorf("carol was called")
	default:
	}
	return box.Await(ctx, lab.CallEnded)
}
