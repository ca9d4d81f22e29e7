package appliance

import (
	"context"
	"fmt"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// A command is what one xCommand does on a node, whichever its role.
type command func(n *Node, ctx context.Context, args xapi.Args, who config.Who) (*xapi.Node, error)

// commands are those that the node answers itself; the role has the others.
func commands() map[string]command {
	return map[string]command{
		"DomainAdd": domainAdd, "DomainDelete": domainDelete,
		"ZoneAdd": zoneAdd, "ZoneDelete": zoneDelete,
		"SearchRuleAdd": searchRuleAdd, "SearchRuleDelete": searchRuleDelete,
		"TransformAdd": transformAdd, "TransformDelete": transformDelete,
		"DeploymentAdd": deploymentAdd, "DeploymentDelete": deploymentDelete, "DeploymentRename": deploymentRename,
		"HTTPAllowListRuleAdd": allowRuleAdd, "HTTPAllowListRuleDelete": allowRuleDelete,
		"HTTPAllowListTestAdd": allowTestAdd, "HTTPAllowListTestDelete": allowTestDelete,
		"HTTPAllowListRulesTest": allowRulesTest,
		"HTTPAllowListExport":    allowExport, "HTTPAllowListExportTest": allowExportTest,
		"CUCMConfigAdd": cucmAdd, "CUCMConfigDelete": publisherDelete(uc.UnifiedCM), "CUCMMixedModeCheck": mixedModeCheck,
		"XMPPDiscovery": presenceAdd, "XMPPDelete": publisherDelete(uc.IMPresence),
		"UcxnConfigAdd": voicemailAdd, "UcxnConfigDelete": publisherDelete(uc.UnityConnection),
		"RefreshServers": refreshServers, "CertificatePreflight": certificatePreflight,
		"AdminAccountAdd": accountAdd, "AdminAccountDelete": accountDelete,
		"CredentialAdd": credentialAdd, "CredentialDelete": credentialDelete,
		"EdgeSSOIdPImport": idpImport, "EdgeSSOIdPDelete": idpDelete, "EdgeSSOMetadataExport": spExport,
		"AuthzKeyImport": authzKeyImport, "AuthzKeyDelete": authzKeyDelete,
		"RemoteSyslogAdd": syslogAdd, "RemoteSyslogDelete": syslogDelete,
		"ServerCertificateInstall": certificateInstall, "CACertificateInstall": authorityInstall, "CACertificateDelete": authorityDelete,
		"ManufacturerCAInstall": manufacturerInstall, "ManufacturerCADelete": manufacturerDelete,
		"DomainCerts": domainCerts, "DNSCheck": dnsCheck,
		"CSRGenerate": requestGenerate, "AlarmAcknowledge": alarmAcknowledge,
		"DNSLookup": dnsLookup, "Restart": restart, "ClearAllStatus": clearAllStatus,
		"Boot": boot, "DefaultValuesSet": defaultValuesSet, "SystemUpgrade": systemUpgrade,
		"SystemBackup": systemBackup, "SystemRestore": systemRestore, "SystemRestoreTest": systemRestoreTest,
	}
}

// Command runs an xCommand with checked arguments.
func (n *Node) Command(ctx context.Context, cmd *xapi.Command, args xapi.Args, who config.Who) (*xapi.Node, error) {
	if run, ok := commands()[cmd.Name]; ok {
		return run(n, ctx, args, who)
	}
	result, known, err := n.role.Do(ctx, cmd.Name, args)
	if !known {
		return nil, fmt.Errorf("%s is not a command of this role", cmd.Name)
	}
	return result, err
}

// one is an argument that may be absent.
func one(args xapi.Args, name string) string {
	if v := args[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// set gives the rows of a new list entry their values; "" leaves a row at its
// default.
func set(e *config.Edit, prefix string, values ...[2]string) error {
	for _, v := range values {
		if v[1] == "" {
			continue
		}
		if err := e.Set(prefix+" "+v[0], v[1]); err != nil {
			return err
		}
	}
	return nil
}

// free is the first number without an entry in the list of a row.
func free(snap *config.Snapshot, row *xapi.Item, most int) (int, error) {
	taken := map[int]bool{}
	for _, i := range snap.Indexes(row) {
		taken[i] = true
	}
	for i := 1; i <= most; i++ {
		if !taken[i] {
			return i, nil
		}
	}
	return 0, fmt.Errorf("all %d entries are in use", most)
}

// find is the number of the entry whose row holds a text, case aside.
func find(snap *config.Snapshot, row xapi.Str, text string) (int, bool) {
	for _, i := range snap.Indexes(row.Item) {
		if strings.EqualFold(snap.Str(row, i), text) {
			return i, true
		}
	}
	return 0, false
}

// added is the result of a command that made a list entry.
func added(name string, i int) *xapi.Node {
	return xapi.NewNode("Result").Int(name, i)
}

// remove deletes a list entry; one that is not there is an error, since the
// administrator meant another.
func (n *Node) remove(who config.Who, row xapi.Str, list string, index string) (*xapi.Node, error) {
	prefix := list + " " + index
	_, err := n.store.Edit(who, func(e *config.Edit) error {
		for _, i := range e.Snapshot().Indexes(row.Item) {
			if fmt.Sprint(i) == index {
				return e.DeleteTree(prefix)
			}
		}
		return fmt.Errorf("there is no %s", prefix)
	})
	return nil, err
}
