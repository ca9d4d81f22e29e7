package xapi

import (
	"slices"
	"strings"
)

// Items returns every xConfiguration row, sorted by path, in a fresh slice.
func Items() []*Item {
	items := slices.Concat(
		administrationItems(), authenticationItems(), authItems(), ssoItems(), collaborationEdgeItems(), discoveryItems(),
		dnsItems(), ethernetItems(), autoConfigurationItems(), firewallItems(), firewallServiceItems(), ipItems(), logItems(), managementItems(),
		remoteItems(), machineItems(), resourceUsageItems(), sipItems(), iceItems(), edgeWordItems(), systemUnitItems(),
		timeItems(), traversalItems(), zoneItems(), searchRuleItems(), routingItems(), xmppItems(), loginItems(), pushItems(), wakeItems(), recordingItems(), roamingItems(), loadItems(), turnItems(), suiteItems(), onboardingItems(), namesItems(), dnsZoneItems(), trunkOAuthItems(),
	)
	slices.SortFunc(items, func(a, b *Item) int { return strings.Compare(a.Path, b.Path) })
	return items
}

// Commands returns every xCommand row, sorted by name, in a fresh slice.
func Commands() []*Command {
	all := slices.Concat(
		accountCommands(),
		allowListCommands(),
		authCommands(),
		ssoCommands(),
		backupCommands(),
		callCommands(),
		certificateCommands(),
		discoveryCommands(),
		[]*Command{DomainCerts, DNSCheck},
		onboardingCommands(),
		recordingCommands(),
		routingCommands(),
		systemCommands(),
		zoneCommands(),
	)
	slices.SortFunc(all, func(a, b *Command) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Statuses returns every xStatus row, sorted by path, in a fresh slice.
func Statuses() []*Status {
	all := slices.Concat(statusRows(), callStatuses(), machineStatuses(), xmppStatuses(), discoveryStatuses(), loginStatuses(), authStatuses(), ssoStatuses(), routingStatuses(), pushStatuses(), wakeStatuses(), recordingStatuses(), loadStatuses(), turnStatuses(), onboardingStatuses(), namesStatuses())
	slices.SortFunc(all, func(a, b *Status) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// Alarms returns every alarm row, sorted by id, in a fresh slice.
func Alarms() []*Alarm {
	all := slices.Concat(
		alarmRows(),
		authAlarms(),
		discoveryAlarms(),
		domainAlarms(),
		onboardingAlarms(),
		namesAlarms(),
		routingAlarms(),
		recordingAlarms(),
		loadAlarms(),
		[]*Alarm{AlarmChatNode, AlarmFcmService, AlarmTURNPorts, AlarmTURNCapacity, AlarmPush, AlarmRestoreFailed, AlarmCommitsDropped, AlarmManagementOpen, AlarmMemory, AlarmInterfacesMoved, AlarmDHCPSilent, AlarmTrunkToken, AlarmTrunkKeys, AlarmVault},
	)
	slices.SortFunc(all, func(a, b *Alarm) int { return a.ID - b.ID })
	return all
}

// Value lists that several rows share. Nothing writes to them.
var (
	onOff           = []string{"On", "Off"}
	yesNo           = []string{"Yes", "No"}
	enabledDisabled = []string{"Enabled", "Disabled"}
	patternTypes    = []string{"Exact", "Prefix", "Suffix", "Regex"}
	mediaEncryption = []string{"Off", "On", "BestEffort", "Auto"}
	httpMethods     = []string{"OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE"}
)
