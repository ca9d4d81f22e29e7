package appliance

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

// TestManualLines types every line of the administrator's pages and of README
// into the shell of the node that it is for, page by page from the top, and
// holds that the shell takes it.
func TestManualLines(t *testing.T) {
	pages, err := filepath.Glob("manual/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages: ", err)
	}
	typed := 0
	for _, page := range append(pages, "../README.md") {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			nodes := manualNodes(t)
			for number, row := range strings.Split(string(text), "\n") {
				at, line, ok := manualLine(row)
				if !ok {
					continue
				}
				typed++
				typeManual(t, nodes, at, line, number+1)
			}
		})
	}
	if typed < 150 {
		t.Errorf("%d lines found: the pages are written in another way than this test reads them", typed)
	}
}

// prompt is how pages show which node a line is for.
var prompt = regexp.MustCompile(`^(?: {4})?(?:(edge|core)> )?(x(?:Command|Configuration|Status|History|Feedback) .*|diff|why .*|rollback .*)$`)

// manualLine reads a line to type, without the page's comment.
func manualLine(row string) (at, line string, ok bool) {
	m := prompt.FindStringSubmatch(row)
	if m == nil {
		return "", "", false
	}
	line, _, _ = strings.Cut(m[2], " # ")
	return m[1], strings.TrimSpace(line), true
}

// manualNodes are an edge and a core with what pages take for granted: a domain,
// their zones, a publisher that is down, and files that somebody has brought.
func manualNodes(t *testing.T) map[string]*Node {
	t.Helper()
	both := []string{"xConfiguration SIP Domain 1 Name: example.com", "xConfiguration SIP Domain 1 Edge: On", "xConfiguration SIP Domain 2 Name: sales.example.com", `xConfiguration SystemUnit Name: "gate"`}
	edge := node(t, xapi.Edge, append(both, `xConfiguration Zones Zone 1 Name: "Core"`, "xConfiguration Zones Zone 1 Type: TraversalServer")...)
	core := node(t, xapi.Core, append(both, `xConfiguration Zones Zone 1 Name: "Edge"`, "xConfiguration Zones Zone 1 Type: TraversalClient",
		`xConfiguration Zones Zone 2 Name: "Call control"`, "xConfiguration Zones Zone 2 Type: Neighbor",
		"xConfiguration CollaborationEdge CUCM 1 Address: 192.0.2.66", "xConfiguration CollaborationEdge CUCM 1 Axlusername: axl")...)
	maker, err := trust.NewCA("Maker", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := edge.trust.InstallManufacturer(maker.PEM()); err != nil {
		t.Fatal(err)
	}
	idp, err := lab.NewIdP()
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := lab.NewTokenIssuer()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"makers.pem": string(maker.PEM()), "idp.xml": string(idp.Metadata()), "authz.key": string(tokens.KeyFile()),
		"rules.csv": "Url,Deployment,HttpMethods,MatchType,Description\nhttps://a.example.com/x,,GET,exact,\n",
		"tests.csv": "Url,ExpectedResult,Deployment,Description,HttpMethod\nhttps://a.example.com/x,allow,,,\n",
	} {
		for _, n := range []*Node{edge, core} {
			if err := n.put(name, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return map[string]*Node{"edge": edge, "core": core}
}

// elsewhere are lines that need more than a node: they have to be understood,
// and may fail for what is missing here.
func elsewhere() []string {
	return []string{
		"xCommand CUCMConfigAdd", "xCommand XMPPDiscovery", "xCommand UcxnConfigAdd", "xCommand CUCMMixedModeCheck", "xCommand CUCMConfigDelete", // publishers
		"xCommand DomainCerts Command: cert_put",                   // an authority that signs
		"xCommand ManufacturerCADelete", "xCommand AuthzKeyDelete", // what another line prints
		"xCommand HTTPAllowListRuleAdd URLFile: rules.csv -partial", "xCommand DeploymentDelete", // pages show what is refused, too
		"xCommand RefreshServers", "xCommand CertificatePreflight", "xCommand EdgeSSOMetadataExport", "xCommand Locate", // a running node
	}
}

// typeManual types a line where the page says, or where either node takes it.
func typeManual(t *testing.T, nodes map[string]*Node, at, line string, number int) {
	t.Helper()
	names := []string{at}
	if at == "" {
		names = []string{"core", "edge"}
	}
	answers := ""
	for _, name := range names {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		var out strings.Builder
		c := nodes[name].Console("manual")
		exit := c.Exec(ctx, line, &out)
		c.Close()
		cancel()
		switch {
		case exit == 0 && !strings.Contains(out.String(), "ERROR"), knownStatus(line, nodes[name].cfg.Role):
			return
		case strings.Contains(out.String(), "Put ! at the end"): // it asks, as the page says
			typeManual(t, nodes, name, line+" !", number)
			return
		}
		if !strings.Contains(out.String(), "BadParameter") && hasPrefix(line, elsewhere()) {
			return
		}
		answers += name + ": " + out.String()
	}
	t.Errorf("line %d: %s\n%s", number, line, answers)
}

// knownStatus tells whether a line asks for a part of xStatus that a node has
// once there is something to show.
func knownStatus(line string, role xapi.Role) bool {
	path, ok := strings.CutPrefix(line, "xStatus ")
	for _, row := range xapi.Statuses() {
		bare := regexp.MustCompile(` \[[^]]*\]`).ReplaceAllString(row.Path, "")
		if ok && row.Role&role != 0 && (bare == path || strings.HasPrefix(bare, path+" ")) {
			return true
		}
	}
	return false
}

func hasPrefix(line string, all []string) bool {
	for _, p := range all {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}
