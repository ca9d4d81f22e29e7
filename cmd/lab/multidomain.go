package main

import (
	"context"
	"fmt"

	"sallyport/test/domains"
	"sallyport/test/pair"
)

// multidomain gives edge a second domain with a name and a certificate of its
// own, live, and has a phone register and call there that trusts no other name.
// The far end of the call is a phone of the first domain.
func (r *round) multidomain(ctx context.Context) (string, error) {
	if r.alice == nil {
		return "", fmt.Errorf("there is no phone")
	}
	if err := domains.Open(ctx, r.pair); err != nil {
		return "", err
	}
	early, err := domains.Phone(r.pair, "bob", bobTone)
	if err != nil {
		return "", err
	}
	defer early.Close()
	if early.Start(ctx) == nil {
		return "", fmt.Errorf("a phone took edge for %s without a certificate for it", domains.EdgeName)
	}
	if err := domains.Certify(ctx, r.pair); err != nil {
		return "", err
	}
	if err := domains.Names(ctx, r.pair); err != nil {
		return "", err
	}
	if err := domains.Talk(ctx, r.pair, "bob", bobTone, "alice", aliceTone); err != nil {
		return "", err
	}
	return "a phone of " + domains.Domain + " registers and calls under " + domains.EdgeName + " by its certificate, put in live and shown at 5061, 8443, 5222 and TURN; " + pair.EdgeName + " keeps its own", nil
}
