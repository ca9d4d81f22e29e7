package zone

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// PlanFrom reads zones and search rules. A rule that cannot work is left out;
// Check tells the operator before that.
func PlanFrom(snap *config.Snapshot) *Plan {
	p := &Plan{}
	for _, i := range snap.Indexes(xapi.ZoneName.Item) {
		if z := zoneFrom(snap, i); z.Name != "" && z.Type != Untyped {
			p.Zones = append(p.Zones, z)
		}
	}
	for _, i := range snap.Indexes(xapi.RuleName.Item) {
		if r, err := ruleFrom(snap, i); err == nil && r != nil {
			p.Rules = append(p.Rules, r)
		}
	}
	for _, i := range snap.Indexes(xapi.TransformPattern.Item) {
		if t, err := transformFrom(snap, i); err == nil && t != nil {
			p.Transforms = append(p.Transforms, t)
		}
	}
	slices.SortStableFunc(p.Transforms, func(a, b *Transform) int { return cmp.Compare(a.Priority, b.Priority) })
	slices.SortStableFunc(p.Rules, func(a, b *Rule) int { return cmp.Compare(a.Priority, b.Priority) })
	return p
}

func zoneFrom(snap *config.Snapshot, i int) *Zone {
	z := &Zone{
		Index: i, Name: snap.Str(xapi.ZoneName, i), HopCount: snap.Int(xapi.ZoneHopCount, i),
		SIP: snap.Bool(xapi.ZoneSIPMode, i), HideIdentifiers: snap.Bool(xapi.ZoneHideIdentifiers, i),
	}
	switch snap.Enum(xapi.ZoneType, i) {
	case "Neighbor":
		z.neighbor(snap, i)
	case "TraversalClient":
		z.traversalClient(snap, i)
	case "TraversalServer":
		z.traversalServer(snap, i)
	case "DNS":
		z.dns(snap, i)
	case "ENUM":
		z.Type, z.Suffix = ENUM, cmp.Or(snap.Str(xapi.ENUMSuffix, i), "e164.arpa")
	}
	return z
}

func (z *Zone) dns(snap *config.Snapshot, i int) {
	z.Type = DNS
	z.Transport = snap.Enum(xapi.DNSZoneTransport, i)
	z.TLSVerify = snap.Bool(xapi.DNSZoneTLSVerify, i)
	z.SubjectName = snap.Str(xapi.DNSZoneSubjectName, i)
	z.IncludeAddress = snap.Bool(xapi.DNSZoneIncludeAddress, i)
	z.Inside = snap.Bool(xapi.DNSZoneInside, i)
	z.MediaEncryption = snap.Enum(xapi.DNSZoneMediaEncryption, i)
	z.NoGCM = !snap.Bool(xapi.DNSZoneAESGCM, i)
}

// transformFrom reads one transform; nil if it is switched off.
func transformFrom(snap *config.Snapshot, i int) (*Transform, error) {
	if !snap.Bool(xapi.TransformState, i) || snap.Str(xapi.TransformPattern, i) == "" {
		return nil, nil
	}
	p, err := NewPattern(snap.Enum(xapi.TransformPatternType, i), snap.Str(xapi.TransformPattern, i),
		snap.Enum(xapi.TransformBehavior, i), snap.Str(xapi.TransformReplace, i))
	return &Transform{Index: i, Description: snap.Str(xapi.TransformDescription, i), Priority: snap.Int(xapi.TransformPriority, i), Pattern: p}, err
}

func (z *Zone) neighbor(snap *config.Snapshot, i int) {
	z.Type = Neighbor
	z.Peers = peers(snap, xapi.NeighborPeerAddress, i)
	z.addresses = addressesIn(z.Peers)
	z.Port = snap.Int(xapi.NeighborSIPPort, i)
	z.Transport = snap.Enum(xapi.NeighborSIPTransport, i)
	z.TLSVerify = snap.Bool(xapi.NeighborTLSVerify, i)
	z.MediaEncryption = snap.Enum(xapi.NeighborMediaEncryption, i)
	z.NoGCM = !snap.Bool(xapi.NeighborAESGCM, i)
	z.ICEPassThrough = snap.Bool(xapi.NeighborICEPassThrough, i)
	z.Path = snap.Bool(xapi.NeighborRFC3327, i)
	z.TrustIdentity = snap.Bool(xapi.NeighborAuthTrust, i)
	z.Monitor = snap.Bool(xapi.NeighborMonitor, i)
	z.MaxPeers = snap.Int(xapi.NeighborMaxPeers, i)
	z.Preloaded = snap.Bool(xapi.NeighborPreloaded, i)
}

func (z *Zone) traversalClient(snap *config.Snapshot, i int) {
	z.Type = TraversalClient
	z.Peers = peers(snap, xapi.TraversalClientPeerAddress, i)
	z.Port = snap.Int(xapi.TraversalClientSIPPort, i)
	z.Transport, z.TLSVerify, z.Edge = "TLS", true, true
	z.MediaEncryption = snap.Enum(xapi.TraversalClientMediaEncryption, i)
	z.NoGCM = !snap.Bool(xapi.TraversalClientAESGCM, i)
	z.ICEPassThrough = snap.Bool(xapi.TraversalClientICEPassThrough, i)
	z.AnyCaller = snap.Enum(xapi.TraversalClientCallers, i) == "Domain"
	z.Domains = strings.FieldsFunc(strings.ToLower(snap.Str(xapi.TraversalClientDomains, i)), func(r rune) bool { return r == ',' || r == ' ' })
}

func (z *Zone) traversalServer(snap *config.Snapshot, i int) {
	z.Type = TraversalServer
	z.Port = snap.Int(xapi.TraversalServerSIPPort, i)
	z.Transport = "TLS"
	z.TLSVerify = snap.Bool(xapi.TraversalServerTLSVerify, i)
	z.SubjectName = snap.Str(xapi.TraversalServerSubjectName, i)
	z.Edge = snap.Bool(xapi.TraversalServerCollaborationEdge, i)
	z.MediaEncryption = "On"
}

func peers(snap *config.Snapshot, row xapi.Str, i int) (all []string) {
	for _, n := range snap.Indexes(row.Item, i) {
		if a := strings.ToLower(strings.Trim(snap.Str(row, i, n), "[]")); a != "" {
			all = append(all, a)
		}
	}
	return all
}

// addressesIn are those of hosts that are addresses.
func addressesIn(hosts []string) (all []netip.Addr) {
	for _, h := range hosts {
		if a, err := netip.ParseAddr(h); err == nil {
			all = append(all, a.Unmap())
		}
	}
	return all
}

// ruleFrom reads one rule; nil if it is switched off or names no target.
func ruleFrom(snap *config.Snapshot, i int) (*Rule, error) {
	if !snap.Bool(xapi.RuleState, i) || snap.Enum(xapi.RuleTargetType, i) != "Zone" || snap.Str(xapi.RuleTargetName, i) == "" {
		return nil, nil
	}
	if protocol := snap.Enum(xapi.RuleProtocol, i); protocol != "Any" && protocol != "SIP" {
		return nil, nil
	}
	r := &Rule{
		Index: i, Name: cmp.Or(snap.Str(xapi.RuleName, i), fmt.Sprintf("Rule %d", i)),
		Description: snap.Str(xapi.RuleDescription, i), Priority: snap.Int(xapi.RulePriority, i),
		SourceMode: snap.Enum(xapi.RuleSourceMode, i), SourceName: snap.Str(xapi.RuleSourceName, i),
		Mode: snap.Enum(xapi.RuleMode, i), Stop: snap.Enum(xapi.RuleProgress, i) == "Stop",
		Target: snap.Str(xapi.RuleTargetName, i), Authenticated: snap.Bool(xapi.RuleAuthentication, i),
	}
	if r.Mode != "AliasPatternMatch" {
		return r, nil
	}
	var err error
	r.Pattern, err = NewPattern(snap.Enum(xapi.RulePatternType, i), snap.Str(xapi.RulePattern, i),
		snap.Enum(xapi.RuleBehavior, i), snap.Str(xapi.RuleReplace, i))
	return r, err
}

// PreRouted tells whether registrations take the fast path.
func PreRouted(snap *config.Snapshot) bool {
	return len(snap.Str(xapi.PreRoutedMethods)) > 0 && checkPreRouted(snap.Str(xapi.PreRoutedMethods)) == nil
}

func checkPreRouted(methods string) error {
	for _, m := range strings.Split(methods, ":") {
		if m = strings.TrimSpace(m); m != "" && !strings.EqualFold(m, "REGISTER") {
			return fmt.Errorf("SIP PreRoutedRouteHeader: %s is not pre-routed; allowed: REGISTER", m)
		}
	}
	return nil
}

// Check finds what cannot work in zones and rules: two zones of one name, rules
// whose pattern cannot be read or whose zones do not exist. It is a
// config.Check.
func Check(snap *config.Snapshot) error {
	p := PlanFrom(snap)
	errs := []error{checkPreRouted(snap.Str(xapi.PreRoutedMethods))}
	for n, z := range p.Zones {
		if first := p.Zone(z.Name); first != p.Zones[n] {
			errs = append(errs, fmt.Errorf("zones %d and %d have the same name %q; rules could not tell them apart", first.Index, z.Index, z.Name))
		}
	}
	for _, i := range snap.Indexes(xapi.RuleName.Item) {
		r, err := ruleFrom(snap, i)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("search rule %d: %w", i, err))
		case r == nil:
		case r.SourceMode == "Named" && r.SourceName == "":
			errs = append(errs, fmt.Errorf("search rule %d has source mode Named but no Source Name", i))
		}
	}
	for _, i := range snap.Indexes(xapi.TransformPattern.Item) {
		if _, err := transformFrom(snap, i); err != nil {
			errs = append(errs, fmt.Errorf("transform %d: %w", i, err))
		}
	}
	return errors.Join(errs...)
}
