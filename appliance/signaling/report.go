package signaling

import (
	"strconv"
	"time"

	"sallyport/appliance/xapi"
)

// Serial is the call's identifier as an administrator sees and types it.
func (c Call) Serial() string { return strconv.FormatUint(c.Session, 16) }

// Report adds what xStatus Calls shows of the call's signalling.
func (c Call) Report(n *xapi.Node, now time.Time) {
	n.Str("SerialNumber", c.Serial())
	n.Str("Trace", c.Trace)
	n.Leaf("State", c.standing())
	if c.failed() && c.Status != 0 {
		n.Int("DisconnectCauseValue", c.Status)
	}
	n.Leaf("Direction", c.Direction)
	if c.Recording != NoRecording {
		n.Leaf("Recording", c.Recording.String())
		n.Str("RecordedCall", c.Joins)
	}
	n.Str("From", c.From)
	n.Str("To", c.To)
	if !c.Ended.IsZero() {
		now = c.Ended
		n.Str("Ended", now.Local().Format(time.DateTime))
	}
	n.Int("Duration", max(0, int(now.Sub(c.Since).Seconds())))
}

// failed tells whether a call ended that nobody took.
func (c Call) failed() bool { return !c.Ended.IsZero() && c.State == Trying }

// standing is the state of a call as it is shown, ended ones included.
func (c Call) standing() string {
	switch {
	case c.failed():
		return "Failed"
	case !c.Ended.IsZero():
		return "Disconnected"
	}
	return c.State.String()
}

// ReportHistory adds what xHistory Calls shows.
func (c *Calls) ReportHistory(t *xapi.Node) {
	for i, call := range c.History() {
		call.Report(t.Nth("Call", i+1), call.Ended)
	}
}

// ReportUsage adds what xStatus ResourceUsage shows of calls.
func (c *Calls) ReportUsage(n *xapi.Node) {
	current, peak, total := c.Counts()
	n.Int("Current", current).Int("Max", peak).Int("Total", total).Int("Limit", c.limit).Int("Recording", c.Recordings())
}
