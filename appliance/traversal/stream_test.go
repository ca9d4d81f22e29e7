package traversal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// muxPair joins two multiplexers by a pipe; accepted gets what b is asked for.
func muxPair(t *testing.T) (a, b *mux, accepted chan *Stream) {
	t.Helper()
	accepted = make(chan *Stream, maxMuxStreams)
	x, y := net.Pipe()
	take := func(s *Stream) { accepted <- s }
	a = newMux(x, true, newBudget(), x.LocalAddr(), x.RemoteAddr(), take)
	b = newMux(y, false, newBudget(), y.LocalAddr(), y.RemoteAddr(), take)
	var wg sync.WaitGroup
	wg.Go(func() { a.run() })
	wg.Go(func() { b.run() })
	t.Cleanup(func() {
		a.close(io.EOF)
		b.close(io.EOF)
		wg.Wait()
	})
	return a, b, accepted
}

func streamPair(t *testing.T) (a, b *Stream) {
	t.Helper()
	m, _, accepted := muxPair(t)
	a, err := m.open("http", "alice")
	if err != nil {
		t.Fatal(err)
	}
	b = receive(t, accepted)
	if b.Kind() != "http" || b.Tag() != "alice" {
		t.Errorf("accepted %q for %q", b.Kind(), b.Tag())
	}
	return a, b
}

func TestStreamHalfClose(t *testing.T) {
	a, b := streamPair(t)
	a.Write([]byte("question"))
	a.CloseWrite()
	if got, err := io.ReadAll(b); string(got) != "question" || err != nil {
		t.Fatalf("read %q, %v", got, err)
	}
	if _, err := a.Write([]byte("more")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after CloseWrite: %v", err)
	}
	b.Write([]byte("answer"))
	b.Close()
	if got, err := io.ReadAll(a); string(got) != "answer" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	a.Close()
	over(t, a.m, b.m)
}

// over waits until neither end knows a stream or owes the budget anything.
func over(t *testing.T, ms ...*mux) {
	t.Helper()
	for _, m := range ms {
		eventually(t, "streams forgotten", func() bool {
			n, extra := m.budget.load()
			return m.load() == 0 && n == 0 && extra == 0
		})
	}
}

func TestStreamCloseTellsWriter(t *testing.T) {
	a, b := streamPair(t)
	b.Close()
	var err error
	for err == nil {
		_, err = a.Write(make([]byte, 1000))
	}
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write to a closed stream: %v", err)
	}
	if _, err := a.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read from a closed stream: %v", err)
	}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after own Close: %v", err)
	}
	a.Close()
	a.Close()
	over(t, a.m, b.m)
}

func TestStreamReset(t *testing.T) {
	a, b := streamPair(t)
	b.Reset("no such kind")
	_, err := a.Read(make([]byte, 1))
	var reset *ResetError
	if !errors.As(err, &reset) || reset.Reason != "no such kind" {
		t.Errorf("read: %v", err)
	}
	if _, err := a.Write([]byte("x")); !errors.As(err, &reset) {
		t.Errorf("write: %v", err)
	}
	over(t, a.m, b.m)
}

func TestStreamDeadlines(t *testing.T) {
	a, b := streamPair(t)
	a.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	a.SetReadDeadline(time.Time{})
	b.Write([]byte("x"))
	if n, err := a.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("read after the deadline was lifted: %v", err)
	}
	if n, err := a.Write(make([]byte, startCredit)); n != startCredit || err != nil {
		t.Fatalf("wrote %d, %v", n, err)
	}
	a.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := a.Write(make([]byte, 2*maxCredit)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) { // nobody reads
		t.Errorf("wrote %d, %v", n, err)
	}
	a.SetWriteDeadline(time.Time{})
	done := make(chan error, 1)
	go func() {
		_, err := a.Write(make([]byte, 4*maxCredit))
		done <- err
	}()
	go io.Copy(io.Discard, b)
	if err := receive(t, done); err != nil {
		t.Errorf("write after the deadline was lifted: %v", err)
	}
	blocked := make(chan error, 1)
	go func() {
		_, err := a.Read(make([]byte, 1))
		blocked <- err
	}()
	a.SetDeadline(time.Unix(1, 0))
	if err := receive(t, blocked); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline under a waiting read: %v", err)
	}
}

// A reader that keeps up gets a wider window; what lies unread never exceeds
// maxCredit.
func TestStreamWindowGrows(t *testing.T) {
	a, b := streamPair(t)
	go a.Write(make([]byte, 1<<20))
	if _, err := io.ReadFull(b, make([]byte, 512<<10)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "window grows and fills", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		if n := len(b.in) - b.off; n > maxCredit || b.window > maxCredit {
			t.Fatalf("%d bytes unread, window %d", n, b.window)
		}
		return b.window > startCredit && b.left == 0
	})
	a.Close()
	b.Close()
	over(t, a.m, b.m)
}

func TestStreamLimits(t *testing.T) {
	a, _, accepted := muxPair(t)
	for range maxTagStreams {
		if _, err := a.open("http", "alice"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.open("http", "alice"); !errors.Is(err, ErrBusy) {
		t.Errorf("one user's stream too many: %v", err)
	}
	s, err := a.open("http", "bob")
	if err != nil {
		t.Errorf("another user: %v", err)
	}
	for range maxTagStreams + 1 {
		receive(t, accepted).Close()
	}
	if _, err := s.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	for a.load() < maxMuxStreams {
		if _, err := a.open("http", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.open("http", ""); !errors.Is(err, ErrBusy) {
		t.Errorf("one stream too many on a channel: %v", err)
	}
}

// The far end opens more than this end allows: the stream is refused in so
// many words, and the others live.
func TestStreamRefusedByFarEnd(t *testing.T) {
	a, b, accepted := muxPair(t)
	b.budget.streams = maxStreams
	s, _ := a.open("http", "")
	var reset *ResetError
	if _, err := s.Read(make([]byte, 1)); !errors.As(err, &reset) || !strings.Contains(reset.Reason, "too many") {
		t.Errorf("read: %v", err)
	}
	b.budget.streams = 0
	a.open("http", "")
	receive(t, accepted)
}

func TestMuxEndsOnProtocolBreach(t *testing.T) {
	for name, wire := range map[string][]byte{
		"more than credit":     append(appendFrame(nil, frameOpen, 1, openPayload("http", "")), bytes.Repeat(appendFrame(nil, frameData, 1, make([]byte, maxFrame)), 2)...),
		"data after end":       append(appendFrame(appendFrame(nil, frameOpen, 1, openPayload("http", "")), frameFin, 1, nil), appendFrame(nil, frameData, 1, []byte("x"))...),
		"unknown stream":       appendFrame(nil, frameData, 7, []byte("x")),
		"our own id":           appendFrame(nil, frameOpen, 2, openPayload("http", "")),
		"opened twice":         append(appendFrame(nil, frameOpen, 1, openPayload("http", "")), appendFrame(nil, frameOpen, 1, openPayload("http", ""))...),
		"credit without end":   append(appendFrame(nil, frameOpen, 1, openPayload("http", "")), appendFrame(nil, frameCredit, 1, []byte{0x7f, 0xff, 0xff, 0xff})...),
		"unknown type":         appendFrame(nil, 99, 1, nil),
		"flood of empty opens": bytes.Repeat(appendFrame(nil, frameOpen, 1, []byte{0, 0, 0}), 3),
	} {
		x, y := net.Pipe()
		m := newMux(x, false, newBudget(), x.LocalAddr(), x.RemoteAddr(), func(*Stream) {})
		go io.Copy(io.Discard, y)
		go func() {
			y.Write(wire)
			y.Close()
		}()
		if err := m.run(); !errors.Is(err, errProtocol) && !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Many streams at once, random sizes and pauses: every byte arrives in order.
func TestStreamsUnderLoad(t *testing.T) {
	a, _, accepted := muxPair(t)
	const streams, size = 100, 100_000
	var wg sync.WaitGroup
	for i := range streams {
		s, err := a.open("http", "")
		if err != nil {
			t.Fatal(err)
		}
		peer := receive(t, accepted)
		wg.Go(func() { echo("", Peer{}, peer) })
		want := bytes.Repeat([]byte{byte(i), byte(i >> 1), 3, 4, 5, 6, 7}, size/7)
		wg.Go(func() {
			for rest := want; len(rest) > 0; {
				n := min(len(rest), 1+rand.IntN(5000))
				if _, err := s.Write(rest[:n]); err != nil {
					t.Error(err)
				}
				rest = rest[n:]
			}
			s.CloseWrite()
		})
		wg.Go(func() {
			if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, want) {
				t.Errorf("stream %d: %d bytes, %v", i, len(got), err)
			}
			s.Close()
		})
	}
	wg.Wait()
	over(t, a)
}

// Each round of the writer takes one frame of each stream, however much one of
// them has to say.
func TestWriterIsFair(t *testing.T) {
	x, _ := net.Pipe()
	m := newMux(x, true, newBudget(), nil, nil, nil)
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, size := range map[uint32]int{1: 10 * maxFrame, 3: 100, 5: 2 * maxFrame} {
		s := newStream(m, id, "http", &lease{})
		s.pending, s.credit = make([]byte, size), maxCredit
		m.readyLocked(s)
	}
	out := bufio.NewReader(bytes.NewReader(m.gatherLocked(nil)))
	seen := map[uint32]bool{}
	for range 3 {
		f, err := readFrame(out, make([]byte, maxFrame))
		if err != nil {
			t.Fatal(err)
		}
		seen[f.stream] = true
	}
	if len(seen) != 3 {
		t.Errorf("the first three frames are of streams %v", seen)
	}
}

// 2,000 clients stop reading in the middle of a download. Memory stays within
// the streams' first windows, and a stream that is read, SIP and control go on
// as if nothing were.
func TestStalledReaders(t *testing.T) {
	const stalled = 2000
	blocked := make(chan bool, stalled)
	page := make([]byte, 4*maxCredit)
	edge, core := pair(t, nil, func(c *Config) {
		c.OnStream = func(kind string, _ Peer, s net.Conn) {
			if kind == "echo" {
				echo(kind, Peer{}, s)
				return
			}
			defer s.Close()
			s.Write(page[:startCredit])
			blocked <- true
			s.Write(page) // until the end of the test
		}
	})
	before := heap()
	ctx := t.Context()
	var open []net.Conn
	for i := range stalled {
		s, err := edge.Open(ctx, StreamRequest{Zone: zone, Kind: "stall", Tag: fmt.Sprint("user", i)})
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
	}
	for range stalled {
		receive(t, blocked)
	}

	core.Handle("time", func(_ context.Context, _ Peer, in []byte) ([]byte, error) { return in, nil })
	var worst time.Duration
	note := func(start time.Time) { worst = max(worst, time.Since(start)) }
	for i := range 50 {
		start := time.Now()
		if _, err := edge.Call(ctx, zone, 0, "time", []byte("x")); err != nil {
			t.Fatal(err)
		}
		note(start)
		start = time.Now()
		c, _ := edge.Conn(zone, 0, "call")
		c.Send(message("call", i))
		receive(t, core.messages)
		note(start)
		start = time.Now()
		s, err := edge.OpenStream(ctx, zone, "echo")
		if err != nil {
			t.Fatal(err)
		}
		s.Write([]byte("hello"))
		if _, err := io.ReadFull(s, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		s.Close()
		note(start)
	}
	grown := heap() - before
	t.Logf("%d stalled readers: %d KiB, slowest of 150 exchanges %s", stalled, grown>>10, worst)
	if limit := int64(stalled * 4 * startCredit); grown > limit {
		t.Errorf("memory grew by %d bytes, more than %d", grown, limit)
	}
	if s := edge.Status()[0]; s.Streams < stalled {
		t.Errorf("status counts %d streams", s.Streams)
	}
	for _, s := range open {
		s.Close()
	}
	eventually(t, "budget back", func() bool {
		a, x := edge.budget.load()
		b, y := core.budget.load()
		return a+x+b+y == 0
	})
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
