package flow

import (
	"bytes"
	"errors"
	"time"

	"sallyport/appliance/sip"
)

// consume takes every whole message and keepalive out of the buffer.
func (r *reader) consume() error {
	b := r.buf[:r.held]
	for len(b) > 0 {
		n, err := r.next(b)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		r.started = time.Time{}
		b = b[n:]
	}
	if len(b) > 0 && r.started.IsZero() {
		r.started = r.now
	}
	r.held = copy(r.buf, b)
	return nil
}

// next deals with what stands first in b and returns its length; 0 if it is
// not whole yet.
func (r *reader) next(b []byte) (int, error) {
	if mayBeSTUN(b) {
		return r.stun(b)
	}
	if n, ping := sip.SkipKeepalive(b); n > 0 {
		if ping {
			return n, r.pong([]byte("\r\n"))
		}
		return n, nil
	}
	n, err := sip.Frame(b, r.flows.limits.Load().MessageSize)
	if err != nil {
		var f *sip.Fault
		if errors.As(err, &f) {
			r.fault(f)
		}
		return 0, err
	}
	if n == 0 {
		return 0, nil
	}
	return n, r.message(bytes.Clone(b[:n]))
}

// message hands one message over; it owns b.
func (r *reader) message(b []byte) error {
	if tap := r.flows.cfg.Tap; tap != nil {
		tap(r.Conn, false, b)
	}
	m, f := sip.Parse(b)
	if f != nil {
		r.fault(f)
		if r.faults++; r.faults > mostFaults && !r.authenticated.Load() {
			return errFaults
		}
		return r.slow()
	}
	r.spoke, r.last = true, r.now
	if err := r.slow(); err != nil {
		return err
	}
	r.flows.count.messages.Add(1)
	r.flows.cfg.OnMessage(r.Conn, m)
	if r.closed.Load() {
		return ErrClosed
	}
	return nil
}

// pong answers a keepalive. It costs a write for a few bytes, so who asks often
// is held to his rate like who sends messages.
func (r *reader) pong(b []byte) error {
	r.flows.count.pings.Add(1)
	if err := r.Send(b); err != nil {
		return err
	}
	return r.slow()
}

func (r *reader) fault(f *sip.Fault) {
	r.flows.count.faults.Add(1)
	if r.flows.cfg.OnFault != nil {
		r.flows.cfg.OnFault(r.Conn, f)
	}
}

// slow holds a sender to its rate by not reading on: nothing is lost, and
// nothing is spent on refusals. A stranger shares the rate of its source.
func (r *reader) slow() error {
	if !r.listener.Open {
		return nil
	}
	wait := r.owes()
	if wait <= 0 {
		return nil
	}
	r.flows.count.slowed.Add(1)
	if wait > mostWait {
		return errRate
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		r.now = time.Now()
		return nil
	case <-r.over:
		return ErrClosed
	}
}

// owes is how long a sender has to wait for one message more.
func (r *reader) owes() time.Duration {
	if !r.authenticated.Load() {
		return r.flows.sources.limiter(r.remote.Addr()).ReserveN(r.now, 1).DelayFrom(r.now)
	}
	lim := r.flows.limits.Load()
	return r.pace.take(r.now, lim.FlowRate, lim.FlowBurst)
}

// pace is the rate of one reader, who alone looks at it: a bucket that needs no
// lock. The zero value is a full one.
type pace struct{ spent time.Time } // until when what was taken lasts, at the rate

// take counts one message and tells for how long to wait then.
func (p *pace) take(now time.Time, perSecond, burst int) (wait time.Duration) {
	each := time.Second / time.Duration(max(perSecond, 1))
	if p.spent.Before(now) {
		p.spent = now
	}
	p.spent = p.spent.Add(each)
	return max(p.spent.Sub(now)-time.Duration(burst)*each, 0)
}
