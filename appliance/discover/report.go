package discover

import (
	"fmt"
	"strings"
	"time"

	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// Report shows the clusters, and what is worth a look.
func (d *Discoverer) Report(t *xapi.Node, findings []Finding) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, s := range d.orderedLocked() {
		e := t.Nth("Cluster", i+1)
		e.Str("Publisher", s.Publisher).Str("Type", string(s.Kind))
		try := d.tries[s.key()]
		f := d.found[s.key()]
		switch {
		case try.err != nil:
			e.Leaf("Status", "Failed").Str("Cause", try.err.Error())
		case f == nil:
			e.Leaf("Status", "Waiting")
		default:
			e.Leaf("Status", "Active")
		}
		if f != nil {
			f.report(e)
		}
		e.Int("DeploymentId", s.Deployment)
		e.Leaf("CertValidation", word(s.Verify))
		e.Leaf("TokenKeys", yesNo(d.keys[s.key()].Signing != nil))
	}
	for i, f := range findings {
		t.Nth("Advice", i+1).Str("About", f.About).Str("Check", f.Check).Str("Text", f.Text)
	}
}

func (f *Found) report(e *xapi.Node) {
	e.Str("Version", f.Version).Int("Nodes", len(f.Nodes))
	if f.Kind == uc.UnifiedCM {
		e.Leaf("MixedMode", word(f.Mixed)).Leaf("SIPOAuthMode", word(f.SIPOAuth)).Leaf("OAuthRefresh", word(f.Refresh))
	}
	e.Str("Domains", strings.Join(f.Domains, ","))
	if len(f.Unknown) > 0 {
		e.Str("NotTold", strings.Join(f.Unknown, "; "))
	}
	e.Str("LastRefresh", f.When.Local().Format(time.DateTime))
}

// ReportOutbound shows what this node itself asks of UC servers: nobody can
// change it, and it asks nothing else.
func (d *Discoverer) ReportOutbound(t *xapi.Node) {
	n := 0
	row := func(s Source, match, path, methods string) {
		n++
		e := t.Nth("Outbound", n)
		e.Str("Type", words(s.Kind)+" publisher").Str("Address", s.Publisher).Leaf("Protocol", "https")
		e.Str("Ports", strings.Join(webPorts(), ",")).Leaf("MatchType", match).Str("Path", path).Str("HttpMethods", methods)
	}
	for _, s := range d.Sources() {
		if s.Kind == uc.UnityConnection {
			row(s, "prefix", "/vmrest/", "GET")
			continue
		}
		row(s, "prefix", "/axl/", "POST")
		if s.Keys != "" {
			row(s, "exact", s.Keys, "GET")
		}
	}
}

func word(on bool) string {
	if on {
		return "On"
	}
	return "Off"
}

func yesNo(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}

// Summary is what an administrator hears who added or refreshed a publisher.
func (a Answer) Summary(t *xapi.Node) {
	f := a.Found
	t.Str("Publisher", f.Publisher)
	f.report(t)
	for i, n := range f.Nodes {
		var types []string
		for _, k := range n.Types {
			types = append(types, string(k))
		}
		t.Nth("Node", i+1).Str("Address", n.Host).Str("Type", strings.Join(types, ","))
	}
	for i, x := range f.Advice {
		t.Nth("Advice", i+1).Str("Check", x.Check).Str("Text", x.Text)
	}
	if f.Kind == uc.UnifiedCM {
		t.Leaf("TokenKeys", yesNo(a.Keys != nil))
	}
}

// Mixed tells in words what a cluster's security mode means.
func Mixed(f *Found) string {
	if f.Mixed {
		return fmt.Sprintf("%s is in mixed mode: secure devices register over TLS", f.Publisher)
	}
	return fmt.Sprintf("%s is not in mixed mode: devices register over TCP, or by token if SIP OAuth is on", f.Publisher)
}
