package shell

import (
	"slices"
	"strings"

	"sallyport/appliance/xapi"
)

// Mask returns the line with every password replaced, for histories and logs. A
// line that is not understood loses whatever might be one.
func (s *Session) Mask(line string) string {
	words, err := lex(line)
	if err != nil || len(words) < 2 {
		return maskBlindly(line)
	}
	at, _, err := s.verbs.Child(words[0].text)
	switch {
	case err != nil, at.Word == "xCommand": // a mistyped xComand is masked as well
		return s.maskCommand(line, words[1:])
	case at.Word == "xConfiguration":
		return s.maskConfiguration(line, words[1:])
	}
	return line
}

func (s *Session) maskConfiguration(line string, words []word) string {
	req, err := parsePath(s.both, words)
	var secrets []word
	for _, v := range req.settings {
		if v.place.Item.Masked() {
			secrets = append(secrets, v.word)
		}
	}
	line = replace(line, secrets)
	if err != nil {
		return maskBlindly(line)
	}
	return line
}

func (s *Session) maskCommand(line string, words []word) string {
	cmd, rest, err := findCommand(xapi.Both, words)
	if err != nil {
		return maskBlindly(line)
	}
	return replace(line, secretWords(cmd, rest))
}

// secretWords are the words that are values of secret parameters. Where a value
// cannot be told to belong to a parameter, it is taken for a secret if the
// command has any.
func secretWords(cmd *xapi.Command, words []word) (secrets []word) {
	if !slices.ContainsFunc(cmd.Params, func(p xapi.Param) bool { return p.Kind.Secret() }) {
		return nil
	}
	named := map[*xapi.Param]bool{}
	var open []word
	for i := 0; i < len(words); i++ {
		a := argument(cmd, words, &i)
		p, err := cmd.Param(a.Name)
		switch {
		case a.Name == "":
			open = append(open, words[i])
		case err != nil || p.Kind.Secret():
			secrets = append(secrets, tail(words[i], a.Value))
		}
		if p != nil {
			named[p] = true
		}
	}
	return append(secrets, secretPositions(cmd, named, open)...)
}

// tail is the part of a word that is the value: all of it, or what follows the
// colon.
func tail(w word, value string) word {
	if !w.quoted && len(value) < len(w.text) {
		w.start = w.end - len(value)
	}
	return w
}

func secretPositions(cmd *xapi.Command, named map[*xapi.Param]bool, open []word) (secrets []word) {
	for i := range cmd.Params {
		p := &cmd.Params[i]
		if named[p] || len(open) == 0 {
			continue
		}
		if p.Kind.Secret() {
			secrets = append(secrets, open[0])
		}
		open = open[1:]
	}
	return append(secrets, open...)
}

// replace puts the mask in place of words, from the last to the first.
func replace(line string, words []word) string {
	slices.SortFunc(words, func(a, b word) int { return b.start - a.start })
	for _, w := range words {
		line = line[:w.start] + `"` + xapi.Mask + `"` + line[w.end:]
	}
	return line
}

// maskBlindly cuts a line behind the first word that speaks of passwords or
// secrets.
func maskBlindly(line string) string {
	lower := strings.ToLower(line)
	for _, hint := range []string{"passw", "secret"} {
		at := strings.Index(lower, hint)
		if at < 0 {
			continue
		}
		if end := strings.IndexAny(line[at:], " :\t"); end >= 0 {
			return line[:at+end] + ` "` + xapi.Mask + `"`
		}
	}
	return line
}
