package flow

import (
	"container/heap"
	"time"
)

// dueHeap orders bindings by when they go by themselves.
type dueHeap []*bound

func (h *dueHeap) add(e *bound) { heap.Push(h, e) }

func (h *dueHeap) remove(e *bound) {
	if e.place >= 0 {
		heap.Remove(h, e.place)
	}
}

func (h *dueHeap) first() *bound {
	if len(*h) == 0 {
		return nil
	}
	return (*h)[0]
}

func (h *dueHeap) move(e *bound, due time.Time) {
	e.due = due
	heap.Fix(h, e.place)
}

// dueLocked moves a binding's end. One that moves away, as with every refresh,
// keeps its place: it is looked at too early once, instead of each time.
func (b *Bindings) dueLocked(e *bound, end time.Time) {
	e.end = end
	if end.Before(e.due) {
		b.heap.move(e, end)
		b.nudgeLocked(e)
	}
}

// nudgeLocked wakes Run if the binding is now the first to go.
func (b *Bindings) nudgeLocked(e *bound) {
	if e.place != 0 {
		return
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Len, Less, Swap, Push and Pop are heap.Interface.
func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push is for container/heap only.
func (h *dueHeap) Push(x any) {
	e := x.(*bound)
	e.place = len(*h)
	*h = append(*h, e)
}

// Pop is for container/heap only.
func (h *dueHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.place = -1
	return e
}
