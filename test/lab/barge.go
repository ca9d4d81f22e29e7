package lab

import (
	"context"
	"encoding/xml"
	"fmt"
)

// A LineState is what a dialog-info document says of one call on a line.
type LineState struct {
	CallID string `xml:"call-id,attr"`
	Local  string `xml:"local-tag,attr"`  // of the line's own end
	Remote string `xml:"remote-tag,attr"` // of the other
	State  string `xml:"state"`
}

// ParseLineState reads a NOTIFY's dialog-info, whatever its name space.
func ParseLineState(body string) (LineState, error) {
	var doc struct {
		Dialog LineState `xml:"dialog"`
	}
	if err := xml.Unmarshal([]byte(body), &doc); err != nil {
		return LineState{}, fmt.Errorf("lab: dialog-info: %w", err)
	}
	return doc.Dialog, nil
}

// AwaitLine waits for a state of the line that a subscription watches.
func (s *Subscription) AwaitLine(ctx context.Context, state string) (LineState, error) {
	for {
		select {
		case n := <-s.Notes():
			if n.Body == "" {
				continue
			}
			l, err := ParseLineState(n.Body)
			if err != nil || l.State == state {
				return l, err
			}
		case <-ctx.Done():
			return LineState{}, fmt.Errorf("lab: the line is never %s: %w", state, ctx.Err())
		}
	}
}

// Barge is the INVITE option that joins a call of the line at its far end
// (RFC 3911); PickUp takes the call over (RFC 3891).
func (l LineState) Barge() CallOption { return WithHeader("Join", l.far()) }

// PickUp takes the place of the line's own end.
func (l LineState) PickUp() CallOption { return WithHeader("Replaces", l.far()) }

// far names the dialog as its far end knows it: to-tag is that end's own.
func (l LineState) far() string {
	return fmt.Sprintf("%s;to-tag=%s;from-tag=%s", l.CallID, l.Remote, l.Local)
}
