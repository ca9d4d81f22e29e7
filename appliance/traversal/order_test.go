package traversal

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/appliance/sip"
)

// Many dialogs at once over both connections: within a dialog nothing
// overtakes anything.
func TestOrderUnderLoad(t *testing.T) {
	const dialogs, each = 50, 60
	next := map[string]uint32{}
	conns := map[string]*Conn{}
	var mu sync.Mutex
	var wg, sent sync.WaitGroup
	wg.Add(dialogs * each)
	edge, _ := pair(t, nil, func(c *Config) {
		c.OnMessage = func(c *Conn, m *sip.Message, _ string) {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			id := strings.Clone(m.CallID())
			n, _ := m.CSeq()
			if n != next[id] || conns[id] != nil && conns[id] != c {
				t.Errorf("dialog %s: got message %d, want %d; same connection: %t", id, n, next[id], conns[id] == c)
			}
			next[id], conns[id] = n+1, c
		}
	})
	for d := range dialogs {
		sent.Go(func() {
			id := fmt.Sprint("call-", d)
			for n := range each {
				c, err := edge.Conn(zone, 0, id)
				if err == nil {
					err = c.Send(message(id, n))
				}
				if err != nil {
					t.Error(err)
					wg.Done()
				}
			}
		})
	}
	sent.Wait()
	wg.Wait()
	used := map[*Conn]bool{}
	for _, c := range conns {
		used[c] = true
	}
	if len(used) != sipConns {
		t.Errorf("%d dialogs used %d connections", dialogs, len(used))
	}
}

// One connection of two breaks: its dialogs go on over the other, and the link
// never counts as down.
func TestFailOver(t *testing.T) {
	edge, core := pair(t, nil, nil)
	receive(t, edge.peers)
	first, err := edge.Conn(zone, 0, "call-1")
	if err != nil {
		t.Fatal(err)
	}
	first.Close("test")
	receive(t, edge.closed)
	second, err := edge.Conn(zone, 0, "call-1")
	if err != nil || second == first {
		t.Fatalf("no fail-over: %v", err)
	}
	if err := first.Send(message("call-1", 1)); err == nil {
		t.Error("a closed connection takes messages")
	}
	if err := second.Send(message("call-1", 1)); err != nil {
		t.Error(err)
	}
	receive(t, core.messages)
	whole(t, edge, core)
	if len(edge.peers) > 0 {
		t.Errorf("link counted as down: %+v", <-edge.peers)
	}
}

func TestBackoff(t *testing.T) {
	var draws uint64
	b := backoff{max: 10 * time.Second, rand: func(n int) []byte {
		draws += 0x3fff_ffff_ffff_ffff
		return binary.BigEndian.AppendUint64(nil, draws)[:n]
	}}
	span := firstRetry
	seen := map[time.Duration]bool{}
	for i := range 40 {
		d := b.next()
		if d < span/2 || d > span {
			t.Errorf("try %d waits %s, want %s to %s", i, d, span/2, span)
		}
		seen[d] = true
		span = min(2*span, b.max)
	}
	if len(seen) < 20 {
		t.Errorf("only %d different pauses: no jitter", len(seen))
	}
	b.reset()
	if d := b.next(); d > firstRetry {
		t.Errorf("after a reset: %s", d)
	}
}

// Senders share writes, a sender does not work for others for ever, and
// nothing is lost or mixed.
func TestBatch(t *testing.T) {
	a, b := net.Pipe()
	var wg sync.WaitGroup
	out := newBatch(a, &wg, func(error) {})
	const senders, each = 20, 200
	var done sync.WaitGroup
	for i := range senders {
		done.Go(func() {
			for n := range each {
				if err := out.send(fmt.Appendf(nil, "%03d:%05d\n", i, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	next := map[int]int{}
	for range senders * each {
		var line [10]byte
		if _, err := io.ReadFull(b, line[:]); err != nil {
			t.Fatal(err)
		}
		var i, n int
		fmt.Sscanf(string(line[:]), "%d:%d\n", &i, &n)
		if next[i] != n {
			t.Fatalf("sender %d: got %d, want %d", i, n, next[i])
		}
		next[i]++
	}
	done.Wait()
	b.Close()
	var err error
	for err == nil {
		err = out.send([]byte("x"))
	}
	wg.Wait()
}

func TestBatchStalledPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		var wg sync.WaitGroup
		broken := make(chan error, 1)
		out := newBatch(a, &wg, func(err error) { broken <- err })
		start := time.Now()
		for out.send(make([]byte, 64<<10)) == nil {
			if time.Since(start) > 3*writeTimeout {
				t.Fatal("a peer that takes nothing is never given up")
			}
		}
		<-broken
		wg.Wait()
	})
}
