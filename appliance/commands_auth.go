package appliance

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"

	"sallyport/appliance/auth"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

const (
	credentials = "Authentication Credential"
	authzKeys   = "CollaborationEdge AuthzKey"
)

func credentialAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.add(who, credentials, "CredentialId", xapi.CredentialName, 2000, one(args, "Name"), [2]string{"Password", one(args, "Password")})
}

func credentialDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.removeNamed(who, xapi.CredentialName, credentials, "credential", one(args, "Name"))
}

// removeNamed deletes the list entry whose row holds a name.
func (n *Node) removeNamed(who config.Who, row xapi.Str, list, what, name string) (*xapi.Node, error) {
	i, ok := find(n.store.Snapshot(), row, name)
	if !ok {
		return nil, fmt.Errorf("there is no %s %s", what, name)
	}
	return n.remove(who, row, list, strconv.Itoa(i))
}

// authzKeyImport takes a cluster's token keys from the sftp folder. The file
// holds a secret and may be removed then.
func authzKeyImport(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	text, err := n.file(one(args, "File"))
	if err != nil {
		return nil, err
	}
	k, err := auth.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", one(args, "File"), err)
	}
	publisher := one(args, "Publisher")
	var i int
	_, err = n.store.Edit(who, func(e *config.Edit) error {
		at, known := find(e.Snapshot(), xapi.TokenKeyPublisher, publisher)
		if i = at; known {
			if err := e.DeleteTree(fmt.Sprintf("%s %d", authzKeys, i)); err != nil {
				return err
			}
		} else if i, err = free(e.Snapshot(), xapi.TokenKeyPublisher.Item, 400); err != nil {
			return err
		}
		return set(e, fmt.Sprintf("%s %d", authzKeys, i),
			[2]string{"Publisher", publisher}, [2]string{"DeploymentId", one(args, "DeploymentId")},
			[2]string{"SigningKeyId", k.SigningID}, [2]string{"SigningKey", base64.StdEncoding.EncodeToString(k.Signing)},
			[2]string{"EncryptionKeyId", k.SealingID}, [2]string{"EncryptionKey", base64.StdEncoding.EncodeToString(k.Sealing)})
	})
	if err != nil {
		return nil, err
	}
	return added("AuthzKeyId", i), nil
}

func authzKeyDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.removeNamed(who, xapi.TokenKeyPublisher, authzKeys, "imported key of", one(args, "Publisher"))
}
