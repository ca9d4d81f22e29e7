package pair

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"sallyport/test/lab"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/stories that do not fit")

// The stories by the pair that they are told on. They run one after the other:
// every pair of this process lives at the same addresses. What is in "every" is
// told on every kind of registrar where phones can register.
func TestStories(t *testing.T) {
	for _, set := range []struct {
		name string
		cfg  Config
	}{
		{"plain", Config{Path: lab.PathLazy}},
		{"off", Config{NoPath: true}},
		{"strict-udp", Config{Path: lab.PathStrict, Core: neighbor("UDP", 5060), World: registrar(func(c *lab.RegistrarConfig) {
			c.NoRecordRoute = true
		})}},
		{"outbound-tls", Config{Path: lab.PathOutbound, Core: neighbor("TLS", 5061)}},
		{"power", Config{}},
		{"open", Config{World: registrar(func(c *lab.RegistrarConfig) { c.Open = true })}},
	} {
		t.Run(set.name, func(t *testing.T) {
			s := open(t, set.cfg)
			for _, f := range files(t, set.name) {
				t.Run(filepath.Base(f), func(t *testing.T) { s.tell(t, f) })
			}
			if s.seen == 0 {
				t.Error("nothing was read for inside addresses")
			}
		})
	}
}

// files are the stories of a set.
func files(t *testing.T, set string) []string {
	t.Helper()
	var all []string
	for _, dir := range []string{set, "every"} {
		some, err := filepath.Glob(filepath.Join("testdata", "stories", dir, "*.txtar"))
		if err != nil || len(some) == 0 {
			t.Fatalf("%s has no stories: %v", dir, err)
		}
		if set != "open" && set != "power" || dir == set {
			all = append(all, some...)
		}
	}
	return all
}

// neighbor is how core meets call control.
func neighbor(transport string, port int) []string {
	return []string{
		"xConfiguration Zones Zone 2 Neighbor SIP Transport: " + transport,
		fmt.Sprintf("xConfiguration Zones Zone 2 Neighbor SIP Port: %d", port),
		"xConfiguration Zones Zone 2 Neighbor SIP TLS Verify Mode: On",
	}
}

func registrar(f func(*lab.RegistrarConfig)) func(*lab.WorldConfig) {
	return func(w *lab.WorldConfig) { w.Registrar = f }
}
