package shell

import (
	"fmt"
	"slices"
	"strings"

	"sallyport/appliance/xapi"
)

// overview answers "?" and help.
func (t *turn) overview() int {
	for _, v := range verbTable() {
		t.printf("  %-38s  %s\n", strings.TrimSpace(v.name+" "+v.use), v.help)
	}
	t.printf("Words may be shortened while unique. ? behind any word tells what may follow; Tab completes it.\n")
	t.printf(okLine)
	return Done
}

// configurationHelp prints the usage of everything at and below a path. Behind
// the root alone one question mark lists the elements, two print everything.
func (t *turn) configurationHelp(words []word, depth int) int {
	if len(words) > 0 && strings.HasPrefix(words[0].text, "//") {
		return t.searchHelp(searchTerm(words))
	}
	req, err := parsePath(t.tree, trimColon(words))
	if err != nil {
		return t.wrong(t.elsewhere(trimColon(words), err))
	}
	if len(req.settings) > 0 {
		s := req.settings[len(req.settings)-1]
		t.itemHelp(s.place.Item, s.place.Idx)
	} else if req.at.Path == "" && depth == 1 {
		for _, name := range req.at.Names() {
			t.help("xConfiguration "+name, "", "")
		}
	} else {
		for _, it := range req.at.Items() {
			t.itemHelp(it, req.idx)
		}
	}
	t.printf(okLine)
	return Done
}

// trimColon takes the colon off the last word, so that "Port: ?" asks for Port.
func trimColon(words []word) []word {
	if n := len(words); n > 0 && !words[n-1].quoted {
		words = slices.Clone(words)
		words[n-1].text = strings.TrimSuffix(words[n-1].text, ":")
	}
	return words
}

func (t *turn) itemHelp(it *xapi.Item, idx []int) {
	text := it.Help
	if it.Default != "" {
		text += " Default: " + it.Default + "."
	}
	if it.Effect != xapi.Live {
		text += " Takes effect: " + it.Effect.String() + "."
	}
	t.help("xConfiguration "+it.At(idx...), it.Space(), text)
}

func (t *turn) searchHelp(term string) int {
	for _, it := range t.tree.Items() {
		if containsFold(it.Path, term) {
			t.itemHelp(it, nil)
		}
	}
	t.printf(okLine)
	return Done
}

// commandHelp lists the commands, with their parameters if asked twice, or prints
// the usage of those that words begin.
func (t *turn) commandHelp(words []word, depth int) int {
	if len(words) == 0 {
		for _, c := range commandsOf(t.b.Role()) {
			if depth > 1 {
				t.parameters(c)
			} else {
				t.help("xCommand "+c.Name, "", c.Help)
			}
		}
		t.printf(okLine)
		return Done
	}
	if c, rest, err := findCommand(t.b.Role(), words); err == nil {
		return t.usage(c, rest)
	}
	found := false
	for _, c := range commandsOf(t.b.Role()) {
		if prefixFold(c.Name, strings.Join(plain(words), "")) {
			found = true
			t.help("xCommand "+c.Name, "", c.Help)
		}
	}
	if !found {
		_, _, err := findCommand(t.b.Role(), words)
		return t.wrong(t.commandElsewhere(words, err))
	}
	t.printf(okLine)
	return Done
}

func prefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// usage prints a command and its parameters, or only the one that the last word
// names.
func (t *turn) usage(c *xapi.Command, rest []word) int {
	if n := len(rest); n > 0 {
		name, _, _ := strings.Cut(rest[n-1].text, ":")
		if p, err := c.Param(name); err == nil {
			t.help(p.Name+required(c, p), p.Space(), p.Help)
			t.printf(okLine)
			return Done
		}
	}
	t.parameters(c)
	t.printf(okLine)
	return Done
}

// parameters prints what a command does and takes.
func (t *turn) parameters(c *xapi.Command) {
	t.help("xCommand "+c.Name, "", c.Help)
	for i := range c.Params {
		p := &c.Params[i]
		name := p.Name
		if p.Repeats {
			name += ".1.." + p.Name + ".n"
		}
		t.help("  "+name+required(c, p), p.Space(), p.Help)
	}
	if len(c.OneOf) > 0 {
		t.printf("    One of %s must be given.\n", strings.Join(c.OneOf, ", "))
	}
	if c.Confirm != "" {
		t.printf("    Asks before it acts; ! at the end of the line says yes.\n")
	}
}

func required(c *xapi.Command, p *xapi.Param) string {
	if p.Required {
		return "(r)"
	}
	return ""
}

// readingHelp lists the elements of xStatus or xHistory or, asked twice or behind
// one of them, what can be read below.
func (t *turn) readingHelp(verb string, rows []*xapi.Status, words []word, depth int) int {
	names := xapi.StatusTree(rows, t.b.Role()).Names()
	path := statusWords(words)
	if len(path) == 0 && depth == 1 {
		for _, n := range names {
			t.help(verb+" "+n, "", "")
		}
		t.printf(okLine)
		return Done
	}
	if len(path) > 0 {
		name, err := pick(path[0], names)
		if err != nil {
			return t.wrong(err)
		}
		names = []string{name}
	}
	for _, s := range rows {
		if first, _, _ := strings.Cut(s.Path, " "); slices.Contains(names, first) && s.Role.Has(t.b.Role()) {
			t.help(verb+" "+s.Path, "", strings.TrimSuffix(s.Help, ".")+unit(s)+".")
		}
	}
	t.printf(okLine)
	return Done
}

func unit(s *xapi.Status) string {
	if s.Unit == "" {
		return ""
	}
	return " (" + s.Unit + ")"
}

func (t *turn) feedbackHelp() int {
	t.help("xFeedback register <expression>", "", "Prints events in this session as they happen, such as /Status/Calls, /Event/CallConnected or /Configuration/Zones.")
	t.help("xFeedback deregister <n>", "", "Ends one registration; 0 ends all.")
	t.help("xFeedback list", "", "Lists the registrations.")
	t.help("Status", fmt.Sprintf("<%s>", strings.Join(elements(t.b.Role()), "/")), "")
	t.help("Event", fmt.Sprintf("<%s>", strings.Join(eventNames(), "/")), "")
	t.printf(okLine)
	return Done
}
