package xapi

// Push by core for phones of plain SIP registrars (RFC 8599).
var (
	PushMode = Bool{&Item{
		Path: "Push Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Guide: "Push notifications", New: true,
		Help: "Wakes phones that registered with push parameters when something comes for them and their connection is gone; Off leaves their parameters to the registrar.",
	}}
	PushHold = Int{&Item{
		Path: "Push Hold", Kind: Integer, Min: 5, Max: 30, Default: "20",
		Role: Core, Guide: "Push notifications", New: true,
		Help: "How long, in seconds, a call or message waits for a phone that is being woken.",
	}}
	PushLead = Int{&Item{
		Path: "Push RefreshLead", Kind: Integer, Min: 30, Max: 3600, Default: "120",
		Role: Core, Guide: "Push notifications", New: true,
		Help: "How long, in seconds, before its registration ends a phone is woken to renew it; half of a registration at most.",
	}}
	PushPatience = Int{&Item{
		Path: "Push Patience", Kind: Integer, Min: 0, Max: 20, Default: "3",
		Role: Core, Guide: "Push notifications", New: true,
		Help: "How long, in seconds, a phone whose connection stands may be silent to a call or message before it is woken all the same; 0 wakes only phones whose connection is gone.",
	}}
	PushName = Str{&Item{
		Path: "Push Provider [1..10] Name", Kind: String, Max: 64,
		Role: Core, Guide: "Push notifications", New: true,
		Help: "Name of a push service, as phones give it in pn-provider: apns, fcm, or a word of your own.",
	}}
	PushType = Enum{&Item{
		Path: "Push Provider [1..10] Type", Kind: Enumeration, Values: []string{"APNS", "FCM", "Gateway"}, Default: "APNS",
		Role: Core, Guide: "Push notifications", New: true,
		Help: "How the service is spoken to: Apple's, Google's, or a gateway that takes JSON over HTTPS.",
	}}
	PushURL = Str{&Item{
		Path: "Push Provider [1..10] Url", Kind: String, Max: 1024,
		Role: Core, Guide: "Push notifications", New: true,
		Help: "Address of the service, https; empty is the one that Apple or Google publish for apps in production, and a gateway has to have one.",
	}}
	PushAccount = Str{&Item{
		Path: "Push Provider [1..10] Account", Kind: String, Max: 256,
		Role: Core, Guide: "Push notifications", New: true,
		Help: "Who asks: Apple's team id, or the e-mail address of Google's service account.",
	}}
	PushApplication = Str{&Item{
		Path: "Push Provider [1..10] Application", Kind: String, Max: 256,
		Role: Core, Guide: "Push notifications", New: true,
		Help: "Whose phones are woken: the app's bundle id at Apple, the project id at Google.",
	}}
	PushKeyID = Str{&Item{
		Path: "Push Provider [1..10] KeyId", Kind: String, Max: 128,
		Role: Core, Guide: "Push notifications", New: true,
		Help: "Id of the key.",
	}}
	PushKey = Secret{&Item{
		Path: "Push Provider [1..10] Key", Kind: Password, Max: 8192,
		Role: Core, Guide: "Push notifications", New: true,
		Help: "Private key that requests are signed with, PKCS #8: the base64 between the lines of a .p8 or PEM file, on one line; for a gateway the bearer token.",
	}}
	PushTokenURL = Str{&Item{
		Path: "Push Provider [1..10] TokenUrl", Kind: String, Max: 1024,
		Role: Core, Guide: "Push notifications", New: true,
		Help: "Where Google gives access tokens, https; empty is the usual address.",
	}}
	PushProxy = Str{&Item{
		Path: "Push Provider [1..10] Proxy", Kind: String, Max: 1024,
		Role: Core, Guide: "Push notifications", New: true,
		Help: "HTTP proxy on the way to the service, as http://host:port; empty goes straight.",
	}}
)

// AlarmPush is raised while a push service refuses our credentials or is not
// configured so that it could be used.
var AlarmPush = &Alarm{
	ID: 73003, Title: "Push service refuses us", Severity: "Error", Role: Core,
	Cause:  "A push service takes our credentials no more, or its settings cannot be used, so sleeping phones miss their calls.",
	Remedy: "Correct Push Provider Account, Application, KeyId and Key as the detail says.",
}

func wakeItems() []*Item {
	return []*Item{
		PushMode.Item, PushHold.Item, PushLead.Item, PushPatience.Item, PushName.Item, PushType.Item, PushURL.Item, PushAccount.Item,
		PushApplication.Item, PushKeyID.Item, PushKey.Item, PushTokenURL.Item, PushProxy.Item,
	}
}

func wakeStatuses() []*Status {
	return []*Status{
		{Path: "Push Mode", Kind: Enumeration, Role: Core, Help: "Whether core wakes phones."},
		{Path: "Push Phones", Kind: Integer, Role: Core, Help: "Registered phones that can be woken."},
		{Path: "Push Held", Kind: Integer, Role: Core, Help: "Calls and messages that wait for a phone now."},
		{Path: "Push Provider [1..10] Name", Kind: String, Role: Core, Help: "Name of a push service."},
		{Path: "Push Provider [1..10] Type", Kind: Enumeration, Role: Core, Help: "How it is spoken to."},
		{Path: "Push Provider [1..10] Sent", Kind: Integer, Role: Core, Help: "Notifications that it took."},
		{Path: "Push Provider [1..10] Gone", Kind: Integer, Role: Core, Help: "Phones of which it said that they cannot be reached any more."},
		{Path: "Push Provider [1..10] Failed", Kind: Integer, Role: Core, Help: "Notifications that it did not take for another reason."},
		{Path: "Push Provider [1..10] Cause", Kind: String, Role: Core, Help: "Why the last one failed."},
	}
}
