package traversal

import "time"

// deadline wakes those who wait on a condition when a moment has come. The
// condition's mutex guards it.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// set replaces the moment; lock and unlock are the condition's.
func (d *deadline) set(t time.Time, lock, unlock, wake func()) {
	d.clear()
	d.at = t
	if t.IsZero() {
		return
	}
	d.timer = time.AfterFunc(time.Until(t), func() {
		lock()
		defer unlock()
		wake()
	})
}

func (d *deadline) clear() {
	if d.timer != nil {
		d.timer.Stop()
	}
	*d = deadline{}
}
