package xapi

import (
	"fmt"
	"slices"
	"strings"
)

// Param is one parameter of a command.
type Param struct {
	Name     string
	Kind     Kind
	Min, Max int
	Values   []string
	Required bool
	Repeats  bool   // may be given several times, also as Name.1, Name.2
	Flag     bool   // of On/Off: -name means On
	New      bool   // the replaced product's command has no such parameter
	Help     string // one sentence
}

// Command is one xCommand row. What it does is bound where the node is
// assembled.
type Command struct {
	Name    string // one word: "DomainAdd"
	Spaced  string // as the newer guides print it: "Domain Add"
	Params  []Param
	OneOf   []string // exactly one of these must be given
	Lacks   []string // parameters of the replaced product that are refused here
	Why     string   // why they are
	Role    Role
	Confirm string // a question to ask first; empty = none
	New     bool   // the replaced product has no such command
	Input   bool   // without parameters it reads the session's input
	Help    string // one sentence
	Guide   string
}

// Args are a command's arguments: canonical parameter name to its values, in
// order. A parameter that was not given has no entry.
type Args map[string][]string

// First returns the first value of a parameter, or "".
func (a Args) First(name string) string {
	if v := a[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Arg is one argument as typed. Name is empty in the positional form.
type Arg struct{ Name, Value string }

func (p *Param) space() space {
	return space{p.Name, p.Kind, p.Min, p.Max, p.Values, nil, ""}
}

// Space prints the parameter's value space in the notation of the help.
func (p *Param) Space() string { return p.space().String() }

// Parse checks a value and returns its canonical spelling. The error is a
// *ValueError.
func (p *Param) Parse(text string) (string, error) { return p.space().parse(text) }

// maxArgs bounds the values of a repeated parameter.
const maxArgs = 64

// Param finds a parameter by its name, shortened as long as it is unique, with
// or without a dot index ("Expression.2"). The error is a *WordError.
func (c *Command) Param(name string) (*Param, error) {
	bare, _, dotted := strings.Cut(name, ".")
	names := make([]string, len(c.Params))
	for i := range c.Params {
		names[i] = c.Params[i].Name
	}
	i, err := pick(bare, names)
	if err != nil {
		err.After = c.Name
		if slices.ContainsFunc(c.Lacks, func(l string) bool { return strings.EqualFold(l, bare) }) {
			err.Why = "is known, but not supported here: " + c.Why
		}
		return nil, err
	}
	if dotted && !c.Params[i].Repeats {
		return nil, &WordError{Word: name, After: c.Name, Why: "takes no number", Allowed: names}
	}
	return &c.Params[i], nil
}

// Bind turns arguments as typed into checked ones: marked, positional and mixed
// form. Positional values fill, in help order, what no marked one named.
func (c *Command) Bind(args []Arg) (Args, error) {
	out := Args{}
	marked := map[*Param]bool{}
	for _, a := range args {
		if a.Name == "" {
			continue
		}
		p, err := c.Param(a.Name)
		if err != nil {
			return nil, err
		}
		marked[p] = true
	}
	next := 0
	for _, a := range args {
		var p *Param
		if a.Name != "" {
			p, _ = c.Param(a.Name)
		} else if p = c.flag(a.Value); p != nil {
			a.Value = "On"
		} else if p = c.positional(&next, marked); p == nil {
			return nil, fmt.Errorf("%s: too many values: %q has no parameter left", c.Name, a.Value)
		}
		if err := out.add(p, a.Value); err != nil {
			return nil, err
		}
	}
	return out, c.complete(out)
}

// flag finds the flag that a value such as -partial means.
func (c *Command) flag(value string) *Param {
	name, dashed := strings.CutPrefix(value, "-")
	for i := range c.Params {
		if p := &c.Params[i]; dashed && p.Flag && strings.EqualFold(p.Name, name) {
			return p
		}
	}
	return nil
}

// positional returns the next parameter that no marked argument named. A
// repeating one takes all values that are left. What we added to a command of
// the replaced product is no place for a value that it would not take.
func (c *Command) positional(next *int, marked map[*Param]bool) *Param {
	for *next < len(c.Params) {
		p := &c.Params[*next]
		if p.Repeats && !marked[p] {
			return p
		}
		*next++
		if !marked[p] && !p.New {
			return p
		}
	}
	return nil
}

func (a Args) add(p *Param, text string) error {
	value, err := p.Parse(text)
	if err != nil {
		return err
	}
	if n := len(a[p.Name]); n > 0 && !p.Repeats || n >= maxArgs {
		return fmt.Errorf("%s is given more often than allowed", p.Name)
	}
	a[p.Name] = append(a[p.Name], value)
	return nil
}

func (c *Command) complete(args Args) error {
	for i := range c.Params {
		p := &c.Params[i]
		if p.Required && len(args[p.Name]) == 0 {
			return fmt.Errorf("%s needs %s %s: %s", c.Name, p.Name, p.Space(), p.Help)
		}
	}
	given := slices.DeleteFunc(slices.Clone(c.OneOf), func(n string) bool { return len(args[n]) == 0 })
	if len(c.OneOf) > 0 && len(given) != 1 {
		return fmt.Errorf("%s needs exactly one of %s", c.Name, strings.Join(c.OneOf, ", "))
	}
	return nil
}
