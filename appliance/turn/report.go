package turn

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/xapi"
)

// Report shows the server and its relays.
func (s *Server) Report(t *xapi.Node) {
	plan := s.plan.Load()
	server := t.Add("Server").Leaf("Status", word(plan.On && len(plan.Listen) > 0))
	for i, l := range plan.Listen {
		server.Nth("Interface", i+1).Str("Address", l.Addr().String()).Int("Port", int(l.Port()))
	}
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	t.Add("Relays").Int("Current", len(s.book.relays)).Int("Max", int(s.book.most)).Int("Total", int(s.book.total)).
		Int("Refused", int(s.book.refused)).Int("PeersDenied", int(s.book.denied)).
		Int("BytesIn", int(s.bytesIn.Load())).Int("BytesOut", int(s.bytesOut.Load()))
	for i, e := range s.book.listLocked() {
		t.Nth("Relay", i+1).Str("Client", e.client.String()).Leaf("Protocol", e.over).Str("User", e.user).
			Str("Address", e.relayed.String()).Int("Peers", len(e.peers)).Int("Channels", e.chans).
			Int("Duration", int(s.cfg.Clock().Sub(e.since)/time.Second))
	}
}

func word(on bool) string {
	if on {
		return "Active"
	}
	return "Inactive"
}

// maxShown bounds the list in status.
const maxShown = 2000

// listLocked lists relays, oldest first.
func (b *book) listLocked() []*entry {
	all := make([]*entry, 0, len(b.relays))
	for _, e := range b.relays {
		all = append(all, e)
	}
	slices.SortFunc(all, func(x, y *entry) int {
		return cmp.Or(x.since.Compare(y.since), cmp.Compare(place(x.client), place(y.client)))
	})
	return all[:min(len(all), maxShown)]
}

// Judge keeps the alarms that hang on TURN.
func (s *Server) Judge(alarms *alarm.Book) {
	plan := s.plan.Load()
	conflict := plan.Conflict()
	alarms.Set(xapi.AlarmTURNPorts, "", conflict != "", conflict)
	s.book.mu.Lock()
	used, all := len(s.book.pool.used), plan.PortEnd-plan.PortStart+1
	s.book.mu.Unlock()
	alarms.Set(xapi.AlarmTURNCapacity, "", plan.On && used >= all, fmt.Sprintf("All %d relay ports are in use.", all))
}
