package domains

import (
	"context"
	"slices"
	"testing"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/xapi"
	"sallyport/test/pair"
)

// place is the part of loopback that the pairs of these tests live in.
var place string

func TestMain(m *testing.M) { pair.Main(m, &place) }

func opened(t *testing.T) (context.Context, *pair.Pair) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(stop)
	p, err := pair.New(ctx, pair.Config{Net: place})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error("close: ", err)
		}
	})
	return ctx, p
}

// A phone of a second domain registers and calls under edge's name in that
// domain, by the certificate of that domain, which is put in and taken out
// while all else runs on.
func TestSecondEdgeDomain(t *testing.T) {
	ctx, p := opened(t)
	if err := Open(ctx, p); err != nil {
		t.Fatal(err)
	}
	alice, err := p.Phone("alice", 440)
	if err == nil {
		defer alice.Close()
		err = alice.Start(ctx)
	}
	if err == nil {
		err = alice.Register(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	bob, err := Phone(p, "bob", 660)
	if err != nil {
		t.Fatal(err)
	}
	defer bob.Close()
	if err := bob.Start(ctx); err == nil {
		t.Fatal("edge has no certificate for the second domain, and the phone took one")
	}
	lacking := func(want bool) {
		t.Helper()
		for {
			raised := slices.ContainsFunc(p.Edge.Alarms(), func(a alarm.Raised) bool { return a.Alarm == xapi.AlarmDomainUnborne && a.Key == Domain })
			if raised == want {
				return
			}
			select {
			case <-ctx.Done():
				t.Fatalf("alarm of a domain that no certificate bears: %v", raised)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	lacking(true)
	if err := Certify(ctx, p); err != nil {
		t.Fatal(err)
	}
	lacking(false)
	if err := Names(ctx, p); err != nil {
		t.Error(err)
	}
	if err := Talk(ctx, p, "bob", 660, "alice", 440); err != nil {
		t.Fatal(err)
	}
}
