package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport/test/lab"
)

// onboarding takes a phone from its box to its service domain: with the
// certificate of a manufacturer that edge trusts it redeems its code, and
// nobody else does. The activation service is asked what came.
func (r *round) onboarding(ctx context.Context) (_ string, err error) {
	if err := r.signIn(ctx); err != nil {
		return "", err
	}
	o, err := r.login.OpenOnboarding(ctx)
	if err != nil {
		return "", err
	}
	defer func() {
		if closing := o.CloseOnboarding(ctx); err == nil {
			err = closing
		}
	}()
	const device = "SEP00CAFE00CAFE"
	service := r.pair.World.Activation
	code := service.AddCode(device, "bob", "Home office", time.Hour)
	before := len(service.Seen())
	bare, err := r.login.Fresh(nil, device, service.Domain)
	if err != nil {
		return "", err
	}
	if err := refusedTo(bare.Activate(ctx, r.login.ActivationBase(), device, code)); err != nil {
		return "", fmt.Errorf("without a certificate: %w", err)
	}
	if seen := service.Seen()[before:]; len(seen) > 0 {
		return "", fmt.Errorf("without a certificate %v got inside", seen)
	}
	phone, err := o.Onboard(ctx, device, code)
	if err != nil {
		return "", err
	}
	if phone.Domain != r.login.Domain {
		return "", fmt.Errorf("the phone is sent to %s", phone.Domain)
	}
	again, err := r.login.Fresh(o.Maker, device, service.Domain)
	if err != nil {
		return "", err
	}
	if err := refusedTo(again.Activate(ctx, r.login.ActivationBase(), device, code)); err != nil {
		return "", fmt.Errorf("the code used twice: %w", err)
	}
	if !slices.ContainsFunc(service.Seen()[before:], func(s string) bool { return strings.HasSuffix(s, "/register 200") }) {
		return "", fmt.Errorf("the activation service saw %v", service.Seen())
	}
	return "a new phone shows its manufacturer's certificate, redeems its code in " + service.Domain + ", is sent to " + phone.Domain +
		" and signs in there; 403 without the certificate and for the code used twice", nil
}

// refusedTo holds that a code was refused with 403.
func refusedTo(_ *lab.Activated, err error) error {
	if status, ok := err.(*lab.PageError); ok && status.Status == http.StatusForbidden {
		return nil
	}
	return fmt.Errorf("got %v, want 403", err)
}
