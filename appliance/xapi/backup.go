package xapi

// Commands of backups. Files lie in the administrator's sftp folder.
var (
	SystemBackup = &Command{
		Name: "SystemBackup", Spaced: "System Backup", Role: Both, Guide: "Backup", New: true,
		Params: []Param{
			{Name: "Passphrase", Kind: Password, Min: 8, Max: 1024, Required: true, Help: "What opens the backup again; nothing else does."},
			{Name: "File", Kind: String, Min: 1, Max: 128, Help: "File to write; named after role and time if not given."},
		},
		Help: "Writes all that makes this node, encrypted in age format: configuration with passwords, certificates, keys.",
	}
	SystemRestore = &Command{
		Name: "SystemRestore", Spaced: "System Restore", Role: Both, Guide: "Backup", New: true,
		Params:  restoreParams(),
		Confirm: "This replaces configuration, accounts, addresses, certificates and keys by those of the backup and restarts the node. Go on?",
		Help:    "Makes this node what a backup says.",
	}
	SystemRestoreTest = &Command{
		Name: "SystemRestoreTest", Spaced: "System Restore Test", Role: Both, Guide: "Backup", New: true,
		Params: restoreParams(),
		Help:   "Shows what SystemRestore would change, and changes nothing.",
	}
)

func restoreParams() []Param {
	return []Param{
		{Name: "File", Kind: String, Min: 1, Max: 128, Required: true, Help: "Backup in the sftp folder."},
		{Name: "Passphrase", Kind: Password, Min: 1, Max: 1024, Required: true, Help: "What the backup was encrypted with."},
	}
}

func backupCommands() []*Command { return []*Command{SystemBackup, SystemRestore, SystemRestoreTest} }

// AlarmRestoreFailed is raised until a backup was restored.
var AlarmRestoreFailed = &Alarm{
	ID: 15023, Title: "Restore failed", Severity: "Error", Role: Both,
	Cause:  "A backup was to be restored, and the version that started could not take it.",
	Remedy: "Restore a backup that this version takes; SystemRestoreTest says whether it does.",
}

// AlarmCommitsDropped is raised until the next start.
var AlarmCommitsDropped = &Alarm{
	ID: 79006, Title: "Commits dropped", Severity: "Warning", Role: Both,
	Cause:  "An older version came back and cannot read the configuration as the newer one left it, so it goes on with its own; what was committed since is not in it.",
	Remedy: "Make the changes of the detail again, or install the newer version again, which finds its own configuration beside.",
}
