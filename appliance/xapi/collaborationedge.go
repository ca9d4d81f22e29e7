package xapi

// Mobile and remote access, the HTTP allow list and deployments.
var (
	CollaborationEdgeEnabled = Bool{&Item{
		Path: "CollaborationEdge Enabled", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Effect: Reconnects, Guide: "Mobile and remote access",
		Help: "Serves remote clients: registration, calls and HTTPS through this node.",
	}}
	CollaborationEdgeRFC3327 = Bool{&Item{
		Path: "CollaborationEdge RFC3327Enabled", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: NewOnly, Guide: "SIP Path headers",
		Help: "Puts core into the Path of registrations towards discovered call control instead of rewriting Contact.",
	}}
	CollaborationEdgeHTTPSPort = Int{&Item{
		Path: "CollaborationEdge HTTPS Port", Kind: Integer, Min: 1, Max: 65534, Default: "8443",
		Role: Edge, Effect: Reconnects, Guide: "Mobile and remote access", New: true,
		Help: "TCP port on which edge takes HTTPS from remote clients.",
	}}
	AllowListDefaultMethods = Str{&Item{
		Path: "CollaborationEdge AllowList DefaultMethods", Kind: Set, Values: httpMethods, Default: "OPTIONS,GET,HEAD",
		Role: Core, Guide: "HTTP allow list",
		Help:    "HTTP methods that an allow list rule permits if it names none itself.",
		Differs: "the values are checked, and the default is the set that changes nothing at the origin",
	}}
	AllowListRuleURL = Str{&Item{
		Path: "CollaborationEdge AllowList Rule [1..10000] Url", Kind: String, Max: 1024,
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "What the rule permits, as protocol://host[:port][/path].",
	}}
	AllowListRuleDeployment = Str{&Item{
		Path: "CollaborationEdge AllowList Rule [1..10000] Deployment", Kind: String, Max: 128,
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "Name of the deployment the rule belongs to; empty is the default deployment.",
	}}
	AllowListRuleMethods = Str{&Item{
		Path: "CollaborationEdge AllowList Rule [1..10000] HttpMethods", Kind: Set, Values: httpMethods,
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "HTTP methods the rule permits; empty takes the default methods.",
	}}
	AllowListRuleMatchType = Enum{&Item{
		Path: "CollaborationEdge AllowList Rule [1..10000] MatchType", Kind: Enumeration,
		Values: []string{"exact", "prefix"}, Default: "exact",
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "Whether the rule's path must equal the request's path or begin it.",
	}}
	AllowListRuleDescription = Str{&Item{
		Path: "CollaborationEdge AllowList Rule [1..10000] Description", Kind: String, Max: 128,
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "A note for other administrators, printed where the rule decides.",
	}}
	AllowListRuleAuthorization = Bool{&Item{
		Path: "CollaborationEdge AllowList Rule [1..10000] Authorization", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "Hands the client's Authorization header to the server, which UC nodes get anyway.",
	}}
	AllowListTestURL = Str{&Item{
		Path: "CollaborationEdge AllowList Test [1..10000] Url", Kind: String, Max: 1024,
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "What the test asks for, as protocol://host[:port][/path].",
	}}
	AllowListTestExpected = Enum{&Item{
		Path: "CollaborationEdge AllowList Test [1..10000] ExpectedResult", Kind: Enumeration,
		Values: []string{"allow", "block"}, Default: "allow",
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "What the allow list shall say to it.",
	}}
	AllowListTestDeployment = Str{&Item{
		Path: "CollaborationEdge AllowList Test [1..10000] Deployment", Kind: String, Max: 128,
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "Name of the deployment whose user asks; empty is the default deployment.",
	}}
	AllowListTestDescription = Str{&Item{
		Path: "CollaborationEdge AllowList Test [1..10000] Description", Kind: String, Max: 128,
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "A note for other administrators.",
	}}
	AllowListTestMethod = Enum{&Item{
		Path: "CollaborationEdge AllowList Test [1..10000] HttpMethod", Kind: Enumeration, Values: httpMethods, Default: "GET",
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "HTTP method that the test asks with.",
	}}
	DeploymentID = Int{&Item{
		Path: "CollaborationEdgeDeployments [1..100] DeploymentId", Kind: Integer, Min: 1, Max: 65535, Default: "1",
		Role: Core, Guide: "Deployment partitions",
		Help:    "Number of the deployment, as logs and other rows give it; unset it is the entry's own, and 1 is the default deployment.",
		Differs: "the replaced product prints no index range; 100 deployments are kept here",
	}}
	DeploymentName = Str{&Item{
		Path: "CollaborationEdgeDeployments [1..100] UserReadableName", Kind: String, Max: 128,
		Role: Core, Guide: "Deployment partitions",
		Help:    "Name of the deployment, as administrators give it; the default deployment can have another name, but is always there.",
		Differs: "the replaced product prints no index range; 100 deployments are kept here",
	}}
)

func collaborationEdgeItems() []*Item {
	return []*Item{
		CollaborationEdgeEnabled.Item, CollaborationEdgeRFC3327.Item, CollaborationEdgeHTTPSPort.Item,
		AllowListDefaultMethods.Item, AllowListRuleURL.Item, AllowListRuleDeployment.Item,
		AllowListRuleMethods.Item, AllowListRuleMatchType.Item, AllowListRuleDescription.Item,
		AllowListRuleAuthorization.Item, AllowListTestURL.Item, AllowListTestExpected.Item,
		AllowListTestDeployment.Item, AllowListTestDescription.Item, AllowListTestMethod.Item,
		DeploymentID.Item, DeploymentName.Item,
	}
}
