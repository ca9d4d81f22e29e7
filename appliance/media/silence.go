package media

import (
	"sync/atomic"
	"time"
)

// alert remembers since when each side of a stream should send, and whether
// its silence was reported.
type alert struct {
	since [2]atomic.Int64 // 0 = need not send
	told  [2]bool         // the worker's own
	asked int64           // the worker's own

	agents atomic.Int64 // since when both ends have an ICE agent; 0 = they have not
	direct atomic.Bool  // media takes a path that does not lead here
}

// expect notes which sides should send from now on.
func (a *alert) expect(now int64, client, uc bool) {
	for side, sends := range []bool{client, uc} {
		switch {
		case !sends:
			a.since[side].Store(0)
		case a.since[side].Load() == 0:
			a.since[side].Store(now)
		}
	}
}

// silent is how long a side that should send has sent neither media nor RTCP.
func (a *alert) silent(side Side, m *meter, now int64) time.Duration {
	since := a.since[side].Load()
	if since == 0 {
		return 0
	}
	return time.Duration(max(0, now-max(since, m.lastRx.Load(), m.lastRTCP.Load())))
}

// watch reports a side that has been silent too long, once until it speaks again.
func (s *Session) watch(w *worker, index int, st carried, a *alert) {
	if w.now-a.asked < int64(time.Second) {
		return
	}
	a.asked = w.now
	client, uc := st.meters()
	if a.follow(client, uc, w.now) {
		s.tellPath(index, a.direct.Load())
		if a.direct.Load() {
			client.quality.rest()
			uc.quality.rest()
		}
	}
	for side, m := range []*meter{client, uc} {
		d := a.silent(Side(side), m, w.now)
		if d < s.relay.cfg.SilentAt || a.direct.Load() {
			a.told[side] = false
			continue
		}
		if a.told[side] {
			continue
		}
		a.told[side] = s.report(index, Side(side), d, st)
	}
}

// report queues a silence; if the queue is full the next second tries again.
func (s *Session) report(index int, side Side, d time.Duration, st carried) bool {
	all := s.allSilent(s.relay.clock().UnixNano())
	s.mu.Lock()
	trace := s.trace
	s.mu.Unlock()
	select {
	case s.relay.silence <- Silence{s.ID, trace, index, side, d, all, st.Stats().Cause}:
		return true
	default:
		return false
	}
}

// allSilent reports whether no side of any stream has spoken for the time
// that counts as silence, whether it should or not.
func (s *Session) allSilent(now int64) bool { return s.idle(now) >= s.relay.cfg.SilentAt }

// Idle is how long no packet came for any stream of the session.
func (s *Session) Idle() time.Duration { return s.idle(s.relay.clock().UnixNano()) }

func (s *Session) idle(now int64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	heard := s.since.UnixNano()
	for _, st := range s.streams {
		client, uc := st.meters()
		heard = max(heard, client.lastRx.Load(), client.lastRTCP.Load(), uc.lastRx.Load(), uc.lastRTCP.Load())
	}
	return time.Duration(now - heard)
}
