package xapi

import (
	_ "embed"
	"regexp"
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

// openRange is an index whose range the replaced product does not print.
var openRange = regexp.MustCompile(`\[1\.\.n\]|<index>`)

// AbsentTree is the word tree of the items that we lack. Each row's Help is the
// reason.
func AbsentTree() *Word {
	var rows []*Item
	for _, a := range Absents() {
		if !a.Command {
			path := openRange.ReplaceAllString(a.Path, "[1..65535]")
			rows = append(rows, &Item{Path: path, Role: Both, Help: a.Why})
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
