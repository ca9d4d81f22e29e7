package signaling

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sallyport/appliance/sip"
)

// echoConn answers what it is sent as a far end would, from other goroutines.
type echoConn struct {
	id    uint64
	proxy *Proxy
	wait  *underWay
	calm  bool
	sent  atomic.Int64
}

// underWay counts answers that are being made. Unlike a sync.WaitGroup it may
// be waited for while more begin: a dial may send at any time.
type underWay struct {
	mu   sync.Mutex
	none sync.Cond
	n    int
}

func newUnderWay() *underWay {
	u := &underWay{}
	u.none.L = &u.mu
	return u
}

func (u *underWay) Go(f func()) {
	u.mu.Lock()
	u.n++
	u.mu.Unlock()
	go func() {
		defer func() {
			u.mu.Lock()
			u.n--
			u.mu.Unlock()
			u.none.Broadcast()
		}()
		f()
	}()
}

func (u *underWay) Wait() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for u.n > 0 {
		u.none.Wait()
	}
}

func (c *echoConn) ID() uint64             { return c.id }
func (c *echoConn) Network() string        { return "TLS" }
func (c *echoConn) Reliable() bool         { return c.id%2 == 0 }
func (c *echoConn) Local() netip.AddrPort  { return netip.MustParseAddrPort("192.0.2.1:5061") }
func (c *echoConn) Remote() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.2:5061") }
func (c *echoConn) Zone() string           { return "z" }

func (c *echoConn) Send(b []byte) error {
	c.sent.Add(1)
	if c.proxy == nil {
		return nil
	}
	m, f := sip.Parse(append([]byte(nil), b...))
	if f != nil || !m.Request() || m.Method() == "ACK" {
		return nil
	}
	statuses := []int{100, 180, 200, 200}
	if rand.IntN(2) == 0 || m.Method() == "CANCEL" {
		statuses = []int{180, 487}
	}
	c.wait.Go(func() {
		for _, s := range statuses {
			if c.calm || rand.IntN(8) > 0 {
				c.proxy.Receive(c, m.Reply(s, "Answer"), "")
			}
		}
	})
	return nil
}

// TestHammer lets requests, answers, CANCELs and closed connections meet in
// every order, for the race detector, and looks for what is left behind.
func TestHammer(t *testing.T) {
	defer goleak.VerifyNone(t)
	far := []*echoConn{{id: 100}, {id: 101}}
	far2 := newUnderWay()
	p := New(Config{Handler: func(r *Request) {
		to := far[rand.IntN(2)]
		b := Branch{Msg: r.Msg.Clone(), Conn: to, Via: "proxy", HideVia: rand.IntN(2) == 0, OnResponse: func(*sip.Message) {}, OnFinal: func(int) {}}
		b.Next = func(int) *Branch {
			if rand.IntN(2) == 0 {
				return nil
			}
			return &Branch{Msg: r.Msg.Clone(), Via: "proxy", Dial: func(context.Context) (Conn, error) { return to, nil }}
		}
		r.Forward(b)
	}})
	for _, c := range far {
		c.proxy, c.wait = p, far2
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run, clients sync.WaitGroup
	run.Go(func() { _ = p.Run(ctx) })
	for n := range 4 {
		clients.Go(func() { hammer(p, n, far) })
	}
	clients.Wait()
	far2.Wait()
	for _, c := range far {
		p.ConnClosed(c)
	}
	cancel()
	run.Wait()
	far2.Wait() // for what a dial that was under way has sent
	if st := p.Stats(); st.Panics != 0 {
		t.Errorf("panics: %d", st.Panics)
	}
}

func hammer(p *Proxy, n int, far []*echoConn) {
	c := &echoConn{id: uint64(n)}
	for i := range 300 {
		branch := fmt.Sprintf("%d-%d", n, i)
		p.Receive(c, testRequest("INVITE", branch, 1), "")
		switch i % 5 {
		case 0:
			p.Receive(c, testRequest("CANCEL", branch, 1), "")
		case 1:
			p.Receive(c, testRequest("INVITE", branch, 1), "")
		case 2:
			p.Receive(c, testRequest("MESSAGE", branch+"m", 2), "")
		}
		p.Receive(c, testRequest("ACK", branch, 1), "")
		if i%100 == 99 {
			p.ConnClosed(far[0])
		}
	}
	p.ConnClosed(c)
}

func testRequest(method, branch string, cseq int) *sip.Message {
	m, f := sip.Parse([]byte(fmt.Sprintf("%s sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TLS a.example.com;branch=%s%s\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=f\r\nTo: <sip:bob@example.com>\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"+
		"Content-Length: 0\r\n\r\n", method, magic, branch, branch, cseq, method)))
	if f != nil {
		panic(f)
	}
	return m
}

// TestWheel compares the wheel with a plain list over random deadlines.
func TestWheel(t *testing.T) {
	var w wheel
	w.init()
	r := rand.New(rand.NewPCG(1, 2))
	want := map[*transaction]time.Duration{}
	now := time.Duration(0)
	for range 20_000 {
		tx := &transaction{}
		tx.place.owner = tx
		due := now + time.Duration(r.Int64N(int64(4*time.Minute)))
		w.set(&tx.place, due)
		want[tx] = due
		if r.IntN(3) == 0 {
			want[tx] = due + time.Second
			w.set(&tx.place, want[tx])
		}
		if r.IntN(4) == 0 {
			delete(want, tx)
			w.set(&tx.place, 0)
		}
		now += time.Duration(r.Int64N(int64(30 * time.Millisecond)))
		if r.IntN(50) == 0 {
			now += time.Duration(r.Int64N(int64(2 * time.Minute)))
		}
		for _, tx := range w.expire(now) {
			due, known := want[tx]
			if !known {
				t.Fatalf("expired at %v what was taken out", now)
			}
			if due > now { // it stood earlier
				w.set(&tx.place, due)
				continue
			}
			delete(want, tx)
		}
		for tx, due := range want {
			if due < now-2*wheelTick {
				t.Fatalf("%p due at %v still held at %v", tx, due, now)
			}
			break
		}
	}
	now += time.Hour
	for w.held > 0 {
		w.expire(now)
		now += time.Minute
	}
	if w.pause(now) != wheelIdle {
		t.Error("an empty wheel does not rest")
	}
}
