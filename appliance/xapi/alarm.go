package xapi

import "slices"

// Alarm is one alarm that a node can raise. IDs, titles and severities below
// 70000 are those of the replaced product, so that operators' filters keep
// working; 70000 and up are ours.
type Alarm struct {
	ID       int
	Title    string
	Severity string // one of Severities
	Cause    string // one sentence
	Remedy   string // one sentence: what to do
	Role     Role
}

// Severities lists the severities from the gravest down.
func Severities() []string {
	return []string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Info", "Debug"}
}

// Rank orders alarms by severity, the gravest first.
func (a *Alarm) Rank() int { return slices.Index(Severities(), a.Severity) }

// New reports whether the replaced product lacks the alarm.
func (a *Alarm) New() bool { return a.ID >= 70000 && a.ID < 80000 }

// The link between edge and core.
var (
	AlarmLinkDown = &Alarm{
		ID: 71001, Title: "Traversal link down", Severity: "Critical", Role: Both,
		Cause:  "No SIP connection of the edge-core link to this peer is up, so remote clients cannot register or call through it.",
		Remedy: "Check that core reaches edge on the traversal port, and read the detail for what the last try met.",
	}
	AlarmPeerName = &Alarm{
		ID: 71002, Title: "Peer name unacceptable", Severity: "Error", Role: Both,
		Cause:  "A peer's certificate is trusted but does not bear the name that this node expects.",
		Remedy: "Put the expected name among the certificate's alternative names, or correct the peer address or subject name.",
	}
	AlarmTunnelDown = &Alarm{
		ID: 35013, Title: "Unified Communications SSH tunnel failure", Severity: "Warning", Role: Both,
		Cause:  "An SSH connection of the edge-core link is down, so HTTP and control do not pass to this peer.",
		Remedy: "Check that core reaches edge on the traversal SSH port and that the link's SIP side is up.",
	}
	AlarmLinkClock = &Alarm{
		ID: 25022, Title: "Time not synchronized over traversal zone", Severity: "Warning", Role: Both,
		Cause:  "The clocks of edge and core differ by more than certificates and tokens bear.",
		Remedy: "Give both nodes the same time source.",
	}
)

// Settings that a remote access zone needs.
var (
	AlarmLinkVerify = &Alarm{
		ID: 40040, Title: "Unified Communications configuration error", Severity: "Warning", Role: Edge,
		Cause:  "A zone that carries remote access does not check the name in core's certificate.",
		Remedy: "Set the zone's TraversalServer SIP TLS Verify Mode to On and give it a subject name.",
	}
	AlarmLinkEncryption = &Alarm{
		ID: 40043, Title: "Unified Communications configuration error", Severity: "Warning", Role: Core,
		Cause:  "A zone that carries remote access does not force media encryption.",
		Remedy: "Set the zone's TraversalClient SIP Media Encryption Mode to On.",
	}
	AlarmLinkTLSOff = &Alarm{
		ID: 40048, Title: "Unified Communications configuration error", Severity: "Warning", Role: Both,
		Cause:  "Remote access is enabled, but SIP over TLS is switched off.",
		Remedy: "Set SIP TLS Mode to On.",
	}
)

// Certificates.
var (
	AlarmCertificateExpired = &Alarm{
		ID: 40068, Title: "Server certificate validity", Severity: "Critical", Role: Both,
		Cause:  "The server certificate has expired or is not valid yet, so peers and clients refuse it.",
		Remedy: "Install a new server certificate, and check this node's clock.",
	}
	AlarmCertificateExpiring = &Alarm{
		ID: 40069, Title: "Server certificate validity", Severity: "Alert", Role: Both,
		Cause:  "The server certificate will expire soon.",
		Remedy: "Generate a signing request and install the renewed certificate before the date in the detail.",
	}
	AlarmCertificateMissing = &Alarm{
		ID: 74001, Title: "Server certificate missing", Severity: "Critical", Role: Both,
		Cause:  "No server certificate is installed, so no TLS connection can be taken.",
		Remedy: "Generate a signing request, have it signed, and install the certificate.",
	}
	AlarmCertificateName = &Alarm{
		ID: 74002, Title: "Server certificate lacks a name", Severity: "Error", Role: Both,
		Cause:  "The server certificate does not bear a name under which clients or peers reach this node.",
		Remedy: "Install a certificate that bears the names in the detail among its alternative names.",
	}
)

// Administration.
var (
	AlarmNoPassword = &Alarm{
		ID: 74003, Title: "No administrator password", Severity: "Warning", Role: Both,
		Cause:  "No administrator account has a password, so only key holders and the console can log in.",
		Remedy: "Add an administrator account with a password, or ignore this where keys are the rule.",
	}
	AlarmUnconfirmed = &Alarm{
		ID: 75001, Title: "Unconfirmed change pending", Severity: "Notice", Role: Both,
		Cause:  "A configuration change waits to be confirmed and will be taken back by itself.",
		Remedy: "Confirm the change if it is right.",
	}
	AlarmUnreadableSecret = &Alarm{
		ID: 75002, Title: "Stored password cannot be opened", Severity: "Error", Role: Both,
		Cause:  "Passwords were sealed with another key, as after a restore on another machine.",
		Remedy: "Type the passwords in the detail anew.",
	}
	AlarmStateLost = &Alarm{
		ID: 75003, Title: "State file damaged", Severity: "Warning", Role: Both,
		Cause:  "The file of registrations and sessions was damaged and has been put aside, so clients register anew.",
		Remedy: "Check the disk; nothing else needs to be done.",
	}
	AlarmSyslog = &Alarm{
		ID: 72002, Title: "Syslog receiver unreachable", Severity: "Warning", Role: Both,
		Cause:  "Log lines could not be delivered to a remote syslog receiver.",
		Remedy: "Check the receiver's address, port and transport, and that it accepts this node's certificate where TLS is used.",
	}
)

// Signalling, media and what they meet.
var (
	AlarmListener = &Alarm{
		ID: 72001, Title: "Listener could not be opened", Severity: "Error", Role: Both,
		Cause:  "An address and port that the configuration names could not be listened on.",
		Remedy: "Check that the address belongs to this machine and that nothing else uses the port; it is tried again by itself.",
	}
	AlarmOpenRegistrar = &Alarm{
		ID: 74004, Title: "Registrar accepts registrations without credentials", Severity: "Critical", Role: Both,
		Cause:  "Call control accepted a registration that carried no credentials; it was refused to the client, since anyone could have sent it.",
		Remedy: "Let call control challenge registrations, or switch on digest authentication for the device.",
	}
	AlarmPeerDown = &Alarm{
		ID: 15032, Title: "Unified CM server unavailable", Severity: "Warning", Role: Core,
		Cause:  "A call control node or another neighbor does not answer.",
		Remedy: "Check that the node runs and that this node reaches it on the zone's port and transport.",
	}
	AlarmCallCapacity = &Alarm{
		ID: 30022, Title: "Call capacity limit reached", Severity: "Warning", Role: Both,
		Cause:  "This node carries as many calls as it can, and refuses more.",
		Remedy: "Add a node, or give this one more processors and memory.",
	}
	AlarmCapacity = &Alarm{
		ID: 30001, Title: "Capacity warning", Severity: "Warning", Role: Both,
		Cause:  "A capacity in the detail has passed the warning level.",
		Remedy: "Plan a further node, or change ResourceUsage Warning Activation Level.",
	}
	AlarmMediaPorts = &Alarm{
		ID: 45019, Title: "Insufficient media ports", Severity: "Warning", Role: Both,
		Cause:  "The media port range is too small for the calls this node can carry, or is used up.",
		Remedy: "Widen the range from Traversal Media Port Start to End, and the firewall with it.",
	}
	AlarmServiceFailed = &Alarm{
		ID: 15004, Title: "Application failed", Severity: "Error", Role: Both,
		Cause:  "A part of the application failed unexpectedly and was started again.",
		Remedy: "Report it with the log around the time of the alarm.",
	}
)

// The machine, where the node is its firmware.
var (
	AlarmHardware = &Alarm{
		ID: 10001, Title: "Hardware failure", Severity: "Critical", Role: Both,
		Cause:  "A part of the machine is too hot or reports faults.",
		Remedy: "Check fans, air and the part that the detail names.",
	}
	AlarmTimeServers = &Alarm{
		ID: 25021, Title: "NTP server not available", Severity: "Warning", Role: Both,
		Cause:  "No configured time server answers, so certificates and tokens may soon be judged by a wrong clock.",
		Remedy: "Check the NTP Server addresses and the way to them.",
	}
	AlarmDevelopment = &Alarm{
		ID: 79001, Title: "Development image", Severity: "Warning", Role: Both,
		Cause:  "This system was built without a release key, so whoever built it can sign updates for it.",
		Remedy: "Install an image of a release before this box serves anybody.",
	}
	AlarmSlotFailed = &Alarm{
		ID: 79002, Title: "Update failed", Severity: "Error", Role: Both,
		Cause:  "An installed system did not become healthy in three starts, and the one before it was started again.",
		Remedy: "Read the log of the failed starts, and install a later version.",
	}
	AlarmKeptWithoutLink = &Alarm{
		ID: 79005, Title: "Update kept without its link", Severity: "Warning", Role: Both,
		Cause:  "An update was found good although a traversal link that was up before it is down: its peer did not answer.",
		Remedy: "Bring the peer back; if the link stays down while the peer is up, choose the other slot at the console.",
	}
	AlarmDiskFull = &Alarm{
		ID: 79003, Title: "Disk nearly full", Severity: "Error", Role: Both,
		Cause:  "Little room is left on the data partition.",
		Remedy: "Remove files from the sftp folder.",
	}
	AlarmNetworkPlan = &Alarm{
		ID: 79004, Title: "Network not as configured", Severity: "Error", Role: Both,
		Cause:  "Part of the network configuration could not be made real.",
		Remedy: "Correct the setting that the detail names.",
	}
)

func alarmRows() []*Alarm {
	return []*Alarm{
		AlarmLinkDown, AlarmPeerName, AlarmTunnelDown, AlarmLinkClock,
		AlarmLinkVerify, AlarmLinkEncryption, AlarmLinkTLSOff,
		AlarmCertificateExpired, AlarmCertificateExpiring, AlarmCertificateMissing, AlarmCertificateName,
		AlarmNoPassword, AlarmUnconfirmed, AlarmUnreadableSecret, AlarmStateLost, AlarmSyslog,
		AlarmListener, AlarmOpenRegistrar, AlarmPeerDown, AlarmCallCapacity, AlarmCapacity,
		AlarmMediaPorts, AlarmServiceFailed,
		AlarmHardware, AlarmTimeServers, AlarmDevelopment, AlarmSlotFailed, AlarmKeptWithoutLink, AlarmDiskFull, AlarmNetworkPlan,
	}
}
