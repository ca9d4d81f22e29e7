package appliance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/lab"
	"sallyport/test/story"
)

// TestDiscoveryTranscripts holds what an administrator types and reads about
// UC clusters. Their servers are 192.0.2.x in the transcripts.
func TestDiscoveryTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/discovery/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts: ", err)
	}
	for i, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			w := newCampus(t, i)
			core := node(t, xapi.Core, "xConfiguration IP DNS Domain Name: example.com")
			if err := core.trust.InstallCA(w.ca.PEM()); err != nil {
				t.Fatal(err)
			}
			e := &story.Engine{Nodes: map[string]story.Execer{"core": translated{seen{core, t}, w.prefix}, "campus": w}, Within: 5 * time.Second, Every: 10 * time.Millisecond}
			e.File(t, file, *update)
		})
	}
}

// A campus is two clusters, one of them with presence and voicemail, on a net of
// this process's own.
type campus struct {
	prefix string
	ca     *trust.CA
	axl    map[string]*lab.AXL  // by the last byte of the publisher
	hosts  map[string]*lab.Host // by the last byte
}

func newCampus(t *testing.T, number int) *campus {
	pid := os.Getpid()
	w := &campus{prefix: fmt.Sprintf("127.%d.%d.", 100+(pid/250+number)%100, 1+pid%250), axl: map[string]*lab.AXL{}, hosts: map[string]*lab.Host{}}
	var err error
	if w.ca, err = trust.NewCA("campus", nil); err != nil {
		t.Fatal(err)
	}
	w.axl["21"] = lab.NewAXL("15.0.1.12900(234)", w.prefix+"21", w.prefix+"22").SetParam("OrganizationTopLevelDomain", "example.com").SetRemote()
	w.axl["21"].SetNodes(append(w.axl["21"].Nodes(), lab.AXLNode{Host: w.prefix + "30", Presence: true})...)
	w.axl["31"] = lab.NewAXL("14.0.1", w.prefix+"31").SetParam("ClusterSecurityMode", "1").SetParam("ClusterSIPOAuthMode", "1")
	w.axl["30"] = lab.NewPresenceAXL("15.0.1", "example.com", w.prefix+"30")
	other, err := trust.NewCA("somebody else", nil)
	if err != nil {
		t.Fatal(err)
	}
	for last, a := range w.axl {
		w.open(t, w.ca, last, a)
	}
	w.open(t, other, "66", lab.NewAXL("15.0.1", w.prefix+"66"))
	return w
}

func (w *campus) open(t *testing.T, ca *trust.CA, last string, a *lab.AXL) {
	t.Helper()
	cert, key, err := ca.Issue(trust.IssueOptions{IPs: []string{w.prefix + last}, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := lab.ServerTLS(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	h := lab.NewHost(netip.MustParseAddr(w.prefix+last), conf)
	h.Handle("POST /axl/", a)
	if _, err := h.Listen(true, 8443); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Stop)
	w.hosts[last] = h
}

// Exec lets a transcript change the campus: "21 param ClusterSecurityMode 1",
// "21 fault 503", "21 norole", "21 version 15.0.1".
func (w *campus) Exec(_ context.Context, line string, out io.Writer) int {
	words := append(strings.Fields(line), "", "", "")
	last, status := words[0], 0
	switch words[1] {
	case "param":
		w.axl[last].SetParam(words[2], words[3])
	case "fault":
		fmt.Sscan(words[2], &status)
		w.hosts[last].SetFault(lab.Fault{Status: status})
	case "role":
		w.axl[last].SetRole(words[2] == "on")
	case "version":
		w.axl[last].SetVersion(words[2])
	default:
		fmt.Fprintln(out, "no such change")
		return 1
	}
	return 0
}

// translated speaks of 192.0.2.x where a node has the campus's own addresses.
type translated struct {
	seen
	prefix string
}

const documented = "192.0.2."

func (n translated) Exec(ctx context.Context, line string, out io.Writer) int {
	var b bytes.Buffer
	exit := n.seen.Exec(ctx, strings.ReplaceAll(line, documented, n.prefix), &b)
	io.WriteString(out, strings.ReplaceAll(b.String(), n.prefix, documented))
	return exit
}
