package appliance

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
)

// audit writes into the log, and so to remote syslog receivers, who changed the
// configuration and which alarms were raised and lowered, until ctx ends.
func (n *Node) audit(ctx context.Context) error {
	watch := n.store.Watch()
	defer watch.Close()
	alarms := n.alarms.Watch()
	defer n.alarms.Unwatch(alarms)
	told := n.store.Snapshot().Rev()
	var raised []alarm.Raised
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C():
			told = n.auditRevisions(told)
		case <-alarms:
			now := n.alarms.List()
			n.auditAlarms(raised, now)
			raised = now
		}
	}
}

// maxAudited bounds the revisions that are told at once; the journal has them all.
const maxAudited = 100

// auditRevisions tells of the revisions behind told and returns the newest.
func (n *Node) auditRevisions(told int) int {
	entries, err := n.store.Journal(min(maxAudited, max(0, n.store.Snapshot().Rev()-told)))
	if err != nil {
		n.log.Error("journal cannot be read", "err", err)
		return told
	}
	for _, e := range slices.Backward(entries) {
		if e.Rev > told {
			told = e.Rev
			said := []any{"event", "configuration", "rev", e.Rev, "user", e.Who.User, "from", e.Who.From, "paths", paths(e.Changes)}
			if e.Note != "" {
				said = append(said, "note", e.Note)
			}
			n.log.Info("configuration changed", said...)
		}
	}
	return told
}

// maxPaths is how many of a revision's paths are named.
const maxPaths = 5

// paths names what a revision changed. Values stay out: history has them masked.
func paths(changes []config.Change) string {
	var names []string
	for _, c := range changes[:min(maxPaths, len(changes))] {
		names = append(names, c.Path)
	}
	if more := len(changes) - maxPaths; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// auditAlarms tells of the alarms that one list has and the other has not.
func (n *Node) auditAlarms(before, now []alarm.Raised) {
	for _, a := range missing(now, before) {
		n.log.Log(context.Background(), logLevel(a), "alarm raised", "event", "alarm", "id", a.Alarm.ID,
			"severity", a.Alarm.Severity, "title", a.Alarm.Title, "key", a.Key, "detail", a.Detail)
	}
	for _, a := range missing(before, now) {
		n.log.Info("alarm lowered", "event", "alarm", "id", a.Alarm.ID, "title", a.Alarm.Title, "key", a.Key)
	}
}

// missing are the alarms of list that are not in other.
func missing(list, other []alarm.Raised) (out []alarm.Raised) {
	type id struct {
		alarm int
		key   string
	}
	there := map[id]bool{}
	for _, a := range other {
		there[id{a.Alarm.ID, a.Key}] = true
	}
	for _, a := range list {
		if !there[id{a.Alarm.ID, a.Key}] {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b alarm.Raised) int { return cmp.Compare(a.Since.UnixNano(), b.Since.UnixNano()) })
	return out
}

// logLevel is the log's word for an alarm's severity.
func logLevel(a alarm.Raised) slog.Level {
	switch a.Alarm.Severity {
	case "Emergency", "Alert", "Critical", "Error":
		return slog.LevelError
	case "Warning":
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
