package xapi

// Recording of remote phones by their built-in bridge.
var BibInviteDelay = Int{&Item{
	Path: "SIP Advanced BibInviteDelay", Kind: Integer, Min: 0, Max: 5000, Default: "0",
	Role: Core, Guide: "BiB recording",
	Help:    "Milliseconds that an INVITE to a phone's built-in bridge waits, so that the call that it records is set up before it.",
	Differs: "0, the default, can be typed too",
}}

func recordingItems() []*Item {
	return []*Item{BibInviteDelay.Item, RecorderZone.Item, RecordedUser.Item, RecordingTone.Item}
}

// AlarmRecordingPath is raised while phones are recorded that are registered
// without Path.
var AlarmRecordingPath = &Alarm{
	ID: 74021, Title: "Recording without SIP Path headers", Severity: "Warning", Role: Core,
	Cause:  "Call control records a remote phone by its built-in bridge, but SIP Path headers are off, so that recordings may fail.",
	Remedy: "Set CollaborationEdge RFC3327Enabled to On, then refresh the servers; phones move at their next registration.",
}

// RecordingPlan reckons what recording will cost.
var RecordingPlan = &Command{
	Name: "RecordingPlan", Spaced: "Recording Plan", Role: Both, Guide: "BiB recording", New: true,
	Params: []Param{
		{Name: "Calls", Kind: Integer, Min: 1, Max: 100000, Required: true, Help: "Calls of remote phones at the busiest time."},
		{Name: "Recorded", Kind: Integer, Min: 0, Max: 100, Help: "Percentage of them that is recorded; 100 if not given."},
		{Name: "Codec", Kind: Enumeration, Values: []string{"G711", "G722", "G729", "Opus"}, Help: "Codec of the calls, 20 ms a packet, Opus at 32 kbit/s; G711 if not given."},
		{Name: "IPVersion", Kind: Enumeration, Values: []string{"4", "6"}, Help: "IP version of the packets; 4 if not given."},
	},
	Help: "Says what bandwidth and which share of this node's capacity that many calls take, recorded by the phones' built-in bridges; changes nothing.",
}

func recordingCommands() []*Command { return []*Command{RecordingPlan} }

func recordingAlarms() []*Alarm { return []*Alarm{AlarmRecordingPath, AlarmRecorder} }

func recordingStatuses() []*Status {
	return []*Status{
		{Path: "Recording Active", Kind: Integer, Role: Core, Help: "Calls that core records now."},
		{Path: "Recording Total", Kind: Integer, Role: Core, Help: "Calls that core has recorded since the start."},
		{Path: "Recording Failed", Kind: Integer, Role: Core, Help: "Calls that core should have recorded and could not."},
		{Path: "ResourceUsage Calls Recording", Kind: Integer, Role: Both, Help: "Recording dialogs among the calls now."},
	}
}

// Recording by core itself (SIPREC, RFC 7866), of users whose registrar cannot.
var (
	RecorderZone = Str{&Item{
		Path: "Recording Zone", Kind: String, Max: 50,
		Role: Core, Effect: NewOnly, Guide: "SIPREC recording", New: true,
		Help: "Name of the neighbor zone of the recorder, where copies are SRTP if it is reached over TLS; empty records nobody.",
	}}
	RecordedUser = Str{&Item{
		Path: "Recording User [1..200] Alias", Kind: String, Max: 128,
		Role: Core, Effect: NewOnly, Guide: "SIPREC recording", New: true,
		Help: "Remote user whose calls core records, as user@domain, or @domain for all of a domain.",
	}}
	RecordingTone = Bool{&Item{
		Path: "Recording Tone Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: NewOnly, Guide: "SIPREC recording", New: true,
		Help: "Lets both sides of a call of G.711 that core records hear a short tone every 15 seconds.",
	}}
)

// AlarmRecorder is raised while the recorder does not take calls.
var AlarmRecorder = &Alarm{
	ID: 74022, Title: "Calls are not recorded", Severity: "Error", Role: Core,
	Cause:  "A call that core should record could not be; the call itself goes on.",
	Remedy: "Do what the detail says; it goes when the next call is recorded.",
}
