package core

import (
	"time"

	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
)

// recordingAlarm is how long the alarm about recording without Path stays after
// the last recording dialog.
const recordingAlarm = 24 * time.Hour

// pause is how long an INVITE for a client waits before it is looked at: one
// for a phone's built-in bridge may overtake the call that it records.
func (c *Core) pause(m *sip.Message) time.Duration {
	plan := c.plan.Load()
	if plan.BibDelay == 0 || signaling.RecordingOf(m) == signaling.NoRecording {
		return 0
	}
	return plan.BibDelay
}

// noteRecording remembers that a phone is recorded while Path is off.
func (c *Core) noteRecording(m *sip.Message) {
	if c.plan.Load().Path || signaling.RecordingOf(m) == signaling.NoRecording {
		return
	}
	c.recorded.Store(c.cfg.Clock().UnixNano())
	c.cfg.Alarms.Raise(xapi.AlarmRecordingPath, "", "Call control records a phone, but CollaborationEdge RFC3327Enabled is Off.")
}

// judgeRecording lowers the alarm once Path is on, or nobody was recorded for
// long, and that of the recorder once there shall be none.
func (c *Core) judgeRecording() {
	idle := c.cfg.Clock().Sub(time.Unix(0, c.recorded.Load()))
	if c.plan.Load().Path || idle > recordingAlarm {
		c.cfg.Alarms.Lower(xapi.AlarmRecordingPath, "")
	}
	if c.plan.Load().Record.zone == "" {
		c.cfg.Alarms.Lower(xapi.AlarmRecorder, "")
	}
}
