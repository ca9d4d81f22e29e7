package appliance

import (
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/story"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata that do not fit")

// node is one that does not run: it keeps, answers and decides, but opens no
// socket.
func node(t *testing.T, role xapi.Role, lines ...string) *Node {
	t.Helper()
	n, err := New(Config{
		Role: role, Dir: t.TempDir(), Name: role.String(), Version: "test",
		First: strings.Join(append([]string{"xConfiguration Administration SSH Mode: Off", "xConfiguration SIP Mode: Off"}, lines...), "\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// TestTranscripts holds what an administrator types and reads. The console is
// asked, so that nothing waits to be confirmed.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts: ", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			edge, core := node(t, xapi.Edge), node(t, xapi.Core)
			write(t, core, "rules.csv", "Url,Deployment,HttpMethods,MatchType,Description\n"+
				"https://a.example.com/x,,\"GET,HEAD\",exact,\"One\"\nhttp://b.example.com:8080/y/,,,,\n")
			write(t, core, "bad.csv", "Url,Deployment,HttpMethods,MatchType,Description\n"+
				"https://a.example.com/z,,GET,exact,\nftp://b.example.com/,,,,\nhttps://c.example.com/,,FETCH,,\n")
			e := &story.Engine{Nodes: map[string]story.Execer{"edge": seen{edge, t}, "core": seen{core, t}}, Within: time.Second, Every: 10 * time.Millisecond}
			e.File(t, file, *update)
		})
	}
}

// seen is a console whose node looks at its configuration after each line, as
// a running one does.
type seen struct {
	n *Node
	t *testing.T
}

func (s seen) Exec(ctx context.Context, line string, out io.Writer) int {
	c := s.n.Console("test")
	defer c.Close()
	exit := c.Exec(ctx, line, out)
	s.n.applyOnce(s.n.store.Snapshot())
	return exit
}

func write(t *testing.T, n *Node, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.Folder(), name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCertificates installs what an authority signed and sees the alarms go.
func TestCertificates(t *testing.T) {
	n := node(t, xapi.Edge, `xConfiguration IP DNS Hostname: "edge"`, `xConfiguration IP DNS Domain Name: "example.com"`)
	n.look()
	if got := raised(n); got != "74001 74001 74003" {
		t.Errorf("a bare node raises %q", got)
	}
	ca, err := trust.NewCA("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, n, "ca.pem", string(ca.PEM()))
	exec(t, n, `xCommand CSRGenerate CommonName: "edge.example.com" File: "edge.csr"`)
	request, err := os.ReadFile(filepath.Join(n.Folder(), "edge.csr"))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Sign(request, trust.IssueOptions{Server: true})
	if err != nil {
		t.Fatal(err)
	}
	write(t, n, "edge.pem", string(cert))
	exec(t, n, `xCommand ServerCertificateInstall File: "edge.pem"`)
	exec(t, n, `xCommand CACertificateInstall File: "ca.pem"`)
	if got := raised(n); got != "74003" {
		t.Errorf("with its certificates a node raises %q", got)
	}
	exec(t, n, `xConfiguration IP DNS Hostname: "other"`)
	n.look()
	if got := raised(n); got != "74002 74003" {
		t.Errorf("a certificate without the node's name raises %q", got)
	}
}

// exec runs a line that must succeed.
func exec(t *testing.T, n *Node, line string) {
	t.Helper()
	var out strings.Builder
	c := n.Console("test")
	defer c.Close()
	if exit := c.Exec(t.Context(), line, &out); exit != 0 {
		t.Fatalf("%s: exit %d\n%s", line, exit, out.String())
	}
}

// raised are the numbers of the raised alarms.
func raised(n *Node) string {
	var ids []string
	for _, a := range n.Alarms() {
		ids = append(ids, strconv.Itoa(a.Alarm.ID))
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// TestFirstLines are taken by an empty store only, and whole or not at all.
func TestFirstLines(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Role: xapi.Core, Dir: dir, Name: "core", First: `xConfiguration SystemUnit Name: "one"`}
	for _, want := range []string{"one", "one"} {
		n, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if n.Name() != want {
			t.Errorf("the node is called %q, want %q", n.Name(), want)
		}
		n.Close()
		cfg.First = `xConfiguration SystemUnit Name: "two"`
	}
	cfg.Dir, cfg.First = t.TempDir(), "xConfiguration SystemUnit Name: \"x\"\nxConfiguration Nonsense: 1"
	if n, err := New(cfg); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a bad first line: %v", err)
		if n != nil {
			n.Close()
		}
	}
	n, err := New(Config{Role: xapi.Core, Dir: cfg.Dir, Name: "core"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if rev := n.store.Snapshot().Rev(); rev != 0 {
		t.Errorf("half of the first lines were taken: revision %d", rev)
	}
}
