package main

import (
	"context"
	"runtime"
	"runtime/metrics"
	"time"
)

const (
	lookEvery    = 200 * time.Microsecond // at the network, while the heap is swept
	sweptBetween = 400 << 10              // bytes of heap that are swept in that time beside a load, or more
	mostLooks    = 10000
)

// listenWhileSwept keeps a node with one processor from going deaf after a
// collection, until ctx ends. The runtime's sweeper gives way to what can run,
// but comes before a look at the network (golang.org/issue/56060). With one
// processor only the runtime's monitor looks then, every ten milliseconds:
// what a phone sends meanwhile waits, for as long as half a gigabyte takes to
// be swept.
//
// Who starts the world looks at the network. So for that time the world is
// stopped, for a microsecond, and started again.
func listenWhileSwept(ctx context.Context) {
	if runtime.GOMAXPROCS(0) > 1 {
		return // another looks
	}
	begun := make(chan struct{}, 1)
	eachSweep(ctx, begun)
	size := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}} // what is not yet swept too
	for {
		select {
		case <-ctx.Done():
			return
		case <-begun:
			metrics.Read(size)
			lookAtNetwork(ctx, int(min(size[0].Value.Uint64()/sweptBetween, mostLooks)))
		}
	}
}

// lookAtNetwork does so n times, and paces itself.
func lookAtNetwork(ctx context.Context, n int) {
	pace := time.NewTicker(lookEvery)
	defer pace.Stop()
	var room [1]runtime.StackRecord
	for range n {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
			runtime.GoroutineProfile(room[:]) // too little room for a profile: it stops, counts and starts
		}
	}
}

// eachSweep tells of every sweep that begins, until ctx ends: large things are
// swept first, and a finalizer, unlike a cleanup, does not wait for the rest.
func eachSweep(ctx context.Context, told chan<- struct{}) {
	type large [40 << 10]byte
	var swept func(*large)
	swept = func(l *large) {
		if ctx.Err() != nil {
			return
		}
		select {
		case told <- struct{}{}:
		default:
		}
		runtime.SetFinalizer(l, swept)
	}
	runtime.SetFinalizer(new(large), swept)
}
