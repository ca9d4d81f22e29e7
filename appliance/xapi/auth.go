package xapi

// How remote users prove who they are.
var (
	SIPDomainAuthentication = Enum{&Item{
		Path: "SIP Domain [1..200] Authentication", Kind: Enumeration,
		Values: []string{"Passthrough", "Delegated", "Token"}, Default: "Passthrough",
		Role: Both, Effect: NewOnly, Guide: "Credentials", New: true,
		Help: "Who checks registrations of the domain: call control, edge and core by password, or core by access token; set it alike on edge and core.",
	}}
	SIPAuthenticationChallenge = Enum{&Item{
		Path: "SIP Authentication Challenge", Kind: Enumeration, Values: []string{"407", "401"}, Default: "407",
		Role: Edge, Guide: "Credentials", New: true,
		Help: "Answer by which edge asks for a password or a token of its own.",
	}}
	SIPAuthenticationAlgorithms = Str{&Item{
		Path: "SIP Authentication Digest Algorithms", Kind: Set, Values: []string{SHA256, "MD5"}, Default: "SHA-256,MD5",
		Role: Edge, Guide: "Credentials", New: true,
		Help: "Algorithms that edge offers in its own challenge, the preferred one first.",
	}}
	SIPAuthenticationRetryLimit = Int{&Item{
		Path: "SIP Authentication Retry Limit", Kind: Integer, Min: 1, Max: 16, Default: "3",
		Role: Edge, Guide: "Credentials",
		Help: "Wrong passwords in a row for a user from one address before both have to wait a minute.",
	}}
	NonceExpireDelta = Int{&Item{
		Path: "SIP Authentication Digest Nonce ExpireDelta", Kind: Integer, Min: 30, Max: 3600, Default: "300",
		Role: Both, Guide: "Credentials",
		Help: "Seconds for which a nonce of a challenge of this node's own may be used.",
	}}
	NonceLength = Int{&Item{
		Path: "SIP Authentication Digest Nonce Length", Kind: Integer, Min: 32, Max: 512, Default: "60",
		Role: Both, Guide: "Credentials",
		Help: "Characters of a nonce.",
	}}
	NonceLimit = Int{&Item{
		Path: "SIP Authentication Digest Nonce Limit", Kind: Integer, Min: 1, Max: 65535, Default: "10000",
		Role: Both, Guide: "Credentials",
		Help: "Nonces in use that are remembered; the oldest gives way.",
	}}
	NonceMaximumUseCount = Int{&Item{
		Path: "SIP Authentication Digest Nonce Maximum Use Count", Kind: Integer, Min: 1, Max: 1024, Default: "128",
		Role: Both, Guide: "Credentials",
		Help: "How often one nonce may be used.",
	}}
	DigestCacheMode = Bool{&Item{
		Path: "Authentication Remote Digest Cache Mode", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Edge, Guide: "Fast Path Registration",
		Help: "Keeps at edge, in memory, what core decided about passwords.",
	}}
	DigestCacheLifetime = Int{&Item{
		Path: "Authentication Remote Digest Cache Lifetime", Kind: Integer, Min: 0, Max: 43200, Default: "600",
		Role: Edge, Guide: "Fast Path Registration",
		Help: "Seconds for which an entry of the digest cache counts; 0 keeps none.",
	}}
	DigestCacheExpireCheckInterval = Int{&Item{
		Path: "Authentication Remote Digest Cache ExpireCheckInterval", Kind: Integer, Min: 0, Max: 65535, Default: "600",
		Role: Edge, Guide: "Fast Path Registration",
		Help: "Seconds between two clean-ups of the digest cache; 0 cleans up when room is needed.",
	}}
	DigestCacheLimit = Int{&Item{
		Path: "Authentication Remote Digest Cache Limit", Kind: Integer, Min: 0, Max: 65535, Default: "10000",
		Role: Edge, Guide: "Fast Path Registration",
		Help: "Entries of the digest cache; the oldest gives way, and 0 keeps none.",
	}}
	CredentialName = Str{&Item{
		Path: "Authentication Credential [1..2000] Name", Kind: String, Max: 128,
		Role: Both, Guide: "Credentials", New: true,
		Help: "User of a delegated domain who signs in by a password kept here, as user@domain, or as user for every domain; endpoints that register at core itself have one too, and on edge users of TURN.",
	}}
	CredentialPassword = Secret{&Item{
		Path: "Authentication Credential [1..2000] Password", Kind: Password, Max: 128,
		Role: Both, Guide: "Credentials", New: true,
		Help: "Password of the user.",
	}}
	SSOSipTokenExtraTTL = Int{&Item{
		Path: "CollaborationEdge SsoSipTokenExtraTtl", Kind: Integer, Min: 0, Max: 172800, Default: "0",
		Role: Core, Guide: "OAuth tokens",
		Help:    "Seconds by which an access token lives longer for registrations, so that phones survive a late refresh.",
		Differs: "the replaced product prints no default",
	}}
	TokenKeyPublisher = Str{&Item{
		Path: "CollaborationEdge AuthzKey [1..400] Publisher", Kind: Host, Max: 128,
		Role: Core, Guide: "OAuth tokens", New: true,
		Help: "Publisher of the cluster whose token keys were imported.",
	}}
	TokenKeyDeployment = Int{&Item{
		Path: "CollaborationEdge AuthzKey [1..400] DeploymentId", Kind: Integer, Min: 1, Max: 65535, Default: "1",
		Role: Core, Guide: "OAuth tokens", New: true,
		Help: "Number of the deployment whose users the cluster serves.",
	}}
	TokenKeySigningID = Str{&Item{
		Path: "CollaborationEdge AuthzKey [1..400] SigningKeyId", Kind: String, Max: 256,
		Role: Core, Guide: "OAuth tokens", New: true,
		Help: "Key id that tokens signed by the cluster bear; empty takes any that fits.",
	}}
	TokenKeySigning = Str{&Item{
		Path: "CollaborationEdge AuthzKey [1..400] SigningKey", Kind: String, Max: 2048,
		Role: Core, Guide: "OAuth tokens", New: true,
		Help: "Public half of the key that the cluster signs tokens by, as base64 of its DER form.",
	}}
	TokenKeyEncryptionID = Str{&Item{
		Path: "CollaborationEdge AuthzKey [1..400] EncryptionKeyId", Kind: String, Max: 256,
		Role: Core, Guide: "OAuth tokens", New: true,
		Help: "Key id that sealed claims bear; empty takes any that fits.",
	}}
	TokenKeyEncryption = Secret{&Item{
		Path: "CollaborationEdge AuthzKey [1..400] EncryptionKey", Kind: Password, Max: 128,
		Role: Core, Guide: "OAuth tokens", New: true,
		Help: "Key that the cluster seals claims by, as base64 of its 32 bytes.",
	}}
)

// SHA256 is how digest challenges spell it.
const SHA256 = "SHA-256"

func authItems() []*Item {
	return []*Item{
		SIPDomainAuthentication.Item, SIPAuthenticationChallenge.Item, SIPAuthenticationAlgorithms.Item, SIPAuthenticationRetryLimit.Item,
		NonceExpireDelta.Item, NonceLength.Item, NonceLimit.Item, NonceMaximumUseCount.Item,
		DigestCacheMode.Item, DigestCacheLifetime.Item, DigestCacheExpireCheckInterval.Item, DigestCacheLimit.Item,
		CredentialName.Item, CredentialPassword.Item, SSOSipTokenExtraTTL.Item,
		TokenKeyPublisher.Item, TokenKeyDeployment.Item, TokenKeySigningID.Item, TokenKeySigning.Item,
		TokenKeyEncryptionID.Item, TokenKeyEncryption.Item,
	}
}

// Commands of credentials and token keys.
var (
	CredentialAdd = &Command{
		Name: "CredentialAdd", Spaced: "Credential Add", Role: Both, Guide: "Credentials",
		Params: []Param{
			{Name: "Name", Kind: String, Min: 1, Max: 128, Required: true, Help: "User, as user@domain, or as user for every domain."},
			{Name: "Password", Kind: Password, Min: 1, Max: 128, Required: true, Help: "Password of the user."},
		},
		Help: "Lets a user of a delegated domain, or on edge a user of TURN, sign in by a password kept here.",
	}
	CredentialDelete = &Command{
		Name: "CredentialDelete", Spaced: "Credential Delete", Role: Both, Guide: "Credentials",
		Params: []Param{{Name: "Name", Kind: String, Min: 1, Max: 128, Required: true, Help: "User as added."}},
		Help:   "Removes a user's password; edges forget it at once.",
	}
	AuthzKeyImport = &Command{
		Name: "AuthzKeyImport", Spaced: "Authz Key Import", Role: Core, Guide: "OAuth tokens", New: true,
		Params: []Param{
			{Name: "Publisher", Kind: Host, Min: 1, Max: 128, Required: true, Help: "Publisher of the cluster."},
			{Name: "File", Kind: String, Min: 1, Max: 128, Required: true, Help: "File of the sftp folder with both keys, as a JWK set or as PEM and a line of base64."},
			{Name: "DeploymentId", Kind: Integer, Min: 1, Max: 65535, Help: "Number of the cluster's deployment; the default deployment if not given."},
		},
		Help: "Takes the token keys of a cluster from a file, in place of those imported before.",
	}
	AuthzKeyDelete = &Command{
		Name: "AuthzKeyDelete", Spaced: "Authz Key Delete", Role: Core, Guide: "OAuth tokens", New: true,
		Params: []Param{{Name: "Publisher", Kind: Host, Min: 1, Max: 128, Required: true, Help: "Publisher of the cluster."}},
		Help:   "Forgets imported token keys of a cluster.",
	}
)

func authCommands() []*Command {
	return []*Command{CredentialAdd, CredentialDelete, AuthzKeyImport, AuthzKeyDelete}
}

// Alarms of credentials and tokens.
var (
	AlarmDelegatedUnasked = &Alarm{
		ID: 40036, Title: "Delegated credential checking error", Severity: "Warning", Role: Edge,
		Cause:  "Core could not be asked about the credentials of a domain's users.",
		Remedy: "Check the traversal link to core, which carries the questions.",
	}
	AlarmDelegatedOff = &Alarm{
		ID: 40038, Title: "Delegated credential checking configuration error", Severity: "Warning", Role: Edge,
		Cause:  "Edge challenges users of a domain for which core does not decide.",
		Remedy: "Give SIP Domain Authentication the same value on edge and core.",
	}
	AlarmTokenKeys = &Alarm{
		ID: 40054, Title: "Token decryption failure", Severity: "Warning", Role: Core,
		Cause:  "Access tokens of a cluster do not fit the keys that are known for it.",
		Remedy: "Refresh the cluster's servers, or import its keys anew: they change when they are regenerated on the publisher.",
	}
)

func authAlarms() []*Alarm {
	return []*Alarm{AlarmDelegatedUnasked, AlarmDelegatedOff, AlarmTokenKeys, AlarmSAMLMetadata, AlarmIdPCertificate}
}

func authStatuses() []*Status {
	return []*Status{
		{Path: "Authzkeys Authzkey [1..400] Publisher", Kind: String, Role: Core, Help: "Publisher of the cluster whose tokens the keys are for."},
		{Path: "Authzkeys Authzkey [1..400] DeploymentId", Kind: Integer, Role: Core, Help: "Deployment of the cluster."},
		{Path: "Authzkeys Authzkey [1..400] Source", Kind: String, Role: Core, Help: "Where the keys stem from."},
		{Path: "Authzkeys Authzkey [1..400] Issuer", Kind: String, Role: Core, Help: "Issuer that the cluster's tokens name."},
		{Path: "Authzkeys Authzkey [1..400] SigningKey", Kind: String, Role: Core, Help: "SHA-256 hash of the signing key."},
		{Path: "Authzkeys Authzkey [1..400] EncryptionKey", Kind: String, Role: Core, Help: "SHA-256 hash of the encryption key, as the publisher shows it."},
		{Path: "Authzkeys Authzkey [1..400] Status", Kind: Enumeration, Role: Core, Help: "Active, or Failed when tokens do not fit the keys."},
		{Path: "Authzkeys Authzkey [1..400] Cause", Kind: String, Role: Core, Help: "Why they do not fit."},
		{Path: "Authzkeys Authzkey [1..400] Accepted", Kind: Integer, Role: Core, Help: "Tokens that fitted."},
		{Path: "Authzkeys Tokens Accepted", Kind: Integer, Role: Core, Help: "Tokens accepted since the start."},
		{Path: "Authzkeys Tokens Expired", Kind: Integer, Role: Core, Help: "Tokens refused since they had expired, which is no misdeed of their owners."},
		{Path: "Authzkeys Tokens Refused", Kind: Integer, Role: Core, Help: "Tokens refused for any other reason."},
		{Path: "Authentication Digest Asked", Kind: Integer, Role: Edge, Help: "Questions put to core."},
		{Path: "Authentication Digest Accepted", Kind: Integer, Role: Edge, Help: "Right answers to edge's own challenge."},
		{Path: "Authentication Digest Wrong", Kind: Integer, Role: Edge, Help: "Wrong answers to edge's own challenge."},
		{Path: "Authentication Digest Cache Entries", Kind: Integer, Role: Edge, Help: "Entries of the digest cache."},
		{Path: "Authentication Digest Cache Hits", Kind: Integer, Role: Edge, Help: "Answers that the digest cache decided."},
		{Path: "Authentication Digest Cache Misses", Kind: Integer, Role: Edge, Help: "Answers that it knew nothing about."},
	}
}
