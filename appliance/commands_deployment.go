package appliance

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/core"
	"sallyport/appliance/discover"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

const deploymentRows = "CollaborationEdgeDeployments"

// maxDeployments is how many the table has room for.
const maxDeployments = 100

// topology is who may reach what by a snapshot. What contradicts itself in it
// is an alarm's business, not a command's.
func topology(snap *config.Snapshot) *uc.Topology {
	top, _ := core.TopologyFrom(snap)
	return top
}

func deploymentAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	var id int
	c, err := n.store.Edit(who, func(e *config.Edit) (err error) {
		if id, err = freeDeployment(topology(e.Snapshot()), args.First("DeploymentId")); err != nil {
			return err
		}
		return setDeployment(e, id, args.First("Name"))
	})
	if err != nil {
		return nil, err
	}
	n.log.Info("deployment added", "event", "deployment", "id", id, "rev", c.Rev)
	result := added("DeploymentId", id)
	if advice := topology(n.store.Snapshot()).Advice(); advice != "" {
		result.Str("Advice", advice)
	}
	return result, nil
}

// freeDeployment is the number that was asked for, else the lowest free one.
func freeDeployment(top *uc.Topology, wish string) (int, error) {
	if wish != "" {
		id, err := strconv.Atoi(wish)
		if err == nil && top.Exists(id) {
			err = fmt.Errorf("deployment %d is there already: %s", id, top.Name(id))
		}
		return id, err
	}
	id := uc.DefaultDeployment + 1
	for top.Exists(id) {
		id++
	}
	return id, nil
}

// setDeployment gives a deployment its name, in a new entry if it has none.
func setDeployment(e *config.Edit, id int, name string) error {
	entry, ok := deploymentEntry(e.Snapshot(), id)
	if !ok {
		var err error
		if entry, err = freeEntry(e.Snapshot(), id); err != nil {
			return err
		}
	}
	return set(e, fmt.Sprintf("%s %d", deploymentRows, entry),
		[2]string{"DeploymentId", strconv.Itoa(id)}, [2]string{"UserReadableName", name})
}

// freeEntry prefers the entry that has the deployment's own number.
func freeEntry(snap *config.Snapshot, id int) (int, error) {
	taken := map[int]bool{}
	for _, i := range snap.Indexes(xapi.DeploymentID.Item) {
		taken[i] = true
	}
	if id <= maxDeployments && !taken[id] {
		return id, nil
	}
	return free(snap, xapi.DeploymentID.Item, maxDeployments)
}

// deploymentEntry is where a deployment is configured; the default one may be
// nowhere.
func deploymentEntry(snap *config.Snapshot, id int) (entry int, ok bool) {
	for _, i := range snap.Indexes(xapi.DeploymentID.Item) {
		if core.DeploymentID(snap, i) == id {
			return i, true
		}
	}
	return 0, false
}

func deploymentRename(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	id, err := strconv.Atoi(args.First("DeploymentId"))
	if err != nil {
		return nil, err
	}
	_, err = n.store.Edit(who, func(e *config.Edit) error {
		top := topology(e.Snapshot())
		if !top.Exists(id) {
			return fmt.Errorf("there is no deployment %d", id)
		}
		for _, row := range []xapi.Str{xapi.AllowListRuleDeployment, xapi.AllowListTestDeployment} {
			if err := carryName(e, row, top.Name(id), args.First("Name")); err != nil {
				return err
			}
		}
		return setDeployment(e, id, args.First("Name"))
	})
	return nil, err
}

// carryName changes a name wherever a list gives it.
func carryName(e *config.Edit, row xapi.Str, old, name string) error {
	for _, i := range e.Snapshot().Indexes(row.Item) {
		if strings.EqualFold(e.Snapshot().Str(row, i), old) {
			if err := e.Set(row.At(i), name); err != nil {
				return err
			}
		}
	}
	return nil
}

func deploymentDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	id, err := strconv.Atoi(args.First("DeploymentId"))
	if err != nil {
		return nil, err
	}
	_, err = n.store.Edit(who, func(e *config.Edit) error {
		entry, there := deploymentEntry(e.Snapshot(), id)
		switch used := enclosed(e.Snapshot(), id); {
		case id == uc.DefaultDeployment:
			return fmt.Errorf("the default deployment cannot be deleted; DeploymentRename gives it another name")
		case !there:
			return fmt.Errorf("there is no deployment %d", id)
		case len(used) > 0:
			return fmt.Errorf("deployment %d still encloses %s; move or delete them first", id, strings.Join(used, ", "))
		}
		return e.DeleteTree(fmt.Sprintf("%s %d", deploymentRows, entry))
	})
	return nil, err
}

// enclosed says what is in a deployment: its domains, zones, rules and tests.
func enclosed(snap *config.Snapshot, id int) []string {
	top := topology(snap)
	var out []string
	for _, d := range top.Domains(id) {
		out = append(out, "domain "+d)
	}
	for _, i := range snap.Indexes(xapi.ZoneName.Item) {
		if snap.IsSet(xapi.NeighborDeployment.Item, i) && snap.Int(xapi.NeighborDeployment, i) == id {
			out = append(out, "zone "+snap.Str(xapi.ZoneName, i))
		}
	}
	for _, rows := range discover.Rows() {
		for _, i := range snap.Indexes(rows.Address.Item) {
			if s, _ := rows.Source(snap, i); s.Publisher != "" && s.Deployment == id {
				out = append(out, s.String())
			}
		}
	}
	for _, row := range []xapi.Str{xapi.AllowListRuleDeployment, xapi.AllowListTestDeployment} {
		for _, i := range snap.Indexes(row.Item) {
			if name := snap.Str(row, i); name != "" && strings.EqualFold(name, top.Name(id)) {
				out = append(out, strings.TrimSuffix(row.At(i), " Deployment"))
			}
		}
	}
	const most = 8
	if n := len(out); n > most {
		out = append(out[:most], fmt.Sprintf("%d more", n-most))
	}
	return out
}
