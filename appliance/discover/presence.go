package discover

import (
	"context"
	"slices"

	"sallyport/appliance/uc"
)

// askPresence asks an IM and Presence publisher.
func (d *Discoverer) askPresence(ctx context.Context, a *axl, f *Found) error {
	if err := readNodes(ctx, a, f, isPresence); err != nil {
		return err
	}
	for i := range f.Nodes {
		f.Nodes[i].Types = []uc.NodeType{uc.IMPresence}
	}
	if err := readChatDomains(ctx, a, f); final(err) {
		return err
	}
	if err := readPeers(ctx, a, f); final(err) {
		return err
	}
	return nil
}

// readChatDomains asks each server for its presence domain.
func readChatDomains(ctx context.Context, a *axl, f *Found) error {
	for _, n := range f.Nodes {
		all, err := a.call(ctx, "getProcessNode", element("name", n.Host))
		if err != nil {
			f.unknown("presence domain of "+n.Host, err)
			if final(err) {
				return err
			}
			continue
		}
		for _, r := range all {
			f.Domains = append(f.Domains, list(r.get("cupDomain"))...)
		}
	}
	slices.Sort(f.Domains)
	f.Domains = slices.DeleteFunc(slices.Compact(f.Domains), func(d string) bool { return !validHost(d) })
	return nil
}

// readPeers asks which chat aliases came from other clusters: they come by the
// inter-cluster sync agent (ICSA) and by nothing else.
func readPeers(ctx context.Context, a *axl, f *Found) error {
	all, err := a.sql(ctx, "select pkid,tcalias,isprimary,fkprocessnode,peerclusterid from tcaliases")
	if err != nil {
		f.unknown("inter-cluster peers", err)
		return err
	}
	f.Peers = []string{}
	for _, r := range all {
		if id := clean(r.get("peerclusterid")); id != "" && !slices.Contains(f.Peers, id) {
			f.Peers = append(f.Peers, id)
		}
	}
	slices.Sort(f.Peers)
	return nil
}
