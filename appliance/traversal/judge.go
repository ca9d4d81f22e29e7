package traversal

import (
	"fmt"
	"strings"

	"sallyport/appliance/alarm"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// Judge turns the present state of all links into alarms: those that hold are
// raised, the others lowered.
func (l *Links) Judge(book *alarm.Book) {
	kept := map[*xapi.Alarm][]string{
		xapi.AlarmLinkDown: nil, xapi.AlarmPeerName: nil, xapi.AlarmTunnelDown: nil, xapi.AlarmLinkClock: nil,
	}
	for _, p := range l.Status() {
		key := p.Zone + " " + p.Address
		for a, detail := range p.faults() {
			kept[a] = append(kept[a], key)
			book.Raise(a, key, detail)
		}
	}
	for a, keys := range kept {
		book.Keep(a, keys...)
	}
}

// faults are the alarms that a peer's state is worth.
func (p PeerStatus) faults() map[*xapi.Alarm]string {
	out := map[*xapi.Alarm]string{}
	who := "Zone " + p.Zone
	if p.Address != "" {
		who += ", peer " + p.Address
	}
	switch {
	case p.State != Active:
		out[xapi.AlarmLinkDown] = who + ": " + p.Why + "."
		if strings.Contains(p.Why, trust.Unacceptable) {
			out[xapi.AlarmPeerName] = who + ": " + p.Why + "."
		}
	case p.Tunnels != Active:
		out[xapi.AlarmTunnelDown] = who + ": " + p.TunnelWhy + "."
	}
	if p.Skewed() {
		out[xapi.AlarmLinkClock] = fmt.Sprintf("%s: the clocks differ by %s.", who, p.Skew)
	}
	return out
}
