package signaling

import (
	"bytes"
	"strings"

	"sallyport/appliance/sip"
)

// Recording says what a call is to a recording: most calls are none. Call
// control records a call by two more dialogs with the phone, whose built-in
// bridge sends a side of it on each.
type Recording uint8

// The sides, as call control names them: the near end is the phone's own user.
const (
	NoRecording Recording = iota
	NearEnd
	FarEnd
	OtherEnd // a dialog of a recording that does not tell its side
)

// String is the word that xStatus Calls shows.
func (r Recording) String() string {
	return [...]string{"", "NearEnd", "FarEnd", "Unknown"}[r&3]
}

// RecordingOf tells whether an INVITE that is on its way to a phone opens a
// recording dialog, and of which side. The label of its stream says so, or a
// flag in From; else it must join a call and name who invoked it.
func RecordingOf(m *sip.Message) Recording {
	if m.Method() != "INVITE" || m.ToTag() != "" {
		return NoRecording
	}
	from := strings.ToLower(m.Get("From"))
	switch {
	case bytes.Contains(m.Body(), []byte("a=label:X-relay-nearend")), flagged(from, "x-nearend"):
		return NearEnd
	case bytes.Contains(m.Body(), []byte("a=label:X-relay-farend")), flagged(from, "x-farend"):
		return FarEnd
	case m.Has("Join") && strings.Contains(m.Get("Call-Info"), "record-invoker="):
		return OtherEnd
	}
	return NoRecording
}

// flagged finds a parameter without value: x-nearend, not x-nearenddevice=….
func flagged(from, flag string) bool {
	_, rest, found := strings.Cut(from, ";"+flag)
	return found && (rest == "" || strings.IndexByte(";>", rest[0]) >= 0)
}

// joined is the Call-ID that an INVITE joins (RFC 3911), "" if none.
func joined(m *sip.Message) string {
	id, _, _ := strings.Cut(m.Get("Join"), ";")
	return strings.Clone(strings.TrimSpace(id))
}
