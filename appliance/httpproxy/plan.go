package httpproxy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sallyport/appliance/allow"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// GatePlan is where edge takes HTTPS of remote clients.
type GatePlan struct {
	Listen []netip.AddrPort // none: off
}

// Equal tells whether two plans want the same.
func (p GatePlan) Equal(q GatePlan) bool { return slices.Equal(p.Listen, q.Listen) }

// GatePlanFrom reads edge's part of a snapshot.
func GatePlanFrom(snap *config.Snapshot) GatePlan {
	var p GatePlan
	if !snap.Bool(xapi.CollaborationEdgeEnabled) {
		return p
	}
	for _, a := range snap.Outside(xapi.Edge) {
		p.Listen = append(p.Listen, netip.AddrPortFrom(a, uint16(snap.Int(xapi.CollaborationEdgeHTTPSPort))))
	}
	return p
}

// Plan is what core lets through.
type Plan struct {
	Domains map[string]string // remote users' domains, lower case, to their deployment
	Rules   []allow.Rule
	Methods []string // of rules that name none
}

// PlanFrom reads core's part of a snapshot. An error names rules that are left
// out; the rest can be applied.
func PlanFrom(snap *config.Snapshot) (Plan, error) {
	p := Plan{Domains: map[string]string{}, Methods: allow.Methods(snap.Str(xapi.AllowListDefaultMethods))}
	if !snap.Bool(xapi.CollaborationEdgeEnabled) {
		return p, nil
	}
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		if name := snap.Str(xapi.SIPDomainName, i); name != "" && snap.Bool(xapi.SIPDomainEdge, i) {
			p.Domains[strings.ToLower(name)] = ""
		}
	}
	var errs []error
	for _, i := range snap.Indexes(xapi.AllowListRuleURL.Item) {
		if snap.Str(xapi.AllowListRuleURL, i) == "" {
			continue
		}
		r, err := ruleFrom(snap, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("allow list rule %d: %w", i, err))
			continue
		}
		p.Rules = append(p.Rules, r)
	}
	return p, errors.Join(errs...)
}

func ruleFrom(snap *config.Snapshot, i int) (allow.Rule, error) {
	r, err := allow.CSVRule{
		URL:         snap.Str(xapi.AllowListRuleURL, i),
		Deployment:  deployment(snap, snap.Str(xapi.AllowListRuleDeployment, i)),
		Methods:     allow.Methods(snap.Str(xapi.AllowListRuleMethods, i)),
		Match:       snap.Enum(xapi.AllowListRuleMatchType, i),
		Description: snap.Str(xapi.AllowListRuleDescription, i),
	}.Rule()
	r.Name, r.Type = fmt.Sprintf("rule %d", i), "Editable rule"
	return r, err
}

// deployment is the key of a deployment by its name: "" is the default one,
// which has the lowest number.
func deployment(snap *config.Snapshot, name string) string {
	for _, i := range snap.Indexes(xapi.DeploymentID.Item) {
		if snap.Int(xapi.DeploymentID, i) == 1 && strings.EqualFold(snap.Str(xapi.DeploymentName, i), name) {
			return ""
		}
	}
	return strings.ToLower(name)
}

// Check refuses rules that cannot work before they are committed. It is a
// config.Check.
func Check(snap *config.Snapshot) error {
	_, err := PlanFrom(snap)
	return err
}
