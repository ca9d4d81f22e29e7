package appliance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

func domainAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.add(who, "SIP Domain", "DomainId", xapi.SIPDomainName, 200, one(args, "Name"),
		[2]string{"Sip", one(args, "Sip")}, [2]string{"Edge", one(args, "Edgesip")}, [2]string{"Edgexmpp", one(args, "Edgexmpp")},
		[2]string{"DeploymentId", one(args, "DeploymentId")})
}

func domainDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.remove(who, xapi.SIPDomainName, "SIP Domain", one(args, "DomainId"))
}

func zoneAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.add(who, "Zones Zone", "ZoneId", xapi.ZoneName, 1000, one(args, "ZoneName"), [2]string{"Type", one(args, "Type")})
}

func zoneDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.remove(who, xapi.ZoneName, "Zones Zone", one(args, "ZoneId"))
}

const searchRules = "Zones Policy SearchRules Rule"

func searchRuleAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	target := ""
	if one(args, "ZoneName") != "" {
		target = "Zone"
	}
	return n.add(who, searchRules, "SearchRuleId", xapi.RuleName, 2000, one(args, "Name"),
		[2]string{"Target Type", target}, [2]string{"Target Name", one(args, "ZoneName")},
		[2]string{"Description", one(args, "Description")})
}

func searchRuleDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.remove(who, xapi.RuleName, searchRules, one(args, "SearchRuleId"))
}

func accountAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.add(who, "Authentication Account Admin Account", "AccountId", xapi.AdminAccountName, 15, one(args, "Name"),
		[2]string{"Password", one(args, "Password")}, [2]string{"Enabled", one(args, "Enabled")})
}

func accountDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.removeNamed(who, xapi.AdminAccountName, "Authentication Account Admin Account", "account", one(args, "Name"))
}

func syslogAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	var i int
	_, err := n.store.Edit(who, func(e *config.Edit) (err error) {
		if i, err = free(e.Snapshot(), xapi.RemoteSyslogAddress.Item, 4); err != nil {
			return err
		}
		var rows [][2]string
		for _, name := range []string{"Address", "Format", "Loglevel", "Mode", "Port", "Transport"} {
			rows = append(rows, [2]string{name, one(args, name)})
		}
		return set(e, fmt.Sprintf("Remote Syslog %d", i), rows...)
	})
	return added("SyslogId", i), err
}

func syslogDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	snap := n.store.Snapshot()
	for _, i := range snap.Indexes(xapi.RemoteSyslogAddress.Item) {
		if snap.Str(xapi.RemoteSyslogAddress, i) == one(args, "Address") &&
			strconv.Itoa(snap.Int(xapi.RemoteSyslogPort, i)) == one(args, "Port") {
			return n.remove(who, xapi.RemoteSyslogAddress, "Remote Syslog", strconv.Itoa(i))
		}
	}
	return nil, fmt.Errorf("there is no receiver %s port %s", one(args, "Address"), one(args, "Port"))
}

// add makes a list entry with a name that no other has.
func (n *Node) add(who config.Who, list, id string, row xapi.Str, most int, name string, rows ...[2]string) (*xapi.Node, error) {
	var i int
	_, err := n.store.Edit(who, func(e *config.Edit) (err error) {
		if at, taken := find(e.Snapshot(), row, name); taken {
			return fmt.Errorf("%s %d has the name %s already", list, at, name)
		}
		if i, err = free(e.Snapshot(), row.Item, most); err != nil {
			return err
		}
		return set(e, fmt.Sprintf("%s %d", list, i), append([][2]string{{"Name", name}}, rows...)...)
	})
	if err != nil {
		return nil, err
	}
	return added(id, i), nil
}

// file reads a file of the sftp folder by its bare name.
func (n *Node) file(name string) ([]byte, error) {
	if name != filepath.Base(name) || name == "." || name == ".." {
		return nil, fmt.Errorf("%s: name a file of the sftp folder, without a path", name)
	}
	b, err := os.ReadFile(filepath.Join(n.Folder(), name))
	if err != nil {
		return nil, fmt.Errorf("%s is not in the sftp folder", name)
	}
	return b, nil
}
