package signaling

import (
	"context"
	"sync"
	"sync/atomic"

	"sallyport/appliance/sip"
)

// offReader owns what runs neither in a reader nor in Run.
type offReader struct {
	mu     sync.Mutex
	closed bool
	wait   sync.WaitGroup
	ctx    context.Context
	cancel context.CancelFunc
}

func (o *offReader) init() { o.ctx, o.cancel = context.WithCancel(context.Background()) }

// run starts f unless the proxy has ended, and reports whether it did.
func (o *offReader) run(f func()) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.wait.Go(f)
	return true
}

func (o *offReader) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.cancel()
	o.wait.Wait()
}

// callQueues keeps the messages that one side of a call sends in order while
// one of them waits for its connection.
type callQueues struct {
	held  atomic.Int64 // len(calls), so that the usual case takes no lock
	most  int
	mu    sync.Mutex
	calls map[string][]func(context.Context)
}

// queueMost is more than a phone sends in a dialog within one dial.
const queueMost = 64

func (q *callQueues) init(most int) {
	q.most = most
	q.calls = map[string][]func(context.Context){}
}

func callOf(m *sip.Message) string { return m.CallID() + "\x00" + m.FromTag() }

// waiting tells whether something of the message's call waits already.
func (q *callQueues) waiting(m *sip.Message) bool {
	if q.held.Load() == 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	_, waits := q.calls[callOf(m)]
	return waits
}

// enqueue runs f off the reader, after what its call has queued before; false
// if too much waits.
func (q *callQueues) enqueue(p *Proxy, m *sip.Message, f func(context.Context)) bool {
	call := callOf(m)
	q.mu.Lock()
	defer q.mu.Unlock()
	queue, waits := q.calls[call]
	if waits {
		if len(queue) >= queueMost {
			return false
		}
		q.calls[call] = append(queue, f)
		return true
	}
	if len(q.calls) >= q.most || !p.off.run(func() { q.drain(p, call, f) }) {
		return false
	}
	q.calls[call] = nil
	q.held.Add(1)
	return true
}

func (q *callQueues) drain(p *Proxy, call string, f func(context.Context)) {
	for f != nil {
		f(p.off.ctx)
		f = q.pop(call)
	}
}

func (q *callQueues) pop(call string) func(context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	queue := q.calls[call]
	if len(queue) == 0 {
		delete(q.calls, call)
		q.held.Add(-1)
		return nil
	}
	q.calls[call] = queue[1:]
	return queue[0]
}
