package auth

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

func waits(source, query string) pending {
	return pending{client: Client{Source: source}, ask: ask{query: url.Values{"state": {query}}}}
}

// TestWhoNeverComesBack: sign-ins that are begun without end, by one source or
// by many, drive out each other and not a user's.
func TestWhoNeverComesBack(t *testing.T) {
	now := time.Now()
	w := newWaiting()
	w.add("alice", waits("192.0.2.1", ""), now)
	for i := range 2 * maxPendingEach {
		w.add(fmt.Sprint("one", i), waits(fmt.Sprintf("2001:db8::%x", i), ""), now.Add(time.Duration(i)))
	}
	if n := w.by["2001:db8::/64"]; n != maxPendingEach {
		t.Errorf("one source has %d", n)
	}
	for i := range 2 * maxPending {
		w.add(fmt.Sprint("many", i), waits(fmt.Sprint("10.0.0.", i%100), strings.Repeat("x", 3000)), now.Add(time.Duration(i)))
	}
	if len(w.all) > maxPending || w.bytes > maxPendingBytes {
		t.Errorf("%d wait with %d bytes", len(w.all), w.bytes)
	}
	if _, still := w.all["alice"]; !still {
		t.Error("who came alone was driven out")
	}
	w.add("bob", waits("192.0.2.2", ""), now.Add(2*pendingLife))
	if _, still := w.all["alice"]; still || len(w.all) != 1 || len(w.by) != 1 || w.order.Len() != 1 || w.bytes != w.order.Front().Value.(pending).size() {
		t.Errorf("after their time: %d of %d sources with %d bytes", len(w.all), len(w.by), w.bytes)
	}
}
