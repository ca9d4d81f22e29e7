package xapi

// AlarmVault is raised while the machine's TPM does not open what it sealed.
var AlarmVault = &Alarm{
	ID: 79009, Title: "TPM does not open the key for passwords", Severity: "Error", Role: Both,
	Cause:  "The TPM was cleared, is switched off, or is another one, so passwords that were stored with its key cannot be read, while all else works.",
	Remedy: "If the TPM is only switched off, or the disk is in the wrong machine, undo that and restart, and nothing is lost; else restore a backup or type anew the passwords that alarm 75002 names, and the key is sealed again by itself.",
}
