package xapi

// Logins of remote clients at edge: edge configuration, sessions, and what a
// client is told about ways to sign in.
var (
	SIPDomainEdgelogin = Enum{&Item{
		Path: "SIP Domain [1..200] Edgelogin", Kind: Enumeration, Values: []string{"Auto", "On", "Off"}, Default: "Auto",
		Role: Core, Guide: "MRA access control", New: true,
		Help: "Whether the domain's users must sign in before HTTP and chat pass: Auto asks for it once the domain's deployment has a Unified CM node and a way to sign in is on.",
	}}
	LoginLegacyCred = Bool{&Item{
		Path: "CollaborationEdge LegacyCred", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Guide: "MRA access control",
		Help: "Lets clients sign in with user name and password, which the user's home cluster checks.",
	}}
	LoginLegacySso = Enum{&Item{
		Path: "CollaborationEdge LegacySso", Kind: Enumeration, Values: []string{"On", "Off", "Exclusive"}, Default: "Off",
		Role: Core, Guide: "MRA access control",
		Help: "Lets clients sign in with an identity provider and tokens that are not renewed; Exclusive allows no user name and password.",
	}}
	LoginOauthLocal = Bool{&Item{
		Path: "CollaborationEdge OauthLocal", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Guide: "MRA access control",
		Help: "Lets clients sign in with self-describing tokens that call control gives for user name and password.",
	}}
	LoginOauthSso = Bool{&Item{
		Path: "CollaborationEdge OauthSso", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Guide: "MRA access control",
		Help: "Lets clients sign in with self-describing tokens that call control gives after an identity provider has vouched.",
	}}
	LoginSsoEnabled = Bool{&Item{
		Path: "CollaborationEdge SsoEnabled", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Guide: "MRA access control",
		Help: "Tells clients that ask how to sign in that single sign-on is there.",
	}}
	LoginSsoAlwaysAvailable = Bool{&Item{
		Path: "CollaborationEdge SsoAlwaysAvailable", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Guide: "MRA access control",
		Help: "Answers without looking the user up that single sign-on is there for everybody.",
	}}
	LoginInternalCheck = Bool{&Item{
		Path: "CollaborationEdge InternalCheck", Kind: Enumeration, Values: []string{"No", "Yes"}, Default: "No",
		Role: Core, Guide: "MRA access control",
		Help: "Asks the user's home cluster how the user can sign in, instead of answering by the settings alone.",
	}}
	LoginCredentialTTL = Int{&Item{
		Path: "EdgeConfigServer CredentialTtl", Kind: Integer, Min: 0, Max: 604800, Default: "28800",
		Role: Core, Guide: "MRA access control",
		Help: "Seconds that a login holds, unless the client signs in anew; 0 lets it hold until the next purge at most.",
	}}
	LoginPurgeInterval = Int{&Item{
		Path: "EdgeConfigServer PurgeInterval", Kind: Integer, Min: 0, Max: 604800, Default: "43200",
		Role: Core, Guide: "MRA access control",
		Help: "Seconds after which a login is forgotten, whatever its credentials bear; 0 leaves it to their life alone.",
	}}
	LoginRateLimit = Int{&Item{
		Path: "EdgeConfigServer RateLimitLogins", Kind: Integer, Min: 0, Max: 100, Default: "3",
		Role: Core, Guide: "MRA access control",
		Help: "Logins that a user's credentials are good for within the period, successful or not; 0 limits nothing.",
	}}
	LoginRatePeriod = Int{&Item{
		Path: "EdgeConfigServer RateLimitPeriod", Kind: Integer, Min: 0, Max: 86400, Default: "300",
		Role: Core, Guide: "MRA access control",
		Help: "Seconds that the login limit counts over; 0 limits nothing.",
	}}
	LoginVerifyOrigin = Bool{&Item{
		Path: "EdgeConfigServer VerifyOriginServer", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Core, Effect: Reconnects, Guide: "MRA access control", New: true,
		Help: "Wants certificates of inside HTTPS servers to be trusted and to bear their names.",
	}}
	CookieExpiry = Bool{&Item{
		Path: "MRACookieConfig Expiry", Kind: Enumeration, Values: enabledDisabled, Default: "Enabled",
		Role: Core, Effect: NewOnly, Guide: "MRA access control",
		Help: "Gives the login cookie the time when it ends.",
	}}
	CookieHTTPOnly = Bool{&Item{
		Path: "MRACookieConfig Httponly", Kind: Enumeration, Values: enabledDisabled, Default: "Enabled",
		Role: Core, Effect: NewOnly, Guide: "MRA access control",
		Help: "Keeps the login cookie from scripts.",
	}}
)

func loginItems() []*Item {
	return []*Item{
		SIPDomainEdgelogin.Item, LoginLegacyCred.Item, LoginLegacySso.Item, LoginOauthLocal.Item, LoginOauthSso.Item,
		LoginSsoEnabled.Item, LoginSsoAlwaysAvailable.Item, LoginInternalCheck.Item, LoginCredentialTTL.Item,
		LoginPurgeInterval.Item, LoginRateLimit.Item, LoginRatePeriod.Item, LoginVerifyOrigin.Item,
		CookieExpiry.Item, CookieHTTPOnly.Item,
	}
}

func loginStatuses() []*Status {
	return []*Status{
		{Path: "EdgeConfigProvisioning Sessions Current", Kind: Integer, Role: Core, Help: "Logins that hold now."},
		{Path: "EdgeConfigProvisioning Sessions Max", Kind: Integer, Role: Core, Help: "Most logins at once since the start."},
		{Path: "EdgeConfigProvisioning Sessions Total", Kind: Integer, Role: Core, Help: "Logins since the start."},
		{Path: "EdgeConfigProvisioning Refused Credentials", Kind: Integer, Role: Core, Help: "Logins and requests refused for their credentials or cookie since the start."},
		{Path: "EdgeConfigProvisioning Refused RateLimit", Kind: Integer, Role: Core, Help: "Logins refused for the login limit since the start."},
		{Path: "EdgeConfigProvisioning Refused Unavailable", Kind: Integer, Role: Core, Help: "Logins that failed because no node of the home cluster answered since the start."},
	}
}
