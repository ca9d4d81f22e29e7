package xapi

import (
	"fmt"
	"io"
	"strings"
)

// WriteReference prints all tables as one page, which is reference.md.
func WriteReference(w io.Writer) {
	fmt.Fprint(w, "# Reference\n\n"+
		"Everything an administrator can set, do, read and be warned of. This page is made from the tables in this folder; do not edit it.\n\n"+
		"Values: `<0..63>` a number, `<S: 7,15>` text of that length, `<On/Off>` one of these, `<GET,PUT>` a comma list. "+
		"`[1..200]` is the place of a list entry's number. *New* marks what the replaced product lacks.\n")
	writeItems(w)
	writeCommands(w)
	writeStatuses(w)
	writeAlarms(w)
	writeAbsents(w)
}

func writeItems(w io.Writer) {
	fmt.Fprint(w, "\n## xConfiguration\n")
	group := ""
	for _, it := range Items() {
		if first, _, _ := strings.Cut(it.Path, " "); first != group {
			group = first
			fmt.Fprintf(w, "\n### %s\n\n| path | values | default | node | a change | |\n|---|---|---|---|---|---|\n", group)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", it.Path, code(it.Space()), cell(it.Default), it.Role, it.Effect, it.remark())
	}
}

// remark is the help, and what an administrator of the replaced product must know.
func (it *Item) remark() string {
	text := cell(it.Help)
	if it.New {
		text += " *New.*"
	}
	if it.Differs != "" {
		text += " *Differs: " + cell(it.Differs) + ".*"
	}
	return text
}

func writeCommands(w io.Writer) {
	fmt.Fprint(w, "\n## xCommand\n\n| command | parameters, (r) = required | node | |\n|---|---|---|---|\n")
	for _, c := range Commands() {
		var params []string
		for i := range c.Params {
			params = append(params, c.Params[i].usage(c))
		}
		help := cell(c.Help)
		if c.New {
			help += " *New.*"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", c.Spaced, strings.Join(params, "<br>"), c.Role, help)
	}
}

func (p *Param) usage(c *Command) string {
	mark := ""
	if p.Required {
		mark = "(r)"
	}
	for _, one := range c.OneOf {
		if one == p.Name {
			mark = "(one of " + strings.Join(c.OneOf, ", ") + ")"
		}
	}
	return strings.TrimSpace(p.Name+mark) + ": " + code(p.Space()) + " " + cell(p.Help)
}

func writeStatuses(w io.Writer) {
	writeReadings(w, "xStatus", Statuses())
	writeReadings(w, "xHistory", Histories())
}

func writeReadings(w io.Writer, verb string, rows []*Status) {
	fmt.Fprintf(w, "\n## %s\n\n| element | unit | node | |\n|---|---|---|---|\n", verb)
	for _, s := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", s.Path, s.Unit, s.Role, cell(s.Help))
	}
}

func writeAlarms(w io.Writer) {
	fmt.Fprint(w, "\n## Alarms\n\n| id | title | severity | node | cause | what to do |\n|---|---|---|---|---|---|\n")
	for _, a := range Alarms() {
		fmt.Fprintf(w, "| %d | %s | %s | %s | %s | %s |\n", a.ID, a.Title, a.Severity, a.Role, cell(a.Cause), cell(a.Remedy))
	}
}

func writeAbsents(w io.Writer) {
	fmt.Fprint(w, "\n## Known, not here\n\nItems and commands of the replaced product that are understood and answered with a reason.\n")
	all := Absents()
	for _, why := range AbsentReasons() {
		fmt.Fprintf(w, "\n%s%s:\n\n", strings.ToUpper(why[:1]), why[1:])
		for _, a := range all {
			if a.Why != why {
				continue
			}
			if a.Command {
				fmt.Fprintf(w, "- xCommand %s\n", a.Path)
			} else {
				fmt.Fprintf(w, "- %s\n", a.Path)
			}
		}
	}
}

func code(text string) string { return "`" + text + "`" }

// cell keeps text from breaking a table row.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
