package xapi

// Push notifications to clients in the background.
var FcmService = Bool{&Item{
	Path: "XCP Config FcmService", Kind: Enumeration, Values: onOff, Default: "Off",
	Role: Edge, Effect: Reconnects, Guide: "Push notifications",
	Confirm: "Everybody who is signed in to chat through this edge is signed out and has to sign in again. Go on?",
	Help:    "Push through Google's service for Android clients whose presence nodes cannot agree on it with edge by themselves; xStatus XCP FcmService tells what it should be.",
}}

// AlarmFcmService is raised while the switch is not what the presence nodes'
// releases ask for.
var AlarmFcmService = &Alarm{
	ID: 73002, Title: "Push switch for Android is wrong", Severity: "Warning", Role: Edge,
	Cause:  "XCP Config FcmService is not what the releases of the presence nodes ask for, so Android clients in the background miss messages or wait for pushes that never come.",
	Remedy: "Set XCP Config FcmService as the detail says; chat users of this edge sign in again then.",
}

func pushItems() []*Item { return []*Item{FcmService.Item} }

func pushStatuses() []*Status {
	return []*Status{
		{Path: "XCP FcmService Mode", Kind: Enumeration, Role: Edge, Help: "Push through Google's service, as it is set."},
		{Path: "XCP FcmService Expected", Kind: Enumeration, Role: Edge, Help: "What it should be: On, Off, NotRequired, or Unknown for releases that the solution matrix does not list together."},
		{Path: "XCP FcmService Why", Kind: String, Role: Edge, Help: "Why."},
	}
}
