package xapi

// Alarm is one alarm that a node can raise. IDs and titles below 70000 are those
// of the replaced product, so that operators' filters keep working; 70000 and up
// are ours.
type Alarm struct {
	ID       int
	Title    string
	Severity string // Emergency, Alert, Critical, Error, Warning, Notice, Info
	Cause    string // one sentence
	Remedy   string // one sentence: what to do
	Role     Role
}

// AlarmLinkDown and the rest are raised by the package that finds the cause.
var (
	AlarmSSHTunnelDown = &Alarm{
		ID: 35013, Title: "Unified Communications SSH tunnel failure", Severity: "Warning", Role: Both,
		Cause:  "An SSH connection of the edge-core link is down, so HTTP and control do not pass.",
		Remedy: "Check that core reaches edge on the traversal SSH port and that both clocks agree.",
	}
)

func alarmRows() []*Alarm { return []*Alarm{AlarmSSHTunnelDown} }
