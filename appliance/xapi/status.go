package xapi

// Status is one xStatus row. What it reads is bound where the node is
// assembled.
type Status struct {
	Path string // "Zones Zone [1..1000] Status"
	Kind Kind
	Unit string // of a number: "s", "packets/s"; empty = none
	Role Role
	Help string // one sentence
}

func statusRows() []*Status {
	return []*Status{
		{Path: "Alarm [1..1000] ID", Kind: Integer, Role: Both, Help: "Id of a raised alarm."},
	}
}
