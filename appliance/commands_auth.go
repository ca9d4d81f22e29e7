package appliance

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

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
	i, err := n.replace(who, authzKeys, xapi.TokenKeyPublisher, 400, one(args, "Publisher"), [][2]string{
		{"Publisher", one(args, "Publisher")}, {"DeploymentId", one(args, "DeploymentId")},
		{"SigningKeyId", k.SigningID}, {"SigningKey", base64.StdEncoding.EncodeToString(k.Signing)},
		{"EncryptionKeyId", k.SealingID}, {"EncryptionKey", base64.StdEncoding.EncodeToString(k.Sealing)},
	})
	if err != nil {
		return nil, err
	}
	return added("AuthzKeyId", i), nil
}

func authzKeyDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.removeNamed(who, xapi.TokenKeyPublisher, authzKeys, "imported key of", one(args, "Publisher"))
}

const idps = "CollaborationEdge SSO IdP"

// idpImport takes an identity provider from its metadata in the sftp folder.
func idpImport(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	text, err := n.file(one(args, "File"))
	if err != nil {
		return nil, err
	}
	p, err := auth.ParseMetadata(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", one(args, "File"), err)
	}
	rows := [][2]string{{"Name", one(args, "Name")}, {"EntityId", p.EntityID}, {"Url", p.URL}}
	for i, der := range p.Certificates {
		rows = append(rows, [2]string{fmt.Sprintf("Certificate %d", i+1), base64.StdEncoding.EncodeToString(der)})
	}
	i, err := n.replace(who, idps, xapi.SSOIdPName, 50, one(args, "Name"), rows)
	if err != nil {
		return nil, err
	}
	return added("IdPId", i).Str("EntityId", p.EntityID).Int("Certificates", len(p.Certificates)), nil
}

func idpDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.removeNamed(who, xapi.SSOIdPName, idps, "identity provider", one(args, "Name"))
}

// replace makes the list entry whose row holds a name what rows say, or a new
// one.
func (n *Node) replace(who config.Who, list string, row xapi.Str, most int, name string, rows [][2]string) (i int, err error) {
	_, err = n.store.Edit(who, func(e *config.Edit) error {
		known := false
		if i, known = find(e.Snapshot(), row, name); known {
			if err := e.DeleteTree(fmt.Sprintf("%s %d", list, i)); err != nil {
				return err
			}
		} else if i, err = free(e.Snapshot(), row.Item, most); err != nil {
			return err
		}
		return set(e, fmt.Sprintf("%s %d", list, i), rows...)
	})
	return i, err
}

// spExport writes what the identity provider of a domain needs to know of core
// into the sftp folder.
func spExport(n *Node, _ context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	sp, ok := n.role.(interface {
		ServiceProvider(domain string, edges []string) ([]byte, error)
	})
	if !ok {
		return nil, fmt.Errorf("EdgeSSOMetadataExport is a command of core")
	}
	text, err := sp.ServiceProvider(one(args, "Domain"), args["Edge"])
	if err != nil {
		return nil, err
	}
	name := one(args, "File")
	if name == "" {
		name = one(args, "Domain") + "-sp.xml"
	}
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("%s: name a file of the sftp folder, without a path", name)
	}
	if err := os.WriteFile(filepath.Join(n.Folder(), name), text, 0o600); err != nil {
		return nil, err
	}
	return xapi.NewNode("Result").Str("File", name), nil
}
