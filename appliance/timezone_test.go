package appliance

import (
	"strings"
	"testing"
	"time"

	"sallyport/appliance/xapi"
)

func TestTimeZone(t *testing.T) {
	n := node(t, xapi.Core)
	n.cfg.Clock = func() time.Time { return time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC) }
	if got := text(t, n, "xStatus SystemUnit LocalTime"); !strings.Contains(got, "2026-07-01 10:00:00 GMT") {
		t.Error(got)
	}
	exec(t, n, `xConfiguration TimeZone Name: "Europe/Berlin"`)
	if got := text(t, n, "xStatus SystemUnit LocalTime"); !strings.Contains(got, "2026-07-01 12:00:00 CEST") {
		t.Error(got)
	}
	for _, bad := range []string{"Europe/Nowhere", "Local", "../../etc/passwd"} {
		if got := text(t, n, `xConfiguration TimeZone Name: "`+bad+`"`); !strings.Contains(got, "TimeZone Name") || strings.Contains(got, "OK") {
			t.Error(got)
		}
	}
}
