package edge

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"sallyport/appliance/flow"
	"sallyport/appliance/overload"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/xapi"
)

// Maintenance mode takes a node out of service without dropping calls. What is
// new goes another way:
//
//	edge in maintenance   503 to registrations, calls and sign-ins, and no new
//	                      chat streams: clients take the next edge of their
//	                      SRV records
//	core in maintenance   its edges know, and choose another core; only without
//	                      one does it come to core, which answers 503
//
// What belongs to a call goes on: requests within dialogs, and the registration
// of a phone that talks, since its dialogs hang on it. A phone that has not moved
// yet is still called: nobody else could reach it.

// headerTalking tells a core in maintenance that a registration has calls.
const headerTalking = privatePrefix + "Talking"

// moveOn is the Retry-After of what has to go elsewhere: so long, or until
// maintenance is over, a client has no reason to ask here again.
const moveOn = 60

// methodHeld is a core's question how many registrations an edge holds for it.
const methodHeld = "registrations.held"

// movedOn tells whether maintenance mode has answered a registration.
func (e *Edge) movedOn(r *signaling.Request, id flow.BindingID) bool {
	if !e.plan.Load().Maintenance || sip.Unregisters(r.Msg) || e.talking(id) {
		return false
	}
	e.refuse(r, 503, "This edge is in maintenance", "SystemUnit Maintenance Mode", sip.RetryAfter(moveOn))
	return true
}

// closedForCalls tells whether maintenance mode or overload has answered a request that
// would begin a call. One that takes over a call begins none.
func (e *Edge) closedForCalls(r *signaling.Request) bool {
	if !signaling.BeginsCall(r.Msg) {
		return false
	}
	if !e.plan.Load().Maintenance {
		return e.noBandwidth(r) || e.turnedAway(r, overload.Calls)
	}
	e.refuse(r, 503, "This edge is in maintenance", "SystemUnit Maintenance Mode", sip.RetryAfter(moveOn))
	return true
}

// talking tells whether a registration has calls.
func (e *Edge) talking(id flow.BindingID) bool { return e.calls.Of(uint64(id)) > 0 }

// stays is the peer that something new of a registration goes through: the one
// it had, unless that wants nothing new.
func (e *Edge) stays(zone string, peer traversal.PeerID) traversal.PeerID {
	if p, up := e.links.Peer(zone, peer); peer == 0 || !up || p.Maintenance {
		return 0
	}
	return peer
}

// closedForSignIns says why a client cannot sign in through a core; "" if it
// can.
func (e *Edge) closedForSignIns(zone string, core uint64) (status int, why string) {
	if e.plan.Load().Maintenance {
		return http.StatusServiceUnavailable, "This edge is in maintenance"
	}
	if e.load.Sheds(overload.Strangers) {
		return http.StatusServiceUnavailable, "Too much to do"
	}
	if p, up := e.links.Peer(zone, traversal.PeerID(core)); up && p.Maintenance {
		return http.StatusServiceUnavailable, "Core is in maintenance"
	}
	return 0, ""
}

// answerHeld counts the registrations that go through the asking core.
func (e *Edge) answerHeld(_ context.Context, p traversal.Peer, _ []byte) ([]byte, error) {
	n := 0
	e.bindings.Range(func(b flow.Binding) bool {
		if b.Confirmed && homeOf(&b).peer == p.ID {
			n++
		}
		return true
	})
	return strconv.AppendInt(nil, int64(n), 10), nil
}

// lookMaintenance keeps the alarm.
func (e *Edge) lookMaintenance() {
	calls, _, _ := e.calls.Counts()
	e.alarms.Set(xapi.AlarmMaintenance, "", e.plan.Load().Maintenance,
		fmt.Sprintf("%d calls, %d registrations and %d chat streams are left.", calls, e.bindings.Len(), e.chat.Streams()))
}

// reportMaintenance adds what xStatus SystemUnit shows of it.
func (e *Edge) reportMaintenance(t *xapi.Node) {
	on := e.plan.Load().Maintenance
	t.Leaf("Mode", mode(on))
	if on {
		calls, _, _ := e.calls.Counts()
		t.Int("Calls", calls).Int("Registrations", e.bindings.Len()).Int("ChatStreams", e.chat.Streams())
	}
}

func mode(on bool) string {
	if on {
		return "On"
	}
	return "Off"
}
