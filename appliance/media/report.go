package media

import "sallyport/appliance/xapi"

// Report adds what xStatus Calls shows of a call's media: each side of each
// stream, and why audio passes one way only.
func (s SessionStats) Report(t *xapi.Node) {
	leg, cause := 0, ""
	for _, st := range s.Streams {
		near, far := " client", " inside"
		if st.Between {
			near, far = " caller", " called"
		}
		for _, side := range []struct {
			name  string
			stats LegStats
			suite string
		}{{st.Type + near, st.Client, st.Suite}, {st.Type + far, st.UC, st.Inside}} {
			leg++
			side.stats.report(t.Nth("Leg", leg), side.name, side.suite)
		}
		if cause == "" {
			cause = st.Cause
		}
	}
	if cause != "" {
		t.Str("OneWay", cause)
	}
	s.reportPath(t)
}

func (l LegStats) report(n *xapi.Node, kind, suite string) {
	n.Str("Kind", kind)
	if l.Remote.IsValid() { // the link's side has none: its packets come from the edge
		n.Str("Address", l.Remote.String())
	}
	if suite != "" {
		n.Str("Encryption", suite)
	}
	n.Int("Received", int(l.RxPackets))
	n.Int("Sent", int(l.TxPackets))
	n.Int("Lost", int(l.Lost))
	n.Int("Jitter", int(l.Jitter.Milliseconds()))
	n.Int("Dropped", int(l.Forged+l.Replayed+l.Malformed+l.Strangers+l.Limited))
}
