package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"sallyport/appliance/overload"
)

// The collector by itself waits until the heap has doubled. A node with few
// connections has a small heap, which busy signalling doubles twenty times a
// second, and each time all that is held is looked through: a sixth of what a
// REGISTER cost, and what comes meanwhile waits. So while nearly all that is made
// turns out to be garbage, the heap may grow to a share of the machine's memory;
// when the load is over, what it grew by goes back to the system.
//
// It may not while much of what is made outlives the next collection, as when
// phones connect: what they leave behind would lie scattered among garbage, and
// count for a tenth of what each of them costs. Nor does it from some 10,000
// connections on, where the heap is as roomy by itself.
const (
	share  = 16               // part of the memory that the heap may grow to,
	least  = 64 << 20         // on a small machine
	most   = 512 << 20        // and on a large one
	usual  = 100              // percent, as the collector comes
	widest = 5000             // percent
	steady = 3                // collections in a row that find hardly more than the one before
	hardly = 16               // part of what was made since
	pause  = 30 * time.Second // between looks at whether the load is over
	little = 16 << 20         // bytes made in that time, or less: it is
)

// roomFor is how large the heap may grow on a machine with so much memory; 0:
// nobody knows.
func roomFor(memory uint64) uint64 { return min(max(memory/share, least), most) }

// tendHeap does what is below for the collector, and for those who wait for
// it, until ctx ends.
func tendHeap(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(func() { giveRoom(ctx) })
	work.Go(func() { listenWhileSwept(ctx) })
	work.Wait()
}

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
	looks := time.NewTicker(pause)
	defer looks.Stop()
	for p := newPacer(h, roomFor(overload.Memory())); ; {
		select {
		case <-ctx.Done():
			return
		case <-collected:
			p.collected()
		case <-looks.C:
			p.look()
		}
	}
}

// pacer is how much room there is, and what that hangs on.
type pacer struct {
	heap
	room    uint64 // bytes that the heap may grow to
	percent int
	before  uint64 // what outlived the last collection
	then    uint64 // bytes ever made, at that time
	same    int    // collections in a row that found hardly more
	made    uint64 // bytes ever made, at the last look
}

func newPacer(h heap, room uint64) *pacer { return &pacer{heap: h, room: room, percent: usual} }

// collected gives room while collections find the same over and over, as much
// as what outlives them leaves.
func (p *pacer) collected() {
	live, now := p.read(live), p.read(made)
	if p.same++; live > p.before+(now-p.then)/hardly {
		p.same = 0
	}
	p.before, p.then = live, now
	if p.same >= steady {
		p.set(percentFor(live, p.read(stacks)+p.read(globals), p.room))
	} else {
		p.set(usual)
	}
}

// look takes the room back when the load is over.
func (p *pacer) look() {
	was := p.made
	if p.made = p.read(made); p.made-was > little {
		return
	}
	p.same = 0
	if p.percent != usual {
		p.set(usual)
		debug.FreeOSMemory()
	}
}

// set changes the percentage if it makes a difference: each change stops the
// node for some microseconds.
func (p *pacer) set(next int) {
	if next == usual && p.percent != usual || next > p.percent+p.percent/8 || next < p.percent-p.percent/8 {
		p.percent = next
		debug.SetGCPercent(next)
	}
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

// The samples of a heap.
const (
	live = iota
	stacks
	globals
	percent
	limit
	made
)

func newHeap() heap {
	return heap{[]metrics.Sample{
		live: {Name: "/gc/heap/live:bytes"}, stacks: {Name: "/gc/scan/stack:bytes"}, globals: {Name: "/gc/scan/globals:bytes"},
		percent: {Name: "/gc/gogc:percent"}, limit: {Name: "/gc/gomemlimit:bytes"}, made: {Name: "/gc/heap/allocs:bytes"},
	}}
}

func (h heap) read(i int) uint64 {
	metrics.Read(h.is[i : i+1])
	return h.is[i].Value.Uint64()
}

func (h heap) untouched() bool { return h.read(percent) == usual && h.read(limit) > 1<<60 }

// percentFor is what lets the heap grow to room, for what outlived a collection
// and what else the collector looks through: it waits for live + percent of both.
func percentFor(live, roots, room uint64) int {
	if live >= room {
		return usual
	}
	return int(min(max(usual, (room-live)*100/max(live+roots, 1)), widest))
}
