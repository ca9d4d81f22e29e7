package pair

import (
	"flag"
	"path/filepath"
	"testing"

	"sallyport/test/lab"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/stories that do not fit")

// The stories by the pair that they are told on. They run one after the other:
// every pair of this process lives at the same addresses.
func TestStories(t *testing.T) {
	for _, set := range []struct {
		name string
		cfg  Config
	}{
		{"plain", Config{Path: lab.PathLazy}},
	} {
		files, err := filepath.Glob(filepath.Join("testdata", "stories", set.name, "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no stories: %v", set.name, err)
		}
		t.Run(set.name, func(t *testing.T) {
			s := open(t, set.cfg)
			for _, f := range files {
				t.Run(filepath.Base(f), func(t *testing.T) { s.tell(t, f) })
			}
		})
	}
}
