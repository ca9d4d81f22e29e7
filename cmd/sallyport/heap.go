package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector by itself waits until the heap has doubled. A node with few
// connections has a small heap, which busy signalling doubles twenty times a
// second, and each time all connections are looked through: a sixth of what a
// REGISTER cost. So while all that comes is garbage, the heap may grow to roomy.
//
// It does not while more and more outlives a collection, as when phones connect:
// what they leave behind would stay for long, as room for garbage that a node at
// rest does not make, and count for a fifth of what each of them costs. Nor does
// it from some 5,000 connections on, where the heap is as roomy by itself.
const (
	roomy     = 64 << 20
	usual     = 100              // percent, as the collector comes
	most      = 2000             // percent
	steady    = 8                // collections in a row that find no more than the one before
	calmAfter = 10 * time.Second // without a collection
)

// giveRoom paces the collector until ctx ends. An operator who has set GOGC
// or GOMEMLIMIT has decided otherwise: then it does nothing.
func giveRoom(ctx context.Context) {
	h := newHeap()
	if !h.untouched() {
		return
	}
	defer debug.SetGCPercent(usual)
	collected := make(chan struct{}, 1)
	eachCollection(ctx, collected)
	calm := time.NewTimer(calmAfter)
	defer calm.Stop()
	var before uint64
	for now, same := usual, 0; ; {
		next := usual
		select {
		case <-ctx.Done():
			return
		case <-calm.C:
			same = 0
		case <-collected:
			live := h.read(0)
			if same++; live > before+before/8 {
				same = 0
			}
			if before = live; same >= steady {
				next = percentFor(live, h.read(1)+h.read(2))
			}
			calm.Reset(calmAfter)
		}
		if far(now, next) { // each change stops the node for some microseconds
			now = next
			debug.SetGCPercent(now)
		}
	}
}

func far(now, next int) bool {
	return next == usual && now != usual || next > now+now/8 || next < now-now/8
}

// eachCollection tells of every collection that ends, until ctx does.
func eachCollection(ctx context.Context, told chan<- struct{}) {
	runtime.AddCleanup(new([4]*byte), func(struct{}) {
		if ctx.Err() != nil {
			return
		}
		select {
		case told <- struct{}{}:
		default:
		}
		eachCollection(ctx, told)
	}, struct{}{})
}

// heap is what the collector goes by.
type heap struct{ is []metrics.Sample }

func newHeap() heap {
	return heap{[]metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
		{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"},
	}}
}

func (h heap) read(i int) uint64 {
	metrics.Read(h.is[i : i+1])
	return h.is[i].Value.Uint64()
}

func (h heap) untouched() bool { return h.read(3) == usual && h.read(4) > 1<<60 }

// percentFor is what lets the heap grow to roomy, for what outlived a collection
// and what else the collector looks through: it waits for live + percent of both.
func percentFor(live, roots uint64) int {
	if live >= roomy {
		return usual
	}
	return int(min(max(usual, (roomy-live)*100/max(live+roots, 1)), most))
}
