package flow

import (
	"container/list"
	"errors"
	"sync"
)

// shaking are the open listeners' connections whose TLS handshake is going on.
// Where they are as many as may be, the oldest goes for the newest: who means it
// is done within two or three times the way there and back, and strangers who
// hold handshakes open would else keep everybody out by a few connections a
// second.
type shaking struct {
	mu    sync.Mutex
	order list.List // of *Conn, the oldest in front
}

var errCrowd = errors.New("flow: too many handshakes at once")

// enter takes a connection in and returns what takes it out again, and who has
// to go for it: nil, nobody.
func (s *shaking) enter(c *Conn, most int) (leave func(), goes *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.order.Len() >= most {
		oldest := s.order.Front()
		goes = oldest.Value.(*Conn)
		s.order.Remove(oldest)
	}
	e := s.order.PushBack(c)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.order.Remove(e) // does nothing to one that had to go
	}, goes
}
