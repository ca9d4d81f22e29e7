package media_test

import (
	"context"
	"net/netip"
	"os"
	"testing"

	"sallyport/appliance/media"
	"sallyport/appliance/stun"
)

// openFiles counts the process's descriptors.
func openFiles(t *testing.T) int {
	t.Helper()
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(dir)
}

func bindingRequest() []byte { return stun.BindingRequest([12]byte{1, 2, 3}) }

func mapped(b []byte) netip.AddrPort {
	a, _ := stun.Mapped(b)
	return a
}

// stopAtOnce runs relays just long enough to close what they hold.
func stopAtOnce(relays ...*media.Relay) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, r := range relays {
		r.Run(ctx)
	}
}
