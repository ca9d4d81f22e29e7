package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// command is the verb xCommand.
func (t *turn) command(ctx context.Context, words []word) int {
	words, forced := force(words)
	if rest, depth := question(words); depth > 0 || len(words) == 0 {
		return t.commandHelp(rest, depth)
	}
	cmd, rest, err := findCommand(t.b.Role(), words)
	if err != nil {
		return t.refused("UnknownCommand", t.commandElsewhere(words, err))
	}
	if len(rest) == 0 && needsArgs(cmd) {
		return t.commandHelp(words, 1)
	}
	args, err := cmd.Bind(marked(cmd, rest))
	if err != nil {
		return t.refused("BadParameter", err)
	}
	if !forced && !t.agreed(cmd.Confirm) {
		return t.refused("NotConfirmed", t.unasked(cmd.Confirm))
	}
	node, err := t.carryOut(ctx, cmd, args)
	switch {
	case err != nil && ctx.Err() != nil:
		return t.refused("Interrupted", errors.New("interrupted before it was done"))
	case err != nil:
		return t.refused("Refused", err)
	}
	t.result("OK", node)
	t.printf(okLine)
	return Done
}

// Receiver is a backend with commands that tell how far they are, and read the
// session's input when they are given without arguments, in a session of that
// one line; else in is nil.
type Receiver interface {
	Receive(ctx context.Context, cmd *xapi.Command, args xapi.Args, who config.Who, in io.Reader, out io.Writer) (*xapi.Node, error)
}

func (t *turn) carryOut(ctx context.Context, cmd *xapi.Command, args xapi.Args) (*xapi.Node, error) {
	if r, ok := t.b.(Receiver); ok && cmd.Input {
		in := t.stream
		if len(args) > 0 {
			in = nil
		}
		return r.Receive(ctx, cmd, args, t.who, in, t.w)
	}
	return t.b.Command(ctx, cmd, args, t.who)
}

func needsArgs(cmd *xapi.Command) bool {
	return len(cmd.OneOf) > 0 || slices.ContainsFunc(cmd.Params, func(p xapi.Param) bool { return p.Required })
}

// agreed asks a command's question, if it has one and there is somebody to ask.
func (t *turn) agreed(question string) bool {
	return question == "" || t.ask != nil && t.ask(question)
}

func (t *turn) unasked(question string) error {
	if t.ask != nil {
		return errors.New("the answer was not yes, so nothing was done")
	}
	return errors.New(question + " Put ! at the end of the line to say yes")
}

// findCommand finds the command that the first words name: run together, or each
// word of the spaced name shortened while unique.
func findCommand(role xapi.Role, words []word) (*xapi.Command, []word, error) {
	names := plain(words)
	cmd, rest, err := xapi.FindCommand(role, names)
	if err == nil {
		return cmd, words[len(names)-len(rest):], nil
	}
	var hits []*xapi.Command
	used := 0
	for _, c := range commandsOf(role) {
		if n := spacedPrefix(c, names); n > 0 {
			hits, used = append(hits, c), n
		}
	}
	if len(hits) == 1 {
		return hits[0], words[used:], nil
	}
	return nil, nil, err
}

// plain are the texts of the words that can be part of a name: those before the
// first quoted or marked one.
func plain(words []word) []string {
	var out []string
	for _, w := range words {
		if w.quoted || strings.Contains(w.text, ":") {
			break
		}
		out = append(out, w.text)
	}
	return out
}

func spacedPrefix(c *xapi.Command, words []string) int {
	name := strings.Fields(c.Spaced)
	if len(words) < len(name) {
		return 0
	}
	for i, part := range name {
		if len(words[i]) > len(part) || !strings.EqualFold(part[:len(words[i])], words[i]) {
			return 0
		}
	}
	return len(name)
}

func commandsOf(role xapi.Role) []*xapi.Command {
	return slices.DeleteFunc(slices.Clone(xapi.Commands()), func(c *xapi.Command) bool { return !c.Role.Has(role) })
}

// marked turns words into arguments. A word with a colon is a mark if what stands
// before the colon is a parameter's name; so sip:alice@example.com is a value
// unless a parameter is called sip, and then it is quoted.
func marked(cmd *xapi.Command, words []word) (args []xapi.Arg) {
	for i := 0; i < len(words); i++ {
		args = append(args, argument(cmd, words, &i))
	}
	return args
}

func argument(cmd *xapi.Command, words []word, i *int) xapi.Arg {
	w := words[*i]
	name, rest, colon := strings.Cut(w.text, ":")
	if w.quoted || !colon || rest != "" && unknown(cmd, name) {
		return xapi.Arg{Value: w.text}
	}
	if rest == "" && *i+1 < len(words) {
		*i++
		rest = words[*i].text
	}
	return xapi.Arg{Name: name, Value: rest}
}

func unknown(cmd *xapi.Command, name string) bool {
	_, err := cmd.Param(name)
	return err != nil
}

// commandElsewhere explains a command that this role does not have.
func (t *turn) commandElsewhere(words []word, err error) error {
	if cmd, _, e := findCommand(xapi.Both, words); e == nil && !cmd.Role.Has(t.b.Role()) {
		return usageError(fmt.Sprintf("%s is a command of %s; this is %s", cmd.Name, cmd.Role, t.b.Role()))
	}
	if a, ok := xapi.FindAbsentCommand(plain(words)); ok {
		return usageError(fmt.Sprintf("%s: known, not here: %s", a.Path, a.Why))
	}
	var w *xapi.WordError
	if errors.As(err, &w) && len(w.Allowed) > 8 {
		return &xapi.WordError{Word: clip(w.Word), Why: "is not a command; type xCommand ? for the list", Nearest: w.Nearest}
	}
	return err
}
