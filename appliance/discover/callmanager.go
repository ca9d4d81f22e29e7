package discover

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sallyport/appliance/uc"
)

// MaxNodes is how many servers of all clusters a core knows.
const MaxNodes = 400

// The ports of nodes where a cluster tells no others.
const (
	portWeb   = 8443
	portFiles = 6970
	portChat  = 5222

	portTLS     = 443
	portHeadset = 9444
	portSIP     = 5060
	portSIPS    = 5061
	portOAuth   = 5091
)

// askCallManager asks a Unified CM publisher. What a login could not do without
// is an error; what some versions lack is noted as unknown.
func (d *Discoverer) askCallManager(ctx context.Context, a *axl, f *Found) error {
	if err := readNodes(ctx, a, f, isVoice); err != nil {
		return err
	}
	for i := range f.Nodes {
		f.Nodes[i].Types = []uc.NodeType{uc.UnifiedCM}
	}
	for _, step := range []func(context.Context, *axl, *Found) error{readServices, readPorts, readModes, readDomains, readRemote} {
		if err := step(ctx, a, f); final(err) {
			return err
		}
	}
	d.readTrust(ctx, a, f)
	d.introduce(ctx, a, f)
	return nil
}

// final tells an error that ends a conversation from an answer that one
// question did not get.
func final(err error) bool {
	return err != nil && (errors.Is(err, ErrPassword) || errors.Is(err, ErrRole) || errors.Is(err, ErrBusy) || errors.Is(err, context.Canceled) || isTimeout(err))
}

// The roles of servers as AXL spells them.
func isVoice(role string) bool    { return !isPresence(role) }
func isPresence(role string) bool { return strings.Contains(strings.ToLower(role), "presence") }

// readNodes lists the servers of a role, the publisher first.
func readNodes(ctx context.Context, a *axl, f *Found, wanted func(role string) bool) error {
	all, err := a.call(ctx, "listProcessNode", "<searchCriteria><name>%</name></searchCriteria>"+
		tags("name", "description", "ipv6Name", "nodeUsage", "processNodeRole"))
	if err != nil {
		return err
	}
	for _, r := range all {
		host, role := uc.Canonical(r.get("name")), r.get("processNodeRole")
		switch {
		case host == "" || r.get("name") == "EnterpriseWideData" || f.node(host) != nil:
		case !validHost(host):
			f.advise("name", fmt.Sprintf("The server %q in System > Server of %s has a name that is none; it is left out.", clean(r.get("name")), f.Publisher))
		case wanted(role):
			f.Nodes = append(f.Nodes, Node{Host: host, Version: f.Version, Publisher: strings.EqualFold(r.get("nodeUsage"), "Publisher")})
		case isPresence(role):
			f.Presence = append(f.Presence, host)
		}
	}
	if len(f.Nodes) == 0 {
		return fmt.Errorf("it lists no server of its own kind; is %s the address of the %s publisher?", f.Publisher, words(f.Kind))
	}
	if len(f.Nodes) > MaxNodes {
		return fmt.Errorf("it lists %d servers; %d are the most", len(f.Nodes), MaxNodes)
	}
	f.sort()
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// validHost keeps what cannot be a host out of rules and requests.
func validHost(host string) bool {
	return len(host) <= 253 && !strings.ContainsFunc(host, func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && r != ':' && !('0' <= r && r <= '9') && !('a' <= r && r <= 'z')
	})
}

// readServices finds out what runs where. A cluster that does not tell is
// taken to run everything everywhere.
func readServices(ctx context.Context, a *axl, f *Found) error {
	all, err := a.call(ctx, "listProcessNodeService", "<searchCriteria><processNodeName>%</processNodeName></searchCriteria>"+
		tags("processNodeName", "service", "isActive"))
	if err == nil && len(all) == 0 {
		err = errors.New("the list is empty")
	}
	if err != nil {
		f.unknown("services of the servers", err)
		for i := range f.Nodes {
			f.Nodes[i].Calls, f.Nodes[i].Types = true, []uc.NodeType{uc.UnifiedCM, uc.TFTP}
		}
		return err
	}
	f.NoCodes = true
	for _, r := range all {
		n := f.node(r.get("processNodeName"))
		if n == nil || !yes(r.get("isActive")) {
			continue
		}
		switch r.get("service") {
		case "Cisco Device Activation Service":
			f.NoCodes = false
		case "Cisco CallManager":
			n.Calls = true
		case "Cisco Tftp":
			if !n.is(uc.TFTP) {
				n.Types = append(n.Types, uc.TFTP)
			}
		}
	}
	return nil
}

// readPorts asks each call control where it takes SIP.
func readPorts(ctx context.Context, a *axl, f *Found) error {
	for i := range f.Nodes {
		f.Nodes[i].SIP, f.Nodes[i].SIPS, f.Nodes[i].OAuth = portSIP, portSIPS, portOAuth
	}
	all, err := a.call(ctx, "listCallManager", "<searchCriteria><name>%</name></searchCriteria>"+tags("name", "processNodeName"))
	if err != nil {
		f.unknown("call control", err)
		return err
	}
	for _, r := range all {
		n := f.node(r.get("processNodeName"))
		if n == nil || !n.Calls {
			continue
		}
		one, err := a.call(ctx, "getCallManager", element("name", r.get("name")))
		if err != nil || len(one) == 0 {
			f.unknown("ports of "+n.Host, cmpErr(err, errNoReply))
			if final(err) {
				return err
			}
			continue
		}
		n.SIP = port(one[0].get("ports/sipPorts/sipPhonePort"), n.SIP)
		n.SIPS = port(one[0].get("ports/sipPorts/sipPhoneSecurePort"), n.SIPS)
		n.OAuth = port(one[0].get("ports/sipPorts/sipOAuthMRAPort"), n.OAuth)
	}
	return nil
}

func cmpErr(err, or error) error {
	if err != nil {
		return err
	}
	return or
}

// port reads a port, or keeps the usual one.
func port(text string, usual int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 65536 {
		return n
	}
	return usual
}

// readModes asks how calls and logins are secured.
func readModes(ctx context.Context, a *axl, f *Found) error {
	mode := func(where string) ([]record, error) {
		return a.sql(ctx, "select paramname,paramvalue from processconfig where paramname"+where)
	}
	all, err := mode("='ClusterSecurityMode'")
	if err != nil {
		f.unknown("cluster security mode", err)
		return err
	}
	f.Mixed = slices.ContainsFunc(all, func(r record) bool { return yes(r.get("paramvalue")) })
	if all, err = mode("='ClusterSIPOAuthMode'"); err != nil {
		f.unknown("SIP OAuth mode", err)
		return err
	}
	f.SIPOAuth = slices.ContainsFunc(all, func(r record) bool { return yes(r.get("paramvalue")) })
	if all, err = mode(" like '%OAuth%'"); err != nil {
		f.unknown("OAuth with refresh login flow", err)
		return err
	}
	for _, r := range all {
		name := strings.ToLower(r.get("paramname"))
		f.Refresh = f.Refresh || strings.Contains(name, "refresh") && !strings.Contains(name, "expir") && !strings.Contains(name, "timer") && yes(r.get("paramvalue"))
	}
	return nil
}

// readDomains asks for the domains that the cluster takes for its own.
func readDomains(ctx context.Context, a *axl, f *Found) error {
	all, err := a.sql(ctx, "select paramname,paramvalue from processconfig where paramname like '%Domain%'")
	if err != nil {
		f.unknown("domains", err)
		return err
	}
	for _, r := range all {
		name := strings.ToLower(r.get("paramname"))
		if strings.Contains(name, "toplevel") || strings.Contains(name, "qualified") {
			f.Domains = append(f.Domains, list(r.get("paramvalue"))...)
		}
	}
	slices.Sort(f.Domains)
	f.Domains = slices.DeleteFunc(slices.Compact(f.Domains), func(d string) bool { return !validHost(d) || !strings.Contains(d, ".") })
	return nil
}

// readRemote asks which other clusters the look-up service (ILS) knows.
func readRemote(ctx context.Context, a *axl, f *Found) error {
	all, err := a.call(ctx, "listRemoteCluster", "<searchCriteria><clusterId>%</clusterId></searchCriteria>"+tags("clusterId", "fullyQualifiedName"))
	if err != nil {
		f.unknown("remote clusters", err)
		return err
	}
	f.Remote = []string{}
	for _, r := range all {
		if host := uc.Canonical(r.get("fullyQualifiedName")); host != "" {
			f.Remote = append(f.Remote, host)
		}
	}
	return nil
}

// trusted reads which certificates lie in a trust store, by the SHA-256 of
// their bytes.
func trusted(all []record, store string) map[string]bool {
	out := map[string]bool{}
	for _, r := range all {
		if !strings.EqualFold(r.get("name"), store) {
			continue
		}
		if b, _ := pem.Decode([]byte(r.get("certificate"))); b != nil {
			if c, err := x509.ParseCertificate(b.Bytes); err == nil {
				out[fingerprint(c)] = true
			}
		}
	}
	return out
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// readTrust holds the cluster's trust stores against the authorities that our
// own certificate comes from: without one of them there, Unified CM refuses us.
func (d *Discoverer) readTrust(ctx context.Context, a *axl, f *Found) {
	all, err := a.sql(ctx, "select c.subjectname,c.issuername,c.serialnumber,c.certificate,c.ipv4address,t.name,t.enum from certificate c "+
		"join certificateservicecertificatemap m on m.fkcertificate=c.pkid join typecertificateservice t on t.enum=m.tkcertificateservice")
	if err != nil {
		f.unknown("trust stores", err)
		return
	}
	ours := d.cfg.Authorities()
	for _, store := range []struct{ name, use string }{
		{"CallManager-trust", "SIP over TLS"}, {"tomcat-trust", "HTTPS and SIP with tokens"},
	} {
		have := trusted(all, store.name)
		if len(ours) > 0 && !slices.ContainsFunc(ours, func(c *x509.Certificate) bool { return have[fingerprint(c)] }) {
			f.advise("trust", fmt.Sprintf("The authority of this node's certificate (%s) is not in %s of %s, so it refuses this node for %s. "+
				"Upload it there, restart the service, and refresh.", ours[len(ours)-1].Subject, store.name, f.Publisher, store.use))
		}
	}
}
