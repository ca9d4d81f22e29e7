package nic

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestSilence has a DHCP server say nothing, then answer, then fall silent
// again, and the question be taken back.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Config{Log: slog.New(slog.DiscardHandler)})
		q := question{2, byDHCP}
		answers := false
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			n.ask(ctx, q, "lan2", func(context.Context, int, string) (Lease, time.Duration, error) {
				n.mu.Lock()
				defer n.mu.Unlock()
				if answers {
					return Lease{LAN: 2, Address: netip.MustParsePrefix("192.0.2.5/24")}, time.Minute, nil
				}
				return Lease{}, 0, errors.New("nobody answers")
			})
		}()
		after := func(d time.Duration, now bool, want ...string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			n.mu.Lock()
			defer n.mu.Unlock()
			answers = now
			if got := n.silence(2); !slices.Equal(got, want) || n.silence(1) != nil {
				t.Errorf("%q, want %q", got, want)
			}
		}
		after(askAgain, false)
		after(2*askAgain, true, "DHCP")
		after(askAgain, false)
		after(10*time.Minute, false, "DHCP")
		n.mu.Lock()
		n.forget(q)
		n.mu.Unlock()
		cancel()
		<-done
		after(0, false)
	})
}
