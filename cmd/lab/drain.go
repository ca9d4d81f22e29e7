package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sallyport/test/lab"
)

// The words of maintenance mode.
const (
	maintenance = "xConfiguration SystemUnit Maintenance Mode: "
	left        = "xStatus SystemUnit Maintenance"
)

// drain empties each node in turn while alice talks: carol hears her all along,
// and nothing new reaches call control until it is over.
func (r *round) drain(ctx context.Context) (string, error) {
	var told []string
	for _, n := range []struct{ name, host string }{{"core", r.pair.CoreAddr()}, {"edge", r.pair.EdgeInner()}} {
		heard, err := r.drainNode(ctx, n.host)
		if err != nil {
			return n.name + ":", errors.Join(err, r.say(ctx, maintenance+"Off", n.host))
		}
		told = append(told, fmt.Sprintf("%s: carol hears %s", n.name, heard))
	}
	return "the call went on and a new one got 503; " + strings.Join(told, "; "), nil
}

func (r *round) drainNode(ctx context.Context, host string) (string, error) {
	carol := r.pair.World.Carol
	near, far, _, err := r.talk(ctx, r.alice, carol, "carol", aliceTone)
	if err != nil {
		return "", err
	}
	if err := r.say(ctx, maintenance+"On", host); err != nil {
		return "", err
	}
	before := far.Stats()
	heard, err := far.AwaitMedia(ctx, aliceTone, enough)
	switch {
	case err != nil:
		return "", fmt.Errorf("the call is not heard any more: %w", err)
	case heard.Lost > before.Lost:
		return "", fmt.Errorf("the call lost packets: %s", heard)
	}
	if err := near.Hold(ctx); err != nil {
		return "", fmt.Errorf("a request within the call: %w", err)
	}
	if err := near.Resume(ctx); err != nil {
		return "", fmt.Errorf("a request within the call: %w", err)
	}
	if err := r.nothingNew(ctx); err != nil {
		return "", err
	}
	if status, err := r.ask(ctx, host, left); err != nil || !strings.Contains(status, "Calls: 1") {
		return "", fmt.Errorf("what is left is shown as %s (%v)", status, err)
	}
	if err := near.Hangup(ctx); err != nil {
		return "", err
	}
	if err := r.say(ctx, maintenance+"Off", host); err != nil {
		return "", err
	}
	_, err = r.callOnce(ctx, r.alice, carol, "carol", aliceTone)
	return heard.String(), err
}

// nothingNew has bob call, and looks whether it came through.
func (r *round) nothingNew(ctx context.Context) error {
	_, err := r.bob.Call(ctx, "carol")
	var no *lab.StatusError
	if !errors.As(err, &no) || no.Status != 503 {
		return fmt.Errorf("a new call got %v, want 503", err)
	}
	select {
	case <-r.pair.World.Carol.Incoming():
		return errors.New("a new call reached carol")
	default:
		return nil
	}
}
