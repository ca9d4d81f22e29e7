package shell

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sallyport/appliance/xapi"
)

// readingChoices completes a path of xStatus or xHistory by what is there now.
func (s *Session) readingChoices(done []word, rows []*xapi.Status, read reader) (list []choice) {
	names := xapi.StatusTree(rows, s.b.Role()).Names()
	if len(done) == 0 {
		for _, n := range names {
			list = append(list, choice{n + " ", n, ""})
		}
		return list
	}
	path := statusWords(done)
	ctx, cancel := context.WithTimeout(context.Background(), statusTime)
	defer cancel()
	name, err := pick(path[0], names)
	if err != nil {
		return nil
	}
	n, err := read(ctx, name)
	if err != nil || n == nil {
		return nil
	}
	found, err := n.Find(path[1:]...)
	if err != nil || len(found) != 1 {
		return nil
	}
	for _, c := range found[0].Children {
		list = append(list, choice{c.Label() + " ", c.Label(), leaf(c)})
	}
	return list
}

// xmlChoices completes the path of xgetxml by what is there now.
func (s *Session) xmlChoices(done []word, last string) (list []choice) {
	base := last[:strings.LastIndexByte(last, '/')+1]
	if len(done) > 0 || strings.Contains(base, "//") {
		return nil
	}
	found := []*xapi.Node{{Children: []*xapi.Node{{Name: "Configuration"}, {Name: "History"}, {Name: "Status"}}}}
	if len(base) > 1 {
		found = s.xmlFind(base)
	}
	for _, n := range found {
		for _, c := range n.Children {
			text := strings.TrimSuffix(base, "/") + "/" + c.Name
			if c.Index > 0 {
				text += fmt.Sprintf("[%d]", c.Index)
			}
			list = append(list, choice{text, "", leaf(c)})
		}
	}
	return list
}

func (s *Session) xmlFind(path string) []*xapi.Node {
	ctx, cancel := context.WithTimeout(context.Background(), statusTime)
	defer cancel()
	steps, err := parseXPath(path)
	if err != nil {
		return nil
	}
	doc, err := (&turn{Session: s}).document(ctx, steps)
	if err != nil {
		return nil
	}
	return matchXPath(doc, steps)
}

// personChoices completes why and trace by who is registered or in a call, and
// the time of a trace.
func (s *Session) personChoices(verb string, done []word) []choice {
	switch {
	case len(done) == 0:
		return []choice{{"user ", "user <name>", ""}}
	case len(done) == 1 && done[0].text == "user":
		return s.people()
	case verb == "trace":
		return words([]string{"1m", "5m", "1h"}, "")
	}
	return nil
}

// maxPeople bounds the users that are listed.
const maxPeople = 1000

func (s *Session) people() []choice {
	ctx, cancel := context.WithTimeout(context.Background(), statusTime)
	defer cancel()
	var users []string
	for _, element := range []string{"Registrations", "Calls"} {
		n, err := s.b.Status(ctx, element)
		if err != nil || n == nil {
			continue
		}
		n.Walk(func(_ string, leaf *xapi.Node) {
			is := leaf.Name == "Alias" || leaf.Name == "From" || leaf.Name == "To"
			if is && leaf.Value != "" && len(users) < maxPeople {
				users = append(users, leaf.Value)
			}
		})
	}
	slices.Sort(users)
	return words(slices.Compact(users), "")
}
