package appliance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// certificateInstall puts a server certificate into use at once. Without a
// key file the key is the one that the pending signing request was made with,
// or follows in the same file.
func certificateInstall(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	cert, err := n.file(one(args, "File"))
	if err != nil {
		return nil, err
	}
	var key []byte
	if name := one(args, "Key"); name != "" {
		if key, err = n.file(name); err != nil {
			return nil, err
		}
	}
	if err := n.trust.InstallServer(cert, key); err != nil {
		return nil, err
	}
	n.log.Info("server certificate installed", "event", "certificate", "who", who.User, "from", who.From)
	n.look()
	c := n.trust.Certificate()
	r := xapi.NewNode("Result")
	r.Str("Subject", c.Subject.String())
	r.Str("Names", strings.Join(trust.Names(c), ", "))
	return r.Str("Expires", stamp(c.NotAfter)), nil
}

func authorityInstall(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	bundle, err := n.file(one(args, "File"))
	if err != nil {
		return nil, err
	}
	if err := n.trust.InstallCA(bundle); err != nil {
		return nil, err
	}
	n.log.Info("authorities installed", "event", "certificate", "who", who.User, "from", who.From)
	n.look()
	return xapi.NewNode("Result").Int("Authorities", len(n.trust.CAs())), nil
}

// authorityDelete takes an authority off the list.
func authorityDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	print := strings.ToLower(one(args, "Fingerprint"))
	if err := n.trust.RemoveCA(print); err != nil {
		return nil, err
	}
	n.log.Info("authority removed", "event", "certificate", "fingerprint", print, "who", who.User, "from", who.From)
	n.look()
	return xapi.NewNode("Result").Int("Authorities", len(n.trust.CAs())), nil
}

// authorities shows whom this node trusts.
func (n *Node) authorities(t *xapi.Node) {
	for i, c := range n.trust.CAs() {
		t.Nth("CA", i+1).Str("Subject", c.Subject.String()).Str("Expires", stamp(c.NotAfter)).Str("Fingerprint", trust.Fingerprint(c))
	}
}

// requestGenerate writes a signing request into the sftp folder.
func requestGenerate(n *Node, _ context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	pem, err := n.trust.GenerateCSR(trust.Request{CommonName: one(args, "CommonName"), Names: args["San"]})
	if err != nil {
		return nil, err
	}
	name := one(args, "File")
	if name == "" {
		name = "server.csr"
	}
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("%s: name a file of the sftp folder, without a path", name)
	}
	if err := os.WriteFile(filepath.Join(n.Folder(), name), pem, 0o600); err != nil {
		return nil, err
	}
	return xapi.NewNode("Result").Str("File", name), nil
}

func alarmAcknowledge(n *Node, _ context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	id, err := strconv.Atoi(one(args, "Id"))
	if err != nil || !n.alarms.Acknowledge(id) {
		return nil, fmt.Errorf("alarm %s is not raised", one(args, "Id"))
	}
	return nil, nil
}

// lookupTime bounds one DNS look-up.
const lookupTime = 5 * time.Second

func dnsLookup(n *Node, ctx context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	ctx, stop := context.WithTimeout(ctx, lookupTime)
	defer stop()
	host, kind := one(args, "Hostname"), one(args, "RecordType")
	if kind == "" {
		kind = "all"
	}
	r := xapi.NewNode("Result")
	var errs []error
	if kind != "srv" {
		errs = append(errs, n.lookupAddresses(ctx, r, host, kind))
	}
	if kind == "srv" || kind == "all" && strings.HasPrefix(host, "_") {
		errs = append(errs, n.lookupSRV(ctx, r, host))
	}
	if len(r.Children) == 0 {
		return nil, errors.Join(append(errs, fmt.Errorf("%s has no %s record", host, kind))...)
	}
	return r, nil
}

func (n *Node) lookupAddresses(ctx context.Context, r *xapi.Node, host, kind string) error {
	network := map[string]string{"a": "ip4", "aaaa": "ip6"}[kind]
	if network == "" {
		network = "ip"
	}
	addrs, err := n.names.LookupNetIP(ctx, network, host)
	for i, a := range addrs {
		word := "A"
		if a.Unmap().Is6() {
			word = "AAAA"
		}
		r.Nth("Record", i+1).Leaf("Type", word).Str("Address", a.Unmap().String())
	}
	return err
}

func (n *Node) lookupSRV(ctx context.Context, r *xapi.Node, name string) error {
	_, records, err := n.names.LookupSRV(ctx, "", "", name)
	for i, s := range records {
		r.Nth("Service", i+1).Int("Priority", int(s.Priority)).Int("Weight", int(s.Weight)).
			Int("Port", int(s.Port)).Str("Target", strings.TrimSuffix(s.Target, "."))
	}
	return err
}

func restart(n *Node, _ context.Context, _ xapi.Args, who config.Who) (*xapi.Node, error) {
	n.log.Info("restart asked for", "event", "restart", "who", who.User, "from", who.From)
	n.quit(ErrRestart)
	return nil, nil
}

// clearAllStatus gives memory back and forgets what only looks back.
func clearAllStatus(n *Node, _ context.Context, _ xapi.Args, _ config.Who) (*xapi.Node, error) {
	debug.FreeOSMemory()
	return nil, nil
}
