package appliance

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"sallyport/appliance/config"
	"sallyport/appliance/core"
	"sallyport/appliance/discover"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// asking is the role that asks UC publishers: core.
func (n *Node) asking() (*core.Core, error) {
	c, ok := n.role.(*core.Core)
	if !ok {
		return nil, errors.New("only core asks UC publishers")
	}
	return c, nil
}

// discovery is what asks UC publishers.
func (n *Node) discovery() (*discover.Discoverer, error) {
	c, err := n.asking()
	if err != nil {
		return nil, err
	}
	return c.Discovery(), nil
}

// topology is who may reach what by a snapshot, discovered nodes among them.
func (n *Node) topology(snap *config.Snapshot) *uc.Topology {
	if c, ok := n.role.(*core.Core); ok {
		return c.Topology(snap)
	}
	return topology(snap)
}

func rowsOf(kind uc.NodeType) discover.SourceRows {
	for _, r := range discover.Rows() {
		if r.Kind == kind {
			return r
		}
	}
	return discover.SourceRows{}
}

func cucmAdd(n *Node, ctx context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.addPublisher(ctx, rowsOf(uc.UnifiedCM), args, "Axlusername", "Axlpassword", who)
}

func presenceAdd(n *Node, ctx context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.addPublisher(ctx, rowsOf(uc.IMPresence), args, "Axlusername", "Axlpassword", who)
}

func voicemailAdd(n *Node, ctx context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.addPublisher(ctx, rowsOf(uc.UnityConnection), args, "Username", "Password", who)
}

// addPublisher asks first and configures then: a publisher that cannot be
// asked changes nothing.
func (n *Node) addPublisher(ctx context.Context, rows discover.SourceRows, args xapi.Args, user, password string, who config.Who) (*xapi.Node, error) {
	d, err := n.discovery()
	if err != nil {
		return nil, err
	}
	entry, s, err := publisherFrom(n.store.Snapshot(), rows, args, user, password)
	if err != nil {
		return nil, err
	}
	if err := discover.Fits(n.store.Snapshot(), n.topology(n.store.Snapshot()), s); err != nil {
		return nil, err
	}
	answer, err := d.Ask(ctx, s)
	if err != nil {
		return nil, err
	}
	d.Offer(answer)
	_, err = n.store.Edit(who, func(e *config.Edit) error {
		return set(e, fmt.Sprintf("%s %d", rows.List, entry),
			[2]string{"Address", args.First("Address")}, [2]string{user, s.User}, [2]string{password, s.Password},
			[2]string{"CertValidationDisabled", onOff(!s.Verify)}, [2]string{"DeploymentId", strconv.Itoa(s.Deployment)})
	})
	if err != nil {
		d.Withdraw(answer)
		return nil, err
	}
	n.log.Info("publisher added", "event", "discover", "publisher", s.Publisher, "type", string(s.Kind), "who", who.User, "from", who.From)
	result := xapi.NewNode("Result")
	answer.Summary(result)
	return result, nil
}

func onOff(on bool) string {
	if on {
		return "On"
	}
	return "Off"
}

// publisherFrom reads what is to be added, in the entry that has its address
// or a free one.
func publisherFrom(snap *config.Snapshot, rows discover.SourceRows, args xapi.Args, user, password string) (entry int, s discover.Source, err error) {
	entry, known := publisherEntry(snap, rows, args.First("Address"))
	if !known {
		if entry, err = free(snap, rows.Address.Item, maxPublishers); err != nil {
			return 0, s, err
		}
	}
	if s, err = rows.Source(snap, entry); err != nil {
		return 0, s, err
	}
	s.Publisher, s.User, s.Password = uc.Canonical(args.First("Address")), args.First(user), args.First(password)
	s.Verify = args.First("CertValidationDisabled") != "On"
	if id := args.First("DeploymentId"); id != "" {
		s.Deployment, err = strconv.Atoi(id)
	}
	return entry, s, err
}

// maxPublishers is how many of a kind the table has room for.
const maxPublishers = 100

func publisherEntry(snap *config.Snapshot, rows discover.SourceRows, address string) (int, bool) {
	for _, i := range snap.Indexes(rows.Address.Item) {
		if uc.Canonical(snap.Str(rows.Address, i)) == uc.Canonical(address) {
			return i, true
		}
	}
	return 0, false
}

// publisherDelete forgets a publisher of one kind.
func publisherDelete(kind uc.NodeType) command {
	return func(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
		rows := rowsOf(kind)
		_, err := n.store.Edit(who, func(e *config.Edit) error {
			i, ok := publisherEntry(e.Snapshot(), rows, args.First("Address"))
			if !ok {
				return fmt.Errorf("there is no %s", discover.Source{Kind: kind, Publisher: args.First("Address")})
			}
			return e.DeleteTree(fmt.Sprintf("%s %d", rows.List, i))
		})
		return nil, err
	}
}

func mixedModeCheck(n *Node, ctx context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	d, err := n.discovery()
	if err != nil {
		return nil, err
	}
	s := discover.Source{Kind: uc.UnifiedCM, Publisher: uc.Canonical(args.First("Address")), User: args.First("Axlusername"), Password: args.First("Axlpassword"), Verify: true}
	for _, known := range d.Sources() {
		if known.Kind == s.Kind && known.Publisher == s.Publisher {
			s.Verify = known.Verify
		}
	}
	f, err := d.AskModes(ctx, s)
	if err != nil {
		return nil, err
	}
	mode := map[bool]int{true: 1}[f.Mixed]
	return xapi.NewNode("Result").Str("Version", f.Version).Int("ClusterSecurityMode", mode).Str("Meaning", discover.Mixed(f)), nil
}

func refreshServers(n *Node, ctx context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	c, err := n.asking()
	if err != nil {
		return nil, err
	}
	sources, errs := c.RefreshServers(ctx, uc.Canonical(args.First("Address")))
	if len(sources) == 0 {
		return nil, errors.New("there is no such publisher; CUCMConfigAdd, XMPPDiscovery and UcxnConfigAdd add one")
	}
	result, failed := xapi.NewNode("Result"), 0
	for i, s := range sources {
		e := result.Nth("Publisher", i+1).Str("Address", s.Publisher).Str("Type", string(s.Kind))
		if errs[i] != nil {
			failed++
			e.Leaf("Status", "Failed").Str("Cause", errs[i].Error())
		} else {
			e.Leaf("Status", "OK")
		}
	}
	if failed == len(sources) {
		return nil, errors.Join(errs...)
	}
	return result, nil
}

func certificatePreflight(n *Node, ctx context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	d, err := n.discovery()
	if err != nil {
		return nil, err
	}
	address := uc.Canonical(args.First("Address"))
	flights := d.Preflight(ctx, address)
	if len(flights) == 0 && address != "" {
		flights = d.PreflightHost(ctx, address)
	}
	if len(flights) == 0 {
		return nil, errors.New("no node is known; name a publisher, or add one")
	}
	result := xapi.NewNode("Result")
	discover.Report(result, flights)
	return result, nil
}
