package shell

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"sallyport/appliance/xapi"
	"sallyport/test/story"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// TestTranscripts tells each file of testdata on a fresh edge and core.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			edge, core := newNode(t, xapi.Edge), newNode(t, xapi.Core)
			e := &story.Engine{
				Nodes: map[string]story.Execer{"edge": edge.session(t), "core": core.session(t)},
				Verbs: map[string]story.Verb{
					"upload": func(_ context.Context, s *story.Script, args []string) (string, error) {
						return "", os.WriteFile(filepath.Join(core.folder, args[0]), s.Files[args[0]], 0o600)
					},
					"happens": happens(edge),
				},
			}
			e.File(t, file, *update)
		})
	}
}

func happens(n *node) story.Verb {
	return func(_ context.Context, _ *story.Script, args []string) (string, error) {
		n.happen(Event{Status: args[0] == "status", Node: xapi.NewNode(args[1]).Str("Alias", "alice")})
		return "", nil
	}
}
