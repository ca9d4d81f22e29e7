package xapi

// Onboarding of phones from outside by activation codes, and the domains that
// belong to it.
var (
	AllowOnboarding = Bool{&Item{
		Path: "CollaborationEdge AllowOnboardingOverMra", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Effect: NewOnly, Guide: "Activation codes",
		Help: "Lets phones that show their manufacturer's certificate redeem an activation code from outside; on edge it asks HTTPS clients for that certificate.",
	}}
	CUCMActivationDomain = Str{&Item{
		Path: "CollaborationEdge CUCM [1..100] ActivationDomain", Kind: DNSName, Max: 128,
		Role: Core, Guide: "Activation codes", New: true,
		Help: "Domain in which phones of the cluster redeem activation codes, as the cluster has it; empty lets none.",
	}}
	CUCMServiceDomain = Str{&Item{
		Path: "CollaborationEdge CUCM [1..100] ServiceDomain [1..20]", Kind: DNSName, Max: 128,
		Role: Core, Guide: "Activation codes", New: true,
		Help: "Domain that the cluster sends onboarded phones to, for the cluster, a device pool or a device; the activation domain is one without being listed.",
	}}
)

func onboardingItems() []*Item {
	return []*Item{AllowOnboarding.Item, CUCMActivationDomain.Item, CUCMServiceDomain.Item}
}

// Commands about the manufacturers that vouch for phones.
var (
	ManufacturerCAInstall = &Command{
		Name: "ManufacturerCAInstall", Spaced: "Manufacturer CA Install", Role: Edge, Guide: "Activation codes", New: true,
		Params: []Param{{Name: "File", Kind: String, Min: 1, Max: 128, Required: true, Help: "PEM file in the sftp folder with authorities of manufacturers."}},
		Help:   "Adds authorities that vouch for phones to be onboarded, and for nothing else.",
	}
	ManufacturerCADelete = &Command{
		Name: "ManufacturerCADelete", Spaced: "Manufacturer CA Delete", Role: Edge, Guide: "Activation codes", New: true,
		Params: []Param{{Name: "Fingerprint", Kind: String, Min: 64, Max: 64, Required: true, Help: "SHA-256 of the authority's certificate, as xStatus Onboarding prints it."}},
		Help:   "Takes an authority off the list, so that no phone can be onboarded by its word.",
	}
)

func onboardingCommands() []*Command {
	return []*Command{ManufacturerCAInstall, ManufacturerCADelete}
}

// Alarms of onboarding.
var (
	AlarmNoManufacturer = &Alarm{
		ID: 74031, Title: "No manufacturer for onboarding", Severity: "Warning", Role: Edge,
		Cause:  "Phones may be onboarded by activation codes, but no authority that could vouch for one is trusted, or the one in the detail is valid no more.",
		Remedy: "Bring the manufacturer's authorities by xCommand ManufacturerCAInstall, or set CollaborationEdge AllowOnboardingOverMra to Off.",
	}
	AlarmOnboarding = &Alarm{
		ID: 74032, Title: "Onboarding needs attention", Severity: "Warning", Role: Core,
		Cause:  "Phones that redeem an activation code from outside will not get as far as a registration.",
		Remedy: "Do what the detail says.",
	}
)

func onboardingAlarms() []*Alarm { return []*Alarm{AlarmNoManufacturer, AlarmOnboarding} }

func onboardingStatuses() []*Status {
	return append(authorityStatuses(), []*Status{
		{Path: "Onboarding Manufacturer [1..1000] Subject", Kind: String, Role: Edge, Help: "Authority that vouches for phones."},
		{Path: "Onboarding Manufacturer [1..1000] Expires", Kind: Time, Role: Edge, Help: "When its certificate ends."},
		{Path: "Onboarding Manufacturer [1..1000] Fingerprint", Kind: String, Role: Edge, Help: "SHA-256 of its certificate."},
		{Path: "Onboarding Passed", Kind: Integer, Role: Both, Help: "Requests of phones with a good certificate that were let through since the start."},
		{Path: "Onboarding Refused", Kind: Integer, Role: Both, Help: "Requests about activation codes that were refused since the start."},
		{Path: "CollaborationEdge Domain [1..1000] Name", Kind: String, Role: Core, Help: "A domain that something here knows."},
		{Path: "CollaborationEdge Domain [1..1000] Contexts", Kind: String, Role: Core, Help: "What it is: Edge, Internal, Presence, Server, Activation or Service domain."},
		{Path: "CollaborationEdge Domain [1..1000] Clusters", Kind: String, Role: Core, Help: "Publishers of the clusters that it belongs to."},
	}...)
}
