// Package xapi holds the tables of everything an administrator can see: each
// xConfiguration item, xCommand, xStatus element and alarm is one typed row.
//
// Shell grammar, help, completion, validation, storage keys, export text and
// reference.md are derived from these rows; nothing of that is typed twice. The
// package knows no values, no files and no network. The store (config) reads
// rows to check and keep values, planes read them through typed handles, faces
// print them.
package xapi

// Role says which node has a row. A row may belong to both.
type Role uint8

// The two doors of the sally port.
const (
	Edge Role = 1 << iota
	Core
	Both = Edge | Core
)

// Has reports whether r includes every role of other.
func (r Role) Has(other Role) bool { return r&other == other }

// String names the role as the operator reads it.
func (r Role) String() string {
	switch r {
	case Edge:
		return "edge"
	case Core:
		return "core"
	case Both:
		return "edge and core"
	}
	return "no role"
}

// Effect says what a change of an item costs. No change needs a restart.
type Effect uint8

const (
	Live       Effect = iota // in force at once, for everything
	NewOnly                  // in force for new calls, registrations and sessions
	Reconnects               // connections that depend on it are closed and made anew
	CutsOff                  // may end the session of the operator who sets it; commit it with a confirm timer
)

// String tells the operator what a change costs.
func (e Effect) String() string {
	switch e {
	case NewOnly:
		return "new calls and sessions"
	case Reconnects:
		return "closes connections that depend on it"
	case CutsOff:
		return "may cut off the session that sets it"
	}
	return "at once"
}

// Item is one xConfiguration row. Rows are written once, in this package, and
// never change; a pointer to a row is its identity.
type Item struct {
	Path    string   // "Zones Zone [1..1000] Neighbor Peer [1..6] Address"
	Kind    Kind     // how a value is read, checked and printed
	Min     int      // smallest number, or shortest text
	Max     int      // largest number, or longest text
	Values  []string // of an Enum or Set, in canonical spelling
	Default string   // canonical; what is read while nothing is set
	Role    Role     // which nodes have it
	Effect  Effect   // what a change costs
	Guide   string   // the feature it belongs to, as the guide names it
	Help    string   // one sentence
	Confirm string   // a question to ask before it is changed; empty = none

	New     bool     // spelled by us, because the replaced product has no such row
	Differs string   // why space or default differ from the replaced product's
	Lacks   []string // values of the replaced product that are refused here; Differs says why
}

// Typed handles: a plane reads an item only through the handle of its kind.
type (
	// Int is a row whose value is a number.
	Int struct{ *Item }
	// Str is a row whose value is text.
	Str struct{ *Item }
	// Enum is a row whose value is one of Values.
	Enum struct{ *Item }
	// Bool is a row of two values; the first of On/Off, Yes/No, Enabled/Disabled is true.
	Bool struct{ *Item }
	// Secret is a row whose value is sealed at rest and masked wherever it is shown.
	Secret struct{ *Item }
)

// Truth reports whether a canonical two-valued text means true.
func Truth(value string) bool {
	return value == "On" || value == "Yes" || value == "Enabled"
}

// Masked reports whether values of the row must never be shown.
func (it *Item) Masked() bool { return it.Kind.Secret() }

// Mask is what stands for a secret value in output, journal and logs.
const Mask = "***"
