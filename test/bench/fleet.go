package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// fleet is all phones of one subject.
type fleet struct {
	clients []*client
	idle    chan *client
	hold    atomic.Int64 // nanoseconds between answer and BYE
	next    atomic.Int32 // the job that a finished one is followed by; nothing for none
	done    atomic.Int64
	failed  atomic.Int64
	missed  atomic.Int64 // paced jobs for which no phone was free
	wait    sync.WaitGroup

	mu     sync.Mutex // guards the rest
	delays []time.Duration
	first  error // of a job, for the report
	ended  bool
}

// connect dials n phones, some at a time, and registers each. The first goes
// alone: while a link is being dialled, Kamailio queues little for it.
func connect(ctx context.Context, addr string, n int, conf *tls.Config) (*fleet, error) {
	f := &fleet{clients: make([]*client, n), idle: make(chan *client, n)}
	errs := make(chan error, n)
	turn := make(chan struct{}, 8)
	for i := range n {
		if i == 1 {
			f.await(ctx, 1)
		}
		turn <- struct{}{}
		f.wait.Go(func() {
			c, err := dial(ctx, f, i, addr, conf)
			<-turn
			errs <- err
			if err != nil {
				return
			}
			f.clients[i] = c
			c.start(register)
			c.read()
		})
	}
	for range n {
		if err := <-errs; err != nil {
			f.close()
			return nil, fmt.Errorf("connect %d phones to %s: %w", n, addr, err)
		}
	}
	for range 3 {
		if f.settle(ctx, 5*time.Second) == nil {
			return f, nil
		}
		f.again() // a server may lose one in a burst of connections
	}
	return f, f.settle(ctx, 5*time.Second)
}

// again lets phones that have no answer register once more.
func (f *fleet) again() {
	for _, c := range f.clients {
		c.mu.Lock()
		waits := c.job == register
		c.mu.Unlock()
		if waits {
			c.start(register)
		}
	}
}

// settle waits until every phone is idle.
func (f *fleet) settle(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if f.await(ctx, len(f.clients)); len(f.idle) < len(f.clients) {
		return fmt.Errorf("%d of %d phones still wait for an answer (%w)", len(f.clients)-len(f.idle), len(f.clients), f.firstError())
	}
	return nil
}

// await waits until n phones are idle, or for a few seconds.
func (f *fleet) await(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for len(f.idle) < n {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (f *fleet) close() {
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	for _, c := range f.clients {
		if c != nil {
			c.conn.Close()
		}
	}
	f.wait.Wait()
}

// finished takes a phone back and, under saturation, starts the next job on
// the phone that has rested longest.
func (f *fleet) finished(c *client, begun time.Time, err error) {
	if err != nil {
		f.failed.Add(1)
		f.note(err)
	} else {
		f.done.Add(1)
	}
	f.idle <- c
	if j := job(f.next.Load()); j != nothing {
		f.begin(j)
	}
}

func (f *fleet) begin(j job) {
	select {
	case c := <-f.idle:
		c.start(j)
	default:
		f.missed.Add(1)
	}
}

func (f *fleet) delay(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.delays) < 1<<20 {
		f.delays = append(f.delays, d)
	}
}

func (f *fleet) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		f.first = err
	}
}

func (f *fleet) firstError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		return context.DeadlineExceeded
	}
	return f.first
}

// lost notes a connection that ended by itself.
func (f *fleet) lost(c *client, err error) {
	f.mu.Lock()
	ended := f.ended
	f.mu.Unlock()
	if !ended {
		f.failed.Add(1)
		f.note(fmt.Errorf("connection lost: %w", err))
	}
}

// forget begins a new measurement.
func (f *fleet) forget() {
	f.failed.Store(0)
	f.missed.Store(0)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delays, f.first = f.delays[:0], nil
}

// quantiles are the median and the 99th of a hundred delays.
func (f *fleet) quantiles() (p50, p99 time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.delays) == 0 {
		return 0, 0
	}
	slices.Sort(f.delays)
	return f.delays[len(f.delays)/2], f.delays[len(f.delays)*99/100]
}

// saturate keeps n jobs going until ctx ends.
func (f *fleet) saturate(ctx context.Context, j job, n int) {
	f.next.Store(int32(j))
	for range n {
		f.begin(j)
	}
	<-ctx.Done()
	f.next.Store(int32(nothing))
}

// pace starts jobs at a rate until ctx ends.
func (f *fleet) pace(ctx context.Context, j job, perSecond int) {
	begun := time.Now()
	for started := 0; ctx.Err() == nil; {
		due := int(time.Since(begun) * time.Duration(perSecond) / time.Second)
		for ; started < due; started++ {
			f.begin(j)
		}
		next := begun.Add(time.Duration(started+1) * time.Second / time.Duration(perSecond))
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(next)):
		}
	}
}
