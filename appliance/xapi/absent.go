package xapi

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed absent.txt
var absentText string

// Absent is an item or command of the replaced product that we lack, and why.
type Absent struct {
	Path    string // as the replaced product spells it
	Command bool
	Why     string // "comes with chat", "H.323 is not served here"
}

// Absents lists all of them, in the order of the table.
func Absents() []Absent {
	var out []Absent
	why, command := "", false
	for line := range strings.Lines(absentText) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "//"):
		case strings.HasPrefix(line, "items: "):
			why, command = line[len("items: "):], false
		case strings.HasPrefix(line, "commands: "):
			why, command = line[len("commands: "):], true
		default:
			out = append(out, Absent{line, command, why})
		}
	}
	return out
}

// AbsentTree is the word tree of the items that we lack. Each row's Help is the
// reason.
func AbsentTree() *Word {
	// Indexes whose range the replaced product does not print.
	open := strings.NewReplacer("[1..n]", "[1..65535]", "<index>", "[1..65535]")
	var rows []*Item
	for _, a := range Absents() {
		if !a.Command {
			rows = append(rows, &Item{Path: open.Replace(a.Path), Role: Both, Help: a.Why})
		}
	}
	return TreeOf(rows, Both)
}

// FindAbsentCommand finds a command that we lack by its first words, with or
// without blanks.
func FindAbsentCommand(words []string) (Absent, bool) {
	var have []Absent
	var names []string
	for _, a := range Absents() {
		if a.Command {
			have, names = append(have, a), append(names, strings.ReplaceAll(a.Path, " ", ""))
		}
	}
	if i, _ := joined(words, names); i >= 0 {
		return have[i], true
	}
	return Absent{}, false
}

// AbsentReasons lists the reasons in the order of the table, each once.
func AbsentReasons() []string {
	var out []string
	for _, a := range Absents() {
		if !slices.Contains(out, a.Why) {
			out = append(out, a.Why)
		}
	}
	return out
}
