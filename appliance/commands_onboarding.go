package appliance

import (
	"context"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// manufacturerInstall adds authorities that vouch for phones.
func manufacturerInstall(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	bundle, err := n.file(one(args, "File"))
	if err != nil {
		return nil, err
	}
	if err := n.trust.InstallManufacturer(bundle); err != nil {
		return nil, err
	}
	n.log.Info("manufacturers installed", "event", "certificate", "who", who.User, "from", who.From)
	n.look()
	return xapi.NewNode("Result").Int("Manufacturers", len(n.trust.Manufacturers())), nil
}

func manufacturerDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	print := one(args, "Fingerprint")
	if err := n.trust.RemoveManufacturer(print); err != nil {
		return nil, err
	}
	n.log.Info("manufacturer removed", "event", "certificate", "fingerprint", print, "who", who.User, "from", who.From)
	n.look()
	return nil, nil
}
