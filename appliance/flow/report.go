package flow

import (
	"strings"
	"time"

	"sallyport/appliance/xapi"
)

// Report adds what xStatus SIP shows of listeners and connections.
func (f *Flows) Report(t *xapi.Node) {
	for i, l := range f.Listeners() {
		n := t.Nth("Listener", i+1)
		n.Leaf("Transport", l.Network)
		n.Str("Address", l.Addr.Addr().String())
		n.Int("Port", int(l.Addr.Port()))
		if l.Bound.IsValid() {
			n.Leaf("Status", "Active")
			continue
		}
		n.Leaf("Status", "Failed")
		if l.Err != nil {
			n.Str("Cause", l.Err.Error())
		}
	}
	t.Int("Connections", f.Stats().Connections)
}

// Report adds what xStatus Registrations shows: one entry for each confirmed
// binding, numbered from 1.
func (b *Bindings) Report(t *xapi.Node, now time.Time) {
	i := 0
	b.Range(func(is Binding) bool {
		if is.Confirmed {
			i++
			is.Report(t.Nth("Registration", i), now)
		}
		return true
	})
}

// Report adds what status and events show of one binding.
func (is Binding) Report(n *xapi.Node, now time.Time) {
	n.Str("Alias", is.Key.AOR)
	n.Str("SerialNumber", is.Serial())
	n.Str("Address", is.Source.String())
	if is.Conn != nil {
		n.Leaf("Transport", is.Conn.Network())
	} else {
		n.Leaf("Transport", "Lost")
	}
	n.Str("Device", is.deviceName())
	n.Str("Contact", is.Contact)
	n.Leaf("Confirmed", "Yes")
	n.Int("Expires", max(0, int(is.Expires.Sub(now).Seconds())))
}

// deviceName is the device as a person knows it: by its name where it has
// one, else by its instance.
func (is Binding) deviceName() string {
	instance, name, _ := strings.Cut(is.Key.Device, "|")
	if name != "" {
		return name
	}
	return strings.TrimPrefix(strings.Trim(instance, "<>"), "urn:uuid:")
}
