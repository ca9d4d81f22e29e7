package appliance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/eventlog"
	"sallyport/appliance/trust"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// watchEvery is how often what only time changes is looked at: certificates
// that run out, changes that wait.
const watchEvery = 5 * time.Second

// watch keeps the alarms that belong to the node as a whole.
func (n *Node) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		n.look()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (n *Node) look() {
	snap := n.store.Snapshot()
	n.lookCertificates(snap)
	n.alarms.Set(xapi.AlarmNoPassword, "", !hasPassword(snap), "No administrator account has a password.")
	n.lookPending()
	n.lookRestore()
	n.lookDropped()
	secrets := snap.Unreadable()
	n.lookVault(snap)
	n.alarms.Set(xapi.AlarmUnreadableSecret, "", len(secrets) > 0, strings.Join(secrets, ", "))
	damage := n.state.Damage()
	n.alarms.Set(xapi.AlarmStateLost, "", damage != "", damage)
	n.lookZones(snap)
	n.role.Look(snap)
	if n.Applied() {
		n.rememberLinks(snap)
	}
	if n.cfg.Host != nil {
		n.cfg.Host.Look(n.alarms)
	}
}

// lookCertificates turns findings into alarms; those that no longer hold are
// lowered.
func (n *Node) lookCertificates(snap *config.Snapshot) {
	kept := map[*xapi.Alarm][]string{
		xapi.AlarmCertificateMissing: nil, xapi.AlarmCertificateExpired: nil,
		xapi.AlarmCertificateExpiring: nil, xapi.AlarmCertificateName: nil,
		xapi.AlarmDomainCertificateExpired: nil, xapi.AlarmDomainCertificateExpiring: nil,
	}
	for _, f := range n.trust.DomainFindings(n.cfg.Clock()) {
		a := map[bool]*xapi.Alarm{true: xapi.AlarmDomainCertificateExpiring, false: xapi.AlarmDomainCertificateExpired}[f.Kind == trust.ExpiresSoon]
		kept[a] = append(kept[a], f.Subject)
		n.alarms.Raise(a, f.Subject, f.Detail)
	}
	for _, f := range n.trust.Findings(n.cfg.Clock(), names(snap)) {
		if a := alarmFor(f.Kind); a != nil {
			key := strings.TrimSpace(f.Kind.String() + " " + f.Subject)
			kept[a] = append(kept[a], key)
			n.alarms.Raise(a, key, f.Detail)
		}
	}
	for a, keys := range kept {
		n.alarms.Keep(a, keys...)
	}
	n.lookDomains(snap)
}

// lookDomains keeps the alarms of edge domains that no certificate bears.
func (n *Node) lookDomains(snap *config.Snapshot) {
	if n.cfg.Role != xapi.Edge || n.trust.Certificate() == nil {
		n.alarms.Keep(xapi.AlarmDomainUnborne)
		return
	}
	var bare []string
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		d := uc.Canonical(snap.Str(xapi.SIPDomainName, i))
		if d == "" || !snap.Bool(xapi.SIPDomainEdge, i) || n.trust.BearsDomain(d) {
			continue
		}
		bare = append(bare, d)
		n.alarms.Raise(xapi.AlarmDomainUnborne, d, "Domain "+d+" is in none of this edge's certificates.")
	}
	n.alarms.Keep(xapi.AlarmDomainUnborne, bare...)
}

func alarmFor(k trust.FindingKind) *xapi.Alarm {
	switch k {
	case trust.Missing, trust.NoAuthority, trust.KeyMismatch:
		return xapi.AlarmCertificateMissing
	case trust.Expired, trust.NotYetValid, trust.AuthorityExpired:
		return xapi.AlarmCertificateExpired
	case trust.ExpiresSoon:
		return xapi.AlarmCertificateExpiring
	case trust.LacksName, trust.Weak:
		return xapi.AlarmCertificateName
	}
	return nil
}

// names are those that clients and peers reach this node by.
func names(snap *config.Snapshot) []string {
	host, domain := snap.Str(xapi.IPDNSHostname), snap.Str(xapi.IPDNSDomainName)
	if host == "" || domain == "" {
		return nil
	}
	return []string{strings.ToLower(host + "." + domain)}
}

func hasPassword(snap *config.Snapshot) bool {
	for _, i := range snap.Indexes(xapi.AdminAccountName.Item) {
		if snap.Bool(xapi.AdminAccountEnabled, i) && snap.Secret(xapi.AdminAccountPassword, i) != "" {
			return true
		}
	}
	return false
}

func (n *Node) lookPending() {
	p := n.store.Pending()
	detail := ""
	if p != nil {
		detail = fmt.Sprintf("What %s changes goes back when his session ends, unless it is confirmed.", p.Who.User)
	}
	if p != nil && p.Holder == 0 {
		detail = fmt.Sprintf("The change that %s made goes back at %s unless it is confirmed.", p.Who.User, p.Deadline.Format(time.TimeOnly))
	}
	n.alarms.Set(xapi.AlarmUnconfirmed, "", p != nil, detail)
}

// lookZones checks what a zone that carries remote access needs.
func (n *Node) lookZones(snap *config.Snapshot) {
	on := snap.Bool(xapi.CollaborationEdgeEnabled)
	n.alarms.Set(xapi.AlarmLinkTLSOff, "", on && !snap.Bool(xapi.SIPTLSMode), "SIP TLS Mode is Off.")
	for _, i := range snap.Indexes(xapi.ZoneName.Item) {
		name := snap.Str(xapi.ZoneName, i)
		switch snap.Enum(xapi.ZoneType, i) {
		case "TraversalServer":
			open := !snap.Bool(xapi.TraversalServerTLSVerify, i) || snap.Str(xapi.TraversalServerSubjectName, i) == ""
			n.alarms.Set(xapi.AlarmLinkVerify, name, on && open && n.cfg.Role == xapi.Edge, "Zone "+name+" does not check core's name.")
		case "TraversalClient":
			open := snap.Enum(xapi.TraversalClientMediaEncryption, i) != "On"
			n.alarms.Set(xapi.AlarmLinkEncryption, name, on && open && n.cfg.Role == xapi.Core, "Zone "+name+" does not force media encryption.")
		}
	}
}

// syslogState keeps the alarm of a log receiver.
func (n *Node) syslogState(t eventlog.SyslogTarget, up bool, why string) {
	n.alarms.Set(xapi.AlarmSyslog, t.String(), !up, t.String()+": "+why)
}
