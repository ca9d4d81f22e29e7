package appliance

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"sallyport/appliance/xapi"
)

// TestAudit: the log, and so remote syslog, hears who changed what, without any
// password, and of alarms that come and go.
func TestAudit(t *testing.T) {
	n := node(t, xapi.Edge)
	var b bytes.Buffer
	n.log = slog.New(slog.NewTextHandler(&b, nil))
	since := n.store.Snapshot().Rev()
	exec(t, n, `xCommand AdminAccountAdd Name: joe Password: "s3cret-word 77"`)
	exec(t, n, `xConfiguration SIP Domain 9 Name: "example.net"`)
	newest := n.auditRevisions(since)
	if again := n.auditRevisions(newest); newest != n.store.Snapshot().Rev() || again != newest {
		t.Errorf("told to revision %d and %d, the newest is %d", newest, again, n.store.Snapshot().Rev())
	}
	n.alarms.Raise(xapi.AlarmLinkDown, "zone 1", "gone")
	up := n.alarms.List()
	n.auditAlarms(nil, up)
	n.auditAlarms(up, up)
	n.auditAlarms(up, nil)
	var got []string
	for line := range strings.Lines(b.String()) {
		_, line, _ = strings.Cut(line, " level=")
		got = append(got, line)
	}
	for i, want := range []string{
		`INFO msg="configuration changed" event=configuration rev=`,
		`paths="SIP Domain 9 Name"`,
		`ERROR msg="alarm raised" event=alarm id=71001 severity=Critical title="Traversal link down" key="zone 1" detail=gone`,
		`INFO msg="alarm lowered" event=alarm id=71001`,
	} {
		if i >= len(got) || !strings.Contains(got[i], want) {
			t.Fatalf("line %d has no %s:\n%s", i+1, want, b.String())
		}
	}
	if len(got) != 4 || strings.Contains(b.String(), "s3cret") {
		t.Errorf("told:\n%s", b.String())
	}
}
