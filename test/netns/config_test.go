package netns

import (
	"path/filepath"
	"strings"
	"testing"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// The set-up of the stories is one that the table knows, line by line.
func TestConfigIsTaken(t *testing.T) {
	for _, tt := range []struct {
		name  string
		role  xapi.Role
		lines []string
	}{
		{"edge", xapi.Edge, EdgeConfig(Options{StaticNAT: true})},
		{"core", xapi.Core, CoreConfig(Options{Path: PathOff, Transport: "TCP"})},
		{"core", xapi.Core, CoreConfig(Options{Path: PathStrict, Transport: "TLS"})},
	} {
		s, err := config.Open(filepath.Join(t.TempDir(), "config.db"), config.Options{Role: tt.role})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		report, err := s.Import(strings.NewReader(strings.Join(tt.lines, "\n")), config.Who{User: "test"}, config.AllOrNothing)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		for _, l := range report.Lines {
			if l.Verdict > config.Same {
				t.Errorf("%s line %d, %s: %v: %s", tt.name, l.Number, l.Path, l.Verdict, l.Why)
			}
		}
		if report.Error != nil {
			t.Errorf("%s: %v", tt.name, report.Error)
		}
	}
}
