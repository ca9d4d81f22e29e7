package edge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
)

// partly finds phones of which one line is registered and another is not any
// more: call control heard the keepalive of that line too late, or never, and
// the phone shows it as dead. Each line's REGISTER passes edge by itself, so
// edge sees which one is missing and names it.
type partly struct {
	mu   sync.Mutex
	lost map[flow.Key]string // lines that expired; the name of their phone
}

// maxLost bounds the lines that are looked for.
const maxLost = 1000

// changed is told of every change of a binding.
func (p *partly) changed(old, now *flow.Binding, clock func() time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case now != nil && now.Confirmed:
		delete(p.lost, now.Key)
	case now == nil && old.Confirmed && old.Key.Device != "" && !clock().Before(old.Expires) && len(p.lost) < maxLost:
		if p.lost == nil {
			p.lost = map[flow.Key]string{}
		}
		p.lost[old.Key] = phoneName(*old)
	}
}

// phoneName is how people know a phone: its device name, else its instance.
func phoneName(b flow.Binding) string {
	if na, err := sip.ParseNameAddr(b.Contact); err == nil {
		if name, ok := na.Param("+u.sip!devicename.ccm.cisco.com"); ok {
			return strings.Trim(name, `"`)
		}
	}
	instance, _, _ := strings.Cut(b.Key.Device, "|")
	return cmp.Or(strings.Trim(instance, "<>"), b.Source.Addr().String())
}

// look keeps the alarms of phones that are partly registered. A line whose
// phone has no other line any more is just gone.
func (p *partly) look(bindings *flow.Bindings, alarms *alarm.Book) {
	p.mu.Lock()
	defer p.mu.Unlock()
	alive := map[string]string{} // by device
	if len(p.lost) > 0 {
		bindings.Range(func(b flow.Binding) bool {
			if b.Confirmed && b.Key.Device != "" {
				alive[b.Key.Device] = b.Key.AOR
			}
			return true
		})
	}
	var keys []string
	for k, name := range p.lost {
		other := alive[k.Device]
		if other == "" {
			delete(p.lost, k)
			continue
		}
		key := name + " " + k.AOR
		keys = append(keys, key)
		alarms.Raise(xapi.AlarmPartlyRegistered, key, fmt.Sprintf("Phone %s: line %s has expired, while %s is registered.", name, k.AOR, other))
	}
	slices.Sort(keys)
	alarms.Keep(xapi.AlarmPartlyRegistered, keys...)
}
