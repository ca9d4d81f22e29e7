package discover

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// A Finding is advice about one cluster or about two together.
type Finding struct {
	Advice
	About string // the publisher
}

// World is what advice needs to know beside what was found.
type World struct {
	Domains  func(deployment int) []string               // that users sign in with
	Transfer func(host string, deployment int) (ok bool) // the allow list lets file transfer through to a presence node
	Clashes  []string                                    // where the configuration contradicts what was found
}

// Advise looks at all clusters together and keeps the alarms: one for each
// finding.
func (d *Discoverer) Advise(w World) []Finding {
	out := slices.Concat(d.ofClusters(w), d.transfer(w), d.lookUp(), d.peering())
	for _, pair := range d.Facts().Twice {
		out = append(out, Finding{Advice{"twice", fmt.Sprintf("Two clusters list the same server: %s. Each server belongs to one cluster; correct System > Server on the other.", pair)}, pair})
	}
	for _, text := range w.Clashes {
		out = append(out, Finding{Advice{"clash", "What is configured contradicts what was discovered: " + text + ". Correct one of them; until then users keep to their own deployment."}, "configuration"})
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.About, b.About), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Text, b.Text))
	})
	d.raise(out)
	return out
}

// raise keeps an alarm for each finding; what data of two sources says against
// each other has the alarm of the replaced product.
func (d *Discoverer) raise(all []Finding) {
	texts := map[*xapi.Alarm]map[string][]string{xapi.AlarmCrossCheck: {}, xapi.AlarmUCAdvice: {}}
	for _, f := range all {
		a := xapi.AlarmUCAdvice
		if f.Check == "twice" || f.Check == "transfer" || f.Check == "clash" {
			a = xapi.AlarmCrossCheck
		}
		key := f.Check + " " + f.About
		texts[a][key] = append(texts[a][key], f.Text)
	}
	for a, keyed := range texts {
		var keys []string
		for key, text := range keyed {
			keys = append(keys, key)
			d.cfg.Alarms.Raise(a, key, strings.Join(text, " "))
		}
		d.cfg.Alarms.Keep(a, keys...)
	}
}

// known lists what was found with its source.
func (d *Discoverer) known(kind uc.NodeType) (sources []Source, found []*Found) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.orderedLocked() {
		if f := d.found[s.key()]; f != nil && (kind == "" || s.Kind == kind) {
			sources, found = append(sources, s), append(found, f)
		}
	}
	return sources, found
}

// ofClusters is what can be said of each cluster alone.
func (d *Discoverer) ofClusters(w World) (out []Finding) {
	sources, found := d.known("")
	for i, s := range sources {
		f := found[i]
		for _, a := range f.Advice {
			out = append(out, Finding{a, s.Publisher})
		}
		if !s.Verify {
			out = append(out, Finding{Advice{"validation", fmt.Sprintf("The certificates of the %s are not checked. Look at them by CertificatePreflight Address: %s, then set CertValidationDisabled to Off.", s, s.Publisher)}, s.Publisher})
		}
		if text := names(s, f); text != "" {
			out = append(out, Finding{Advice{"name", text}, s.Publisher})
		}
		if text := registration(s, f, w.Domains(s.Deployment)); text != "" {
			out = append(out, Finding{Advice{"domain", text}, s.Publisher})
		}
	}
	return out
}

// names finds nodes that clients outside cannot ask for by their name.
func names(s Source, f *Found) string {
	var bare, addresses []string
	for _, n := range f.Nodes {
		if _, err := netip.ParseAddr(n.Host); err == nil {
			addresses = append(addresses, n.Host)
		} else if !strings.Contains(n.Host, ".") {
			bare = append(bare, n.Host)
		}
	}
	var out []string
	if len(bare) > 0 {
		out = append(out, fmt.Sprintf("%s lists %s by bare host name; clients add their own domain to it and may find nothing. Give the full name in System > Server, and refresh.", s.Publisher, some(bare)))
	}
	if len(addresses) > 0 {
		out = append(out, fmt.Sprintf("%s lists %s by address; certificates hardly ever bear addresses, so clients will be warned. Give the full name in System > Server, and refresh.", s.Publisher, some(addresses)))
	}
	return strings.Join(out, " ")
}

// some names a few of many.
func some(all []string) string {
	const most = 5
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}

// registration holds the cluster's own domains against those that users sign
// in with.
func registration(s Source, f *Found, served []string) string {
	if len(f.Domains) == 0 {
		return ""
	}
	for _, d := range f.Domains {
		if slices.ContainsFunc(served, func(have string) bool { return have == d || strings.HasSuffix(d, "."+have) }) {
			return ""
		}
	}
	return fmt.Sprintf("%s serves %s, but no such domain is in its deployment. Add it by DomainAdd.", s.Publisher, some(f.Domains))
}

// transfer finds presence nodes that managed file transfer will not reach:
// a chat may hand a client to any node of the cluster.
func (d *Discoverer) transfer(w World) (out []Finding) {
	check := func(s Source, hosts []string, todo string) {
		missing := slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return w.Transfer(h, s.Deployment) })
		if len(missing) > 0 {
			out = append(out, Finding{Advice{"transfer", fmt.Sprintf("IM and Presence nodes %s of %s are not on the allow list, so managed file transfer fails there. %s", some(missing), s.Publisher, todo)}, s.Publisher})
		}
	}
	sources, found := d.known(uc.UnifiedCM)
	for i, s := range sources {
		check(s, found[i].Presence, "Discover their publisher by XMPPDiscovery, or add them by HTTPAllowListRuleAdd.")
	}
	sources, found = d.known(uc.IMPresence)
	for i, s := range sources {
		var hosts []string
		for _, n := range found[i].Nodes {
			hosts = append(hosts, n.Host)
		}
		check(s, hosts, "Add them by HTTPAllowListRuleAdd.")
	}
	return out
}

// lookUp holds clusters of one deployment against each other: each must find
// the users of the others.
func (d *Discoverer) lookUp() (out []Finding) {
	sources, found := d.known(uc.UnifiedCM)
	for i, s := range sources {
		for j, other := range sources {
			if i == j || s.Deployment != other.Deployment || found[i].Remote == nil {
				continue
			}
			if !slices.ContainsFunc(found[i].Remote, func(h string) bool { return h == other.Publisher || found[j].node(h) != nil }) {
				out = append(out, Finding{Advice{"look-up", fmt.Sprintf("%s does not know the cluster of %s: it asks nobody there for a user's home cluster. "+
					"Join both by the Intercluster Lookup Service (ILS), or add the cluster by hand under Cluster View, and refresh.", s.Publisher, other.Publisher)}, s.Publisher})
			}
		}
	}
	return out
}

// peering finds presence clusters of one deployment that share a domain and
// have no inter-cluster peer.
func (d *Discoverer) peering() (out []Finding) {
	sources, found := d.known(uc.IMPresence)
	for i, s := range sources {
		if found[i].Peers == nil || len(found[i].Peers) > 0 {
			continue
		}
		for j, other := range sources {
			if i != j && s.Deployment == other.Deployment && share(found[i].Domains, found[j].Domains) {
				out = append(out, Finding{Advice{"peering", fmt.Sprintf("%s and %s serve the same presence domain, but %s has no inter-cluster peer: their users see each other neither online nor in chat. "+
					"Configure Inter-Clustering with the sync agent (ICSA) on both, and refresh.", s.Publisher, other.Publisher, s.Publisher)}, s.Publisher})
				break
			}
		}
	}
	return out
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(d string) bool { return slices.Contains(b, d) })
}
