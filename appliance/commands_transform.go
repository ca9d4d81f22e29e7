package appliance

import (
	"context"
	"fmt"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

func transformAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	var i int
	_, err := n.store.Edit(who, func(e *config.Edit) (err error) {
		if i, err = free(e.Snapshot(), xapi.TransformPattern.Item, 100); err != nil {
			return err
		}
		return set(e, fmt.Sprintf("Transform %d", i),
			[2]string{"Pattern String", one(args, "Pattern")}, [2]string{"Pattern Type", one(args, "Type")},
			[2]string{"Pattern Behavior", one(args, "Behavior")}, [2]string{"Pattern Replace", one(args, "Replace")},
			[2]string{"Priority", one(args, "Priority")}, [2]string{"Description", one(args, "Description")},
			[2]string{"State", one(args, "State")})
	})
	if err != nil {
		return nil, err
	}
	return added("TransformId", i), nil
}

func transformDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.remove(who, xapi.TransformPattern, "Transform", one(args, "TransformId"))
}
