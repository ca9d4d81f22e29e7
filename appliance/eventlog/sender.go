package eventlog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	senderQueue  = 1024 // entries that wait for a slow or absent receiver
	maxTargets   = 16
	dialTimeout  = 5 * time.Second
	writeTimeout = 5 * time.Second
	drainTimeout = 500 * time.Millisecond
	firstBackoff = 500 * time.Millisecond
	maxBackoff   = time.Minute
)

// SetSyslog makes targets the whole set of remote receivers. Senders of
// unchanged targets keep their connection and queue.
func (l *Log) SetSyslog(targets []SyslogTarget) {
	l.targets.Lock()
	l.targets.wanted = slices.Clone(targets[:min(len(targets), maxTargets)])
	l.targets.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// serveTargets keeps one sender running for each wanted target.
func (l *Log) serveTargets(ctx context.Context) {
	var wg sync.WaitGroup
	running := map[SyslogTarget]*sender{}
	for {
		l.reconcile(ctx, &wg, running)
		select {
		case <-l.wake:
		case <-ctx.Done():
			l.senders.Store(nil)
			wg.Wait()
			return
		}
	}
}

func (l *Log) reconcile(ctx context.Context, wg *sync.WaitGroup, running map[SyslogTarget]*sender) {
	l.targets.Lock()
	wanted := slices.Clone(l.targets.wanted)
	l.targets.Unlock()
	for target, s := range running {
		if !slices.Contains(wanted, target) {
			s.stop()
			delete(running, target)
		}
	}
	list := make([]*sender, 0, len(wanted))
	for _, target := range wanted {
		s := running[target]
		if s == nil {
			sctx, cancel := context.WithCancel(ctx)
			s = &sender{log: l, target: target, queue: make(chan Entry, senderQueue), stop: cancel}
			running[target] = s
			wg.Go(func() { s.run(sctx) })
		}
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	l.senders.Store(&list)
}

// A sender brings entries to one receiver. It reconnects with backoff, and
// while it cannot send, the queue fills and then entries are dropped.
type sender struct {
	log     *Log
	target  SyslogTarget
	queue   chan Entry
	dropped atomic.Uint64
	stop    context.CancelFunc

	told   bool   // TargetState knows of the present outage
	unsent *Entry // taken from the queue, not yet written
	buf    []byte
}

func (s *sender) offer(e Entry) {
	if e.Level < s.target.Level {
		return
	}
	select {
	case s.queue <- e:
	default:
		s.dropped.Add(1)
	}
}

func (s *sender) run(ctx context.Context) {
	defer s.stop()
	backoff := firstBackoff
	for ctx.Err() == nil {
		conn, err := s.connect(ctx)
		if err == nil {
			s.tell(true, "")
			backoff = firstBackoff
			err = s.send(ctx, conn)
			_ = conn.Close()
		}
		if ctx.Err() != nil {
			break
		}
		s.tell(false, err.Error())
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
		}
		backoff = min(2*backoff, maxBackoff)
	}
	s.tell(true, "") // a target that is gone is not in trouble
}

func (s *sender) tell(up bool, why string) {
	if s.told == !up {
		return
	}
	s.told = !up
	if s.log.cfg.TargetState != nil {
		s.log.cfg.TargetState(s.target, up, why)
	}
}

func (s *sender) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	network := "tcp"
	if s.target.Transport == "udp" {
		network = "udp"
	}
	conn, err := s.log.cfg.Dial(ctx, network, s.target.hostport())
	if err != nil || s.target.Transport != "tls" {
		return conn, err
	}
	if s.log.cfg.TLS == nil {
		_ = conn.Close()
		return nil, errors.New("no TLS policy for syslog")
	}
	secure := tls.Client(conn, s.log.cfg.TLS(s.target.peerName()))
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secure, nil
}

// send writes entries until the connection or ctx ends. The reader beside it
// notices a receiver that closed: without it the first loss would be found
// only after lines had vanished into the socket's buffer.
func (s *sender) send(ctx context.Context, conn net.Conn) error {
	gone := make(chan error, 1)
	var wg sync.WaitGroup
	if s.target.Transport != "udp" {
		wg.Go(func() { gone <- readUntilClosed(conn) })
	}
	defer wg.Wait()
	defer func() { _ = conn.Close() }()
	for {
		if err := s.write(conn, time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		select {
		case e := <-s.queue:
			s.unsent = &e
		case err := <-gone:
			return err
		case <-ctx.Done():
			s.drain(conn)
			return ctx.Err()
		}
	}
}

// write writes the entry at hand; one that fails is written again on the next
// connection.
func (s *sender) write(conn net.Conn, until time.Time) error {
	if s.unsent == nil {
		return nil
	}
	s.buf = s.frame(s.buf[:0], *s.unsent)
	_ = conn.SetWriteDeadline(until)
	if _, err := conn.Write(s.buf); err != nil {
		return err
	}
	s.unsent = nil
	return nil
}

// drain writes what is still queued when the log ends: why a node stopped is
// in its last lines.
func (s *sender) drain(conn net.Conn) {
	until := time.Now().Add(drainTimeout)
	for {
		select {
		case e := <-s.queue:
			s.unsent = &e
		default:
			return
		}
		if s.write(conn, until) != nil {
			return
		}
	}
}

func readUntilClosed(conn net.Conn) error {
	var sink [256]byte
	for {
		if _, err := conn.Read(sink[:]); err != nil {
			return fmt.Errorf("receiver closed the connection: %w", err)
		}
	}
}

// frame writes one message as its transport wants it: a datagram; octet
// counting on TLS (RFC 5425) and for RFC 5424 on TCP (RFC 6587 §3.4.1); a line
// end for the old format on TCP, which is what its receivers read.
func (s *sender) frame(b []byte, e Entry) []byte {
	switch {
	case s.target.Transport == "udp":
		return appendSyslog(b, s.target.Format, e, maxDatagram)
	case s.target.Transport == "tls" || s.target.Format == IETF:
		msg := appendSyslog(nil, s.target.Format, e, maxMessage5424)
		b = strconv.AppendInt(b, int64(len(msg)), 10)
		return append(append(b, ' '), msg...)
	}
	return append(appendSyslog(b, s.target.Format, e, maxMessage5424), '\n')
}

func (t SyslogTarget) hostport() string {
	port := t.Port
	if port == 0 {
		port = 514
		if t.Transport == "tls" {
			port = 6514
		}
	}
	return net.JoinHostPort(t.Address, strconv.Itoa(int(port)))
}

func (t SyslogTarget) peerName() string {
	if t.PeerName != "" {
		return t.PeerName
	}
	return t.Address
}
