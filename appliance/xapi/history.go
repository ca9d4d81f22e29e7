package xapi

import (
	"slices"
	"strings"
)

// callStatuses are the rows that a call has while it is up and when it is over.
func callStatuses() []*Status {
	return []*Status{
		{Path: "Calls Call [1..100000] SerialNumber", Kind: String, Role: Both, Help: "Serial number of the call."},
		{Path: "Calls Call [1..100000] Trace", Kind: String, Role: Both, Help: "Trace id of the request that began the call."},
		{Path: "Calls Call [1..100000] State", Kind: Enumeration, Role: Both, Help: "Trying or Connected while it is up; Disconnected or Failed when it is over."},
		{Path: "Calls Call [1..100000] Direction", Kind: Enumeration, Role: Both, Help: "Whether the call goes inward or outward."},
		{Path: "Calls Call [1..100000] From", Kind: String, Role: Both, Help: "Who calls."},
		{Path: "Calls Call [1..100000] To", Kind: String, Role: Both, Help: "Who is called."},
		{Path: "Calls Call [1..100000] Duration", Kind: Integer, Unit: "s", Role: Both, Help: "Time since the call began, or that it lasted."},
		{Path: "Calls Call [1..100000] Recording", Kind: Enumeration, Role: Both, Help: "NearEnd, FarEnd or Unknown of a dialog by which a phone's built-in bridge is recorded; other calls have none."},
		{Path: "Calls Call [1..100000] RecordedCall", Kind: String, Role: Both, Help: "Call-ID of the call that a recording dialog joins."},
	}
}

// Histories returns every xHistory row, sorted by path, in a fresh slice.
func Histories() []*Status {
	all := append(callStatuses(),
		&Status{Path: "Calls Call [1..100000] DisconnectCauseValue", Kind: Integer, Role: Both, Help: "Status code with which a call failed that nobody took."},
		&Status{Path: "Calls Call [1..100000] Ended", Kind: Time, Role: Both, Help: "When the call ended."},
	)
	slices.SortFunc(all, func(a, b *Status) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// StatusTree builds the word tree of status or history rows that role has, which
// has what an element may be even while there is nothing to show.
func StatusTree(rows []*Status, role Role) *Word {
	root := &Word{}
	for _, s := range rows {
		if s.Role.Has(role) {
			root.insert(Segments(s.Path), &Item{Path: s.Path, Kind: s.Kind, Role: s.Role, Help: s.Help})
		}
	}
	root.sort()
	return root
}
