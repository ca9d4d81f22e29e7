package eventlog

import "strings"

// Concerns tells whether a user, "alice@example.com", is traced now, by that
// name or by the bare one.
func (t *Tracer) Concerns(user string) bool {
	if !t.Active() {
		return false
	}
	user = strings.ToLower(user)
	bare, _, _ := strings.Cut(user, "@")
	now := t.clock()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range []string{user, bare} {
		if tr := t.traces[name]; tr != nil && tr.until.After(now) {
			return true
		}
	}
	return false
}
