package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sallyport/test/lab"
	"sallyport/test/pair"
)

// daveDevice is what Apple calls dave's phone.
var daveDevice = strings.Repeat("d0e1", 16)

// pushWake has a phone fall asleep, its connection gone, while carol calls it: a
// push reaches the service's double, the phone wakes up by it and registers, and
// both ends hear each other.
func (r *round) pushWake(ctx context.Context) (_ string, err error) {
	stub := r.pair.World.Pushes
	for _, line := range stub.PushLines() {
		if err := r.say(ctx, line, r.pair.CoreAddr()); err != nil {
			return "", err
		}
	}
	defer func() {
		if off := r.say(ctx, "xConfiguration Push Mode: Off", r.pair.CoreAddr()); err == nil {
			err = off
		}
	}()
	dave, err := r.pair.Phone("dave", daveTone, func(c *lab.PhoneConfig) { c.Push = lab.PushParams("apns", daveDevice) })
	if err != nil {
		return "", err
	}
	defer dave.Close()
	if err := dave.Start(ctx); err != nil {
		return "", err
	}
	if err := dave.Register(ctx); err != nil {
		return "", err
	}
	if err := inside(r.pair); err != nil {
		return "", err
	}
	dave.DropConnection()
	call, took, err := r.wakeCall(ctx, dave, stub)
	if err != nil {
		return "", err
	}
	far, near, err := bothHear(ctx, call, dave)
	if err != nil {
		return "", err
	}
	if err := call.Hangup(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("dave slept; the push came after %s, and from his registration on carol hears %s and he %s", took, far, near), nil
}

const daveTone = 1200

// inside looks whether the registrar was told what wakes dave.
func inside(p *pair.Pair) error {
	bound := p.World.Registrar.Bindings("dave")
	if len(bound) != 1 {
		return fmt.Errorf("the registrar has %d bindings of dave, want 1", len(bound))
	}
	if strings.Contains(bound[0].Contact, "pn-") {
		return fmt.Errorf("the registrar got push parameters: %s", bound[0].Contact)
	}
	return nil
}

// wakeCall calls dave, and lets his phone wake up when the push has come.
func (r *round) wakeCall(ctx context.Context, dave *lab.Phone, stub *lab.PushStub) (*lab.Call, time.Duration, error) {
	begin := time.Now()
	call, err := r.pair.World.Carol.Invite(ctx, "dave")
	if err != nil {
		return nil, 0, err
	}
	got, err := stub.Next(ctx)
	if err != nil {
		return nil, 0, err
	}
	took := time.Since(begin).Round(time.Millisecond)
	if got.Device != daveDevice || got.Why != "call" || got.Kind != "voip" || got.Proto != "HTTP/2.0" {
		return nil, 0, fmt.Errorf("the push is %+v", got)
	}
	if err := dave.Connect(ctx); err != nil {
		return nil, 0, err
	}
	if err := dave.Register(ctx); err != nil {
		return nil, 0, err
	}
	return call, took, call.Await(ctx, lab.CallAnswered)
}

// bothHear measures the media of a call at both ends.
func bothHear(ctx context.Context, near *lab.Call, phone *lab.Phone) (out, in lab.MediaStats, err error) {
	var far *lab.Call
	select {
	case far = <-phone.Incoming():
	case <-ctx.Done():
		return out, in, ctx.Err()
	}
	if out, err = near.AwaitMedia(ctx, daveTone, enough); err != nil {
		return out, in, err
	}
	in, err = far.AwaitMedia(ctx, lab.CarolTone, enough)
	return out, in, err
}
