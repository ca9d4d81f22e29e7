package media

import (
	"fmt"
	"time"
)

// flowing is how recent a packet must be for its direction to count as up.
const flowing = 5 * time.Second

// stale reports whether a side that should send is not heard.
func (st *EdgeStream) stale(side Side, m *meter) bool {
	return st.alert.silent(side, m, st.sess.relay.clock().UnixNano()) > flowing
}

// cause says in plain words why a direction is dead, as edge sees it.
func (st *EdgeStream) cause(s StreamStats) string {
	switch {
	case s.Direct:
		return ""
	case !s.Linked:
		return fmt.Sprintf("core has not proven its link: UDP from core to %s does not arrive", s.UC.Key.Local)
	case st.stale(ClientSide, &st.client):
		return st.clientCause(s.Client)
	case st.stale(UCSide, &st.uc):
		return "nothing arrives from core for this stream: the inside sends nothing, or core refuses it (see core)"
	case s.Client.Remote == (LegStats{}).Remote && !st.want.Load().Held:
		return "nowhere to send to: the client signals a private address and no packet of its has come"
	case st.latch[compRTP].confirmed.Load() == nil && s.Client.RxPackets > 100:
		return "core has confirmed no source: the client's packets do not pass SRTP there"
	}
	return ""
}

func (st *EdgeStream) clientCause(c LegStats) string {
	switch {
	case c.RxPackets == 0 && c.Strangers+c.Limited > 0:
		return "packets arrive, but from more sources than one client has"
	case c.RxPackets == 0:
		return fmt.Sprintf("no packet of the client ever came to %s: a firewall or NAT holds UDP back, or the client sends elsewhere", c.Key.Local)
	case c.Strangers > 0:
		return "the client fell silent and only strangers send to its port"
	}
	return fmt.Sprintf("the client sent nothing since %s", c.LastRx.UTC().Format(time.RFC3339))
}

func (st *CoreStream) stale(side Side, m *meter) bool {
	return st.alert.silent(side, m, st.sess.relay.clock().UnixNano()) > flowing
}

// cause says in plain words why a direction is dead, as core sees it.
func (st *CoreStream) cause(s StreamStats) string {
	w := st.want.Load()
	switch {
	case s.Direct:
		return ""
	case !s.Linked:
		return fmt.Sprintf("edge does not answer on the media link: UDP from %s to edge is held back, or edge has forgotten the call", s.Client.Key.Local)
	case !w.Opaque && !w.FromClient.Set():
		return "the client's SRTP keys are not known yet"
	case st.stale(ClientSide, &st.client):
		return clientCauseAtCore(s.Client)
	case st.stale(UCSide, &st.uc):
		return st.insideCause(s.UC)
	}
	return ""
}

func clientCauseAtCore(c LegStats) string {
	switch {
	case c.Forged > 0 && c.RxPackets == 0:
		return "the client's packets fail SRTP authentication: it uses other keys than it signalled"
	case c.Forged > 0:
		return "the client's packets began to fail SRTP authentication"
	case c.Replayed > 0 && c.RxPackets == 0:
		return "only replayed packets arrive from the client"
	}
	return "nothing arrives from edge for this stream: the client sends nothing, or it does not reach edge (see edge)"
}

func (st *CoreStream) insideCause(u LegStats) string {
	told := st.want.Load().Inside[compRTP]
	odd := st.odd.Load()
	switch {
	case !told.IsValid():
		return "the inside has not said yet where its media is"
	case u.Strangers > 0 && odd != nil && u.RxPackets == 0:
		return fmt.Sprintf("the inside signals %s but sends from %s", told, *odd)
	case u.Forged > 0:
		return "packets from inside fail SRTP authentication: the far end uses other keys than it signalled"
	case u.RxPackets == 0:
		return fmt.Sprintf("no packet of %s ever came to %s: it does not send, or a firewall holds it back", told, u.Key.Local)
	}
	return fmt.Sprintf("the inside (%s) sent nothing since %s", told, u.LastRx.UTC().Format(time.RFC3339))
}
