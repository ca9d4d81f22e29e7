package xapi

// Commands of discovery.
var (
	CUCMConfigAdd = &Command{
		Name: "CUCMConfigAdd", Spaced: "CUCM Config Add", Role: Core, Guide: "Discovery",
		Params: []Param{publisherParam, axlPassword, axlUser, validation, deploymentParam},
		Help:   "Asks a Unified CM publisher for its cluster and adds it; given again, changes its settings; a publisher that cannot be asked changes nothing.",
	}
	CUCMConfigDelete = &Command{
		Name: "CUCMConfigDelete", Spaced: "CUCM Config Delete", Role: Core, Guide: "Discovery",
		Params: []Param{publisherParam}, Help: "Forgets a Unified CM publisher with its cluster.",
	}
	CUCMMixedModeCheck = &Command{
		Name: "CUCMMixedModeCheck", Spaced: "CUCM Mixed Mode Check", Role: Core, Guide: "Discovery",
		Params: []Param{publisherParam, axlPassword, axlUser},
		Help:   "Asks a Unified CM publisher for its cluster security mode; changes nothing.",
	}
	XMPPDiscovery = &Command{
		Name: "XMPPDiscovery", Spaced: "XMPP Discovery", Role: Core, Guide: "Discovery",
		Params: []Param{publisherParam, axlPassword, axlUser, validation, deploymentParam},
		Help:   "Asks an IM and Presence publisher for its cluster and adds it; given again, changes its settings; a publisher that cannot be asked changes nothing.",
	}
	XMPPDelete = &Command{
		Name: "XMPPDelete", Spaced: "XMPP Delete", Role: Core, Guide: "Discovery",
		Params: []Param{publisherParam}, Help: "Forgets an IM and Presence publisher with its cluster.",
	}
	UcxnConfigAdd = &Command{
		Name: "UcxnConfigAdd", Spaced: "Ucxn Config Add", Role: Core, Guide: "Discovery",
		Params: []Param{
			publisherParam, validation,
			{Name: "DeploymentId", Kind: Integer, Min: 1, Max: 65535, Help: "Number of the cluster's deployment; the default deployment if not given."},
			{Name: "Password", Kind: Password, Min: 1, Max: 1024, Required: true, Help: "Password of the account."},
			{Name: "Username", Kind: String, Min: 1, Max: 1024, Required: true, Help: "Account with the role System Administrator."},
		},
		Help: "Asks a Unity Connection server for its cluster and adds it; given again, changes its settings; one that cannot be asked changes nothing.",
	}
	UcxnConfigDelete = &Command{
		Name: "UcxnConfigDelete", Spaced: "Ucxn Config Delete", Role: Core, Guide: "Discovery",
		Params: []Param{publisherParam}, Help: "Forgets a Unity Connection server with its cluster.",
	}
	RefreshServers = &Command{
		Name: "RefreshServers", Spaced: "Refresh Servers", Role: Core, Guide: "Discovery", New: true,
		Params: []Param{{Name: "Address", Kind: Host, Min: 1, Max: 255, Help: "Only this publisher; all if not given."}},
		Help:   "Asks publishers anew, and tells how each answered.",
	}
	CertificatePreflight = &Command{
		Name: "CertificatePreflight", Spaced: "Certificate Preflight", Role: Core, Guide: "Discovery", New: true,
		Params: []Param{{Name: "Address", Kind: Host, Min: 1, Max: 255, Help: "Only the nodes of this publisher, which may be one that is not added yet; all if not given."}},
		Help:   "Looks at the certificates of every secure port of every node, RSA and ECDSA, and says which of them validation would refuse and why; changes nothing.",
	}
)

// Parameters that commands share; nothing writes to them.
var (
	publisherParam  = Param{Name: "Address", Kind: Host, Min: 1, Max: 255, Required: true, Help: "Name or address of the publisher."}
	axlUser         = Param{Name: "Axlusername", Kind: String, Min: 1, Max: 1024, Required: true, Help: "Account with the role Standard AXL API Access."}
	axlPassword     = Param{Name: "Axlpassword", Kind: Password, Min: 1, Max: 1024, Required: true, Help: "Password of the account."}
	validation      = Param{Name: "CertValidationDisabled", Kind: Enumeration, Values: onOff, Help: "Takes any certificate of the cluster; Off if not given."}
	deploymentParam = Param{Name: "DeploymentId", Kind: Integer, Min: 1, Max: 65535, New: true, Help: "Number of the cluster's deployment; the default deployment if not given."}
)

func discoveryCommands() []*Command {
	return []*Command{
		CUCMConfigAdd, CUCMConfigDelete, CUCMMixedModeCheck, XMPPDiscovery, XMPPDelete, UcxnConfigAdd, UcxnConfigDelete,
		RefreshServers, CertificatePreflight,
	}
}
