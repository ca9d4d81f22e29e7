package xapi

// Publishers of UC clusters: call control, presence and voicemail.
var (
	CUCMAddress = Str{&Item{
		Path: "CollaborationEdge CUCM [1..100] Address", Kind: Host, Max: 255,
		Role: Core, Guide: "Discovery", New: true,
		Help: "Name or address of a Unified CM publisher, which is asked for its cluster.",
	}}
	CUCMUser = Str{&Item{
		Path: "CollaborationEdge CUCM [1..100] Axlusername", Kind: String, Max: 1024,
		Role: Core, Guide: "Discovery", New: true,
		Help: "Account that the publisher is asked with.",
	}}
	CUCMPassword = Secret{&Item{
		Path: "CollaborationEdge CUCM [1..100] Axlpassword", Kind: Password, Max: 1024,
		Role: Core, Guide: "Discovery", New: true,
		Help: "Password of the account.",
	}}
	CUCMUnverified = Bool{&Item{
		Path: "CollaborationEdge CUCM [1..100] CertValidationDisabled", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: NewOnly, Guide: "Discovery", New: true,
		Help: "Takes any certificate of the publisher and of its nodes.",
	}}
	CUCMDeployment = Int{&Item{
		Path: "CollaborationEdge CUCM [1..100] DeploymentId", Kind: Integer, Min: 1, Max: 65535, Default: "1",
		Role: Core, Effect: Reconnects, Guide: "Deployment partitions", New: true,
		Help: "Number of the deployment that encloses the cluster.",
	}}
	IMPAddress = Str{&Item{
		Path: "CollaborationEdge IMP [1..100] Address", Kind: Host, Max: 255,
		Role: Core, Guide: "Discovery", New: true,
		Help: "Name or address of an IM and Presence publisher, which is asked for its cluster.",
	}}
	IMPUser = Str{&Item{
		Path: "CollaborationEdge IMP [1..100] Axlusername", Kind: String, Max: 1024,
		Role: Core, Guide: "Discovery", New: true,
		Help: "Account that the publisher is asked with.",
	}}
	IMPPassword = Secret{&Item{
		Path: "CollaborationEdge IMP [1..100] Axlpassword", Kind: Password, Max: 1024,
		Role: Core, Guide: "Discovery", New: true,
		Help: "Password of the account.",
	}}
	IMPUnverified = Bool{&Item{
		Path: "CollaborationEdge IMP [1..100] CertValidationDisabled", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: NewOnly, Guide: "Discovery", New: true,
		Help: "Takes any certificate of the publisher and of its nodes.",
	}}
	IMPDeployment = Int{&Item{
		Path: "CollaborationEdge IMP [1..100] DeploymentId", Kind: Integer, Min: 1, Max: 65535, Default: "1",
		Role: Core, Effect: Reconnects, Guide: "Deployment partitions", New: true,
		Help: "Number of the deployment that encloses the cluster.",
	}}
	UcxnAddress = Str{&Item{
		Path: "CollaborationEdge Ucxn [1..100] Address", Kind: Host, Max: 255,
		Role: Core, Guide: "Discovery", New: true,
		Help: "Name or address of a Unity Connection server, which is asked for its cluster.",
	}}
	UcxnUser = Str{&Item{
		Path: "CollaborationEdge Ucxn [1..100] Username", Kind: String, Max: 1024,
		Role: Core, Guide: "Discovery", New: true,
		Help: "Account that the publisher is asked with.",
	}}
	UcxnPassword = Secret{&Item{
		Path: "CollaborationEdge Ucxn [1..100] Password", Kind: Password, Max: 1024,
		Role: Core, Guide: "Discovery", New: true,
		Help: "Password of the account.",
	}}
	UcxnUnverified = Bool{&Item{
		Path: "CollaborationEdge Ucxn [1..100] CertValidationDisabled", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: NewOnly, Guide: "Discovery", New: true,
		Help: "Takes any certificate of the publisher and of its nodes.",
	}}
	UcxnDeployment = Int{&Item{
		Path: "CollaborationEdge Ucxn [1..100] DeploymentId", Kind: Integer, Min: 1, Max: 65535, Default: "1",
		Role: Core, Effect: Reconnects, Guide: "Deployment partitions", New: true,
		Help: "Number of the deployment that encloses the cluster.",
	}}
	CUCMRefreshFlow = Enum{&Item{
		Path: "CollaborationEdge CUCM [1..100] OAuthRefresh", Kind: Enumeration, Values: []string{"Auto", "On", "Off"}, Default: "Auto",
		Role: Core, Guide: "Discovery", New: true,
		Help: "Whether the cluster has OAuth with refresh login flow; Auto believes what the cluster says.",
	}}
	CUCMKeyPath = Str{&Item{
		Path: "CollaborationEdge CUCM [1..100] AuthzKeyPath", Kind: String, Max: 256,
		Role: Core, Guide: "OAuth tokens", New: true,
		Help: "Path of a REST resource of the publisher with the keys of access tokens, asked with the account of AXL; empty reads them by AXL.",
	}}
	DiscoveryRefresh = Int{&Item{
		Path: "CollaborationEdge Discovery RefreshInterval", Kind: Integer, Min: 5, Max: 10080, Default: "60",
		Role: Core, Guide: "Discovery", New: true,
		Help: "Minutes between questions to each publisher.",
	}}
	DiscoveryProbe = Int{&Item{
		Path: "CollaborationEdge Discovery ProbeInterval", Kind: Integer, Min: 1, Max: 3600, Default: "30",
		Role: Core, Guide: "Discovery", New: true,
		Help: "Seconds between looks whether discovered nodes answer; two misses take a node out of what clients are told.",
	}}
)

func discoveryItems() []*Item {
	return []*Item{
		CUCMAddress.Item, CUCMUser.Item, CUCMPassword.Item, CUCMUnverified.Item, CUCMDeployment.Item,
		IMPAddress.Item, IMPUser.Item, IMPPassword.Item, IMPUnverified.Item, IMPDeployment.Item,
		UcxnAddress.Item, UcxnUser.Item, UcxnPassword.Item, UcxnUnverified.Item, UcxnDeployment.Item,
		CUCMRefreshFlow.Item, CUCMKeyPath.Item, DiscoveryRefresh.Item, DiscoveryProbe.Item,
	}
}

// Alarms of discovery.
var (
	AlarmDiscovery = &Alarm{
		ID: 73011, Title: "UC discovery failed", Severity: "Error", Role: Core,
		Cause:  "A publisher did not tell about its cluster; what it told before stays in force.",
		Remedy: "Do what the detail says, then xCommand RefreshServers; it is tried again by itself.",
	}
	AlarmNodeDown = &Alarm{
		ID: 73012, Title: "UC node unavailable", Severity: "Warning", Role: Core,
		Cause:  "A discovered node does not take connections, so clients are not sent to it.",
		Remedy: "Check the node and its services, and that this node reaches the port in the detail; it comes back by itself.",
	}
	AlarmUCAdvice = &Alarm{
		ID: 73013, Title: "UC cluster needs attention", Severity: "Warning", Role: Core,
		Cause:  "Discovery found something on a cluster that will trouble remote clients.",
		Remedy: "Do what the detail says, then xCommand RefreshServers.",
	}
	AlarmCrossCheck = &Alarm{
		ID: 15030, Title: "Unified CM data crosscheck failure", Severity: "Error", Role: Core,
		Cause:  "What two clusters say, or a cluster and this node's configuration, does not fit together.",
		Remedy: "Do what the detail says, then xCommand RefreshServers.",
	}
)

func discoveryAlarms() []*Alarm {
	return []*Alarm{AlarmDiscovery, AlarmNodeDown, AlarmUCAdvice, AlarmCrossCheck}
}

func discoveryStatuses() []*Status {
	return []*Status{
		{Path: "CollaborationEdge Cluster [1..300] Publisher", Kind: String, Role: Core, Help: "Publisher of a UC cluster."},
		{Path: "CollaborationEdge Cluster [1..300] Type", Kind: String, Role: Core, Help: "What kind of cluster it is."},
		{Path: "CollaborationEdge Cluster [1..300] Status", Kind: Enumeration, Role: Core, Help: "Active, Waiting to be asked, or Failed at the last question."},
		{Path: "CollaborationEdge Cluster [1..300] Cause", Kind: String, Role: Core, Help: "Why the last question failed."},
		{Path: "CollaborationEdge Cluster [1..300] Version", Kind: String, Role: Core, Help: "Version of the publisher."},
		{Path: "CollaborationEdge Cluster [1..300] Nodes", Kind: Integer, Role: Core, Help: "Nodes of the cluster."},
		{Path: "CollaborationEdge Cluster [1..300] MixedMode", Kind: Enumeration, Role: Core, Help: "Whether secure devices register over TLS."},
		{Path: "CollaborationEdge Cluster [1..300] SIPOAuthMode", Kind: Enumeration, Role: Core, Help: "Whether SIP clients register by token."},
		{Path: "CollaborationEdge Cluster [1..300] OAuthRefresh", Kind: Enumeration, Role: Core, Help: "Whether the cluster has OAuth with refresh login flow."},
		{Path: "CollaborationEdge Cluster [1..300] Domains", Kind: String, Role: Core, Help: "Domains that the cluster takes for its own."},
		{Path: "CollaborationEdge Cluster [1..300] NotTold", Kind: String, Role: Core, Help: "Questions that the cluster left open, and why."},
		{Path: "CollaborationEdge Cluster [1..300] LastRefresh", Kind: Time, Role: Core, Help: "When the cluster last told about itself."},
		{Path: "CollaborationEdge Cluster [1..300] DeploymentId", Kind: Integer, Role: Core, Help: "Number of the deployment that encloses the cluster."},
		{Path: "CollaborationEdge Cluster [1..300] CertValidation", Kind: Enumeration, Role: Core, Help: "Whether certificates of its nodes are checked."},
		{Path: "CollaborationEdge Cluster [1..300] TokenKeys", Kind: Enumeration, Role: Core, Help: "Whether the keys of its access tokens are known."},
		{Path: "CollaborationEdge Advice [1..1000] About", Kind: String, Role: Core, Help: "Cluster that something is worth a look on."},
		{Path: "CollaborationEdge Advice [1..1000] Check", Kind: String, Role: Core, Help: "What was checked."},
		{Path: "CollaborationEdge Advice [1..1000] Text", Kind: String, Role: Core, Help: "What was found, and what to do."},
		{Path: "CollaborationEdge Node [1..10000] Version", Kind: String, Role: Core, Help: "Version of the node's cluster; empty if nobody asked."},
		{Path: "CollaborationEdge Node [1..10000] Status", Kind: Enumeration, Role: Core, Help: "Active unless its ports do not answer."},
		{Path: "CollaborationEdge Node [1..10000] Cause", Kind: String, Role: Core, Help: "Which ports do not answer."},
		{Path: "CollaborationEdge HTTPAllowList Outbound [1..300] Type", Kind: String, Role: Core, Help: "Whom this node itself asks."},
		{Path: "CollaborationEdge HTTPAllowList Outbound [1..300] Address", Kind: String, Role: Core, Help: "Its name or address."},
		{Path: "CollaborationEdge HTTPAllowList Outbound [1..300] Protocol", Kind: Enumeration, Role: Core, Help: "Protocol of the rule."},
		{Path: "CollaborationEdge HTTPAllowList Outbound [1..300] Ports", Kind: String, Role: Core, Help: "Ports of the rule, in the order in which they are tried."},
		{Path: "CollaborationEdge HTTPAllowList Outbound [1..300] MatchType", Kind: Enumeration, Role: Core, Help: "How the path is compared."},
		{Path: "CollaborationEdge HTTPAllowList Outbound [1..300] Path", Kind: String, Role: Core, Help: "Path of the rule."},
		{Path: "CollaborationEdge HTTPAllowList Outbound [1..300] HttpMethods", Kind: String, Role: Core, Help: "Methods of the rule."},
		{Path: "Zones Zone [1..3000] Automatic", Kind: Enumeration, Role: Core, Help: "Yes for a zone that discovery made; it cannot be edited."},
	}
}
