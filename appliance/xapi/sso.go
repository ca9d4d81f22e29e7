package xapi

// Single sign-on by a SAML identity provider.
var (
	SIPDomainIdP = Str{&Item{
		Path: "SIP Domain [1..200] IdP", Kind: String, Max: 128,
		Role: Core, Guide: "SAML SSO", New: true,
		Help: "Identity provider that vouches for users of the domain.",
	}}
	SSOIdPName = Str{&Item{
		Path: "CollaborationEdge SSO IdP [1..50] Name", Kind: String, Max: 128,
		Role: Core, Guide: "SAML SSO", New: true,
		Help: "Name of an identity provider, as domains give it.",
	}}
	SSOIdPEntityID = Str{&Item{
		Path: "CollaborationEdge SSO IdP [1..50] EntityId", Kind: String, Max: 1024,
		Role: Core, Guide: "SAML SSO", New: true,
		Help: "Entity id of the identity provider, from its metadata.",
	}}
	SSOIdPURL = Str{&Item{
		Path: "CollaborationEdge SSO IdP [1..50] Url", Kind: String, Max: 1024,
		Role: Core, Guide: "SAML SSO", New: true,
		Help: "Address of the identity provider to which browsers are redirected.",
	}}
	SSOIdPCertificate = Str{&Item{
		Path: "CollaborationEdge SSO IdP [1..50] Certificate [1..4]", Kind: String, Max: 8192,
		Role: Core, Guide: "SAML SSO", New: true,
		Help: "Certificate by which the identity provider signs, as base64 of its DER form.",
	}}
	SSOIdPDigest = Enum{&Item{
		Path: "CollaborationEdge SSO IdP [1..50] Digest", Kind: Enumeration, Values: []string{"sha1", "sha256"}, Default: "sha256",
		Role: Core, Guide: "SAML SSO",
		Help:    "Hash of signatures towards and from the identity provider; sha1 is for old ones that know no better.",
		Differs: "the replaced product prints neither an index range nor a default",
	}}
	SSORedirectURI = Bool{&Item{
		Path: "CollaborationEdge AllowRedirectUri", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Guide: "SAML SSO",
		Help:    "Lets clients have an authorization code sent to an address of their app's own scheme.",
		Differs: "the replaced product prints No as the default of On and Off",
	}}
	SSOAuthorizePath = Str{&Item{
		Path: "CollaborationEdge SSO AuthorizePath", Kind: String, Min: 1, Max: 128, Default: "/ssosp/oauth/authorize_proxy",
		Role: Core, Guide: "SAML SSO", New: true,
		Help: "Where call control gives codes and tokens for users whom core vouches for by its certificate.",
	}}
	SSOTokenPath = Str{&Item{
		Path: "CollaborationEdge SSO TokenPath", Kind: String, Max: 128,
		Role: Core, Guide: "SAML SSO", New: true,
		Help: "Where call control takes codes and refresh tokens; empty finds out.",
	}}
)

func ssoItems() []*Item {
	return []*Item{
		SIPDomainIdP.Item, SSOIdPName.Item, SSOIdPEntityID.Item, SSOIdPURL.Item, SSOIdPCertificate.Item, SSOIdPDigest.Item,
		SSORedirectURI.Item, SSOAuthorizePath.Item, SSOTokenPath.Item,
	}
}

// Commands of single sign-on.
var (
	EdgeSSODeleteTokens = &Command{
		Name: "EdgeSSODeleteTokens", Spaced: "Edge SSO Delete Tokens", Role: Core, Guide: "SAML SSO",
		Params: []Param{{Name: "Username", Kind: String, Min: 1, Max: 256, Required: true, Help: "User as the identity provider names it."}},
		Help:   "Forgets the tokens of a user that were given through this core.",
	}
	EdgeSSOPurgeTokens = &Command{
		Name: "EdgeSSOPurgeTokens", Spaced: "Edge SSO Purge Tokens", Role: Core, Guide: "SAML SSO",
		Help: "Forgets the tokens of all users that were given through this core.",
	}
	EdgeSSOStatusClear = &Command{
		Name: "EdgeSSOStatusClear", Spaced: "Edge SSO Status Clear", Role: Core, Guide: "SAML SSO",
		Help: "Sets the counters of single sign-on to zero.",
	}
	EdgeSSOIdPImport = &Command{
		Name: "EdgeSSOIdPImport", Spaced: "Edge SSO IdP Import", Role: Core, Guide: "SAML SSO", New: true,
		Params: []Param{
			{Name: "Name", Kind: String, Min: 1, Max: 128, Required: true, Help: "Name of the identity provider, as domains give it."},
			{Name: "File", Kind: String, Min: 1, Max: 128, Required: true, Help: "Its metadata, an XML file in the sftp folder."},
		},
		Help: "Takes an identity provider from its metadata, in place of what was known of it before.",
	}
	EdgeSSOIdPDelete = &Command{
		Name: "EdgeSSOIdPDelete", Spaced: "Edge SSO IdP Delete", Role: Core, Guide: "SAML SSO", New: true,
		Params: []Param{{Name: "Name", Kind: String, Min: 1, Max: 128, Required: true, Help: "Name of the identity provider."}},
		Help:   "Removes an identity provider that no domain uses.",
	}
	EdgeSSOMetadataExport = &Command{
		Name: "EdgeSSOMetadataExport", Spaced: "Edge SSO Metadata Export", Role: Core, Guide: "SAML SSO", New: true,
		Params: []Param{
			{Name: "Domain", Kind: DNSName, Min: 1, Max: 128, Required: true, Help: "Domain whose users sign in."},
			{Name: "Edge", Kind: Host, Min: 1, Max: 128, Required: true, Repeats: true, Help: "Name of an edge, as clients reach it."},
			{Name: "File", Kind: String, Min: 1, Max: 128, Help: "File to write; the domain with -sp.xml if not given."},
		},
		Help: "Writes the metadata that the identity provider of a domain needs into the sftp folder.",
	}
)

func ssoCommands() []*Command {
	return []*Command{EdgeSSODeleteTokens, EdgeSSOPurgeTokens, EdgeSSOStatusClear, EdgeSSOIdPImport, EdgeSSOIdPDelete, EdgeSSOMetadataExport}
}

func ssoStatuses() []*Status {
	return []*Status{
		{Path: "Edgesso Requests", Kind: Integer, Role: Core, Help: "Sign-ins that began."},
		{Path: "Edgesso Responses", Kind: Integer, Role: Core, Help: "Answers of identity providers that were accepted."},
		{Path: "Edgesso TokenRequests", Kind: Integer, Role: Core, Help: "Codes and refresh tokens that were passed to call control."},
		{Path: "Edgesso Refused", Kind: Integer, Role: Core, Help: "Requests and answers that were refused."},
		{Path: "Edgesso Pending", Kind: Integer, Role: Core, Help: "Sign-ins that wait for their identity provider."},
		{Path: "Edgesso Tokens", Kind: Integer, Role: Core, Help: "Tokens given through this core that it knows the owners of."},
	}
}

// Alarms of single sign-on.
var (
	AlarmSAMLMetadata = &Alarm{
		ID: 35016, Title: "SAML metadata has been modified", Severity: "Warning", Role: Core,
		Cause:  "What the identity provider of a domain was told of this core holds no more, so it refuses users or sends them nowhere.",
		Remedy: "Write the metadata anew by xCommand EdgeSSOMetadataExport with every edge, and give it to the identity provider.",
	}
	AlarmIdPCertificate = &Alarm{
		ID: 74041, Title: "Certificate of an identity provider ends", Severity: "Warning", Role: Core,
		Cause:  "The last certificate by which an identity provider signs has ended or will soon; it will sign by one that this core does not know.",
		Remedy: "Import the identity provider's new metadata by xCommand EdgeSSOIdPImport.",
	}
)
