package config

import (
	"errors"
	"strings"

	"sallyport/appliance/xapi"
)

// line is one line of an export or a dump, read with the help of a word tree:
// where a path ends only the tree knows, since colon and quotes may be missing.
type line struct {
	place xapi.Place
	value string
}

// maxLine bounds a line; the longest value is a key of 2048 characters.
const maxLine = 16 * 1024

var (
	errNoValue  = errors.New("no value follows the path")
	errTrailing = errors.New("something follows the closing quote")
	errInner    = errors.New("the path does not end here")
)

// quiet reports whether a line says nothing: blank, a comment, or one of the
// markers around a dump.
func quiet(text string) bool {
	switch {
	case text == "", text == "OK", text[0] == '#', strings.HasPrefix(text, "//"):
		return true
	}
	return text == "*c/end" || text == "** end"
}

// setting strips the marks before a setting's path: "*c " and xConfiguration,
// which may be shortened as on the shell. ok is false for lines of other verbs.
func setting(text string) (path string, ok bool) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "*c "))
	verb, rest, _ := strings.Cut(text, " ")
	verb = strings.ToLower(verb)
	if len(verb) >= 4 && strings.HasPrefix("xconfiguration", verb) {
		return strings.TrimSpace(rest), true
	}
	return text, !strings.HasPrefix(verb, "x") || verb == "xcp" || verb == "xmpp"
}

// parseLine reads the path and value of a setting by the given tree. Forms:
// Path: "value", Path: value, Path "value", Path:value, Path value.
func parseLine(tree *xapi.Word, text string) (line, error) {
	var l line
	at, rest := tree, text
	for len(at.Children) > 0 && !(at.Item != nil && valueFollows(rest)) {
		word, after := nextWord(rest)
		if word == "" {
			return l, errInner
		}
		next, n, err := at.Child(word)
		if err != nil {
			return l, err
		}
		if next.Index() {
			l.place.Idx = append(l.place.Idx, n)
		}
		at, rest = next, after
	}
	l.place.Item = at.Item
	var err error
	l.value, err = lineValue(rest)
	return l, err
}

// valueFollows reports whether rest begins a value rather than a further word,
// for paths that are the beginning of others.
func valueFollows(rest string) bool {
	rest = strings.TrimSpace(rest)
	return rest == "" || rest[0] == ':' || rest[0] == '"'
}

func nextWord(text string) (word, rest string) {
	text = strings.TrimLeft(text, " \t")
	end := strings.IndexAny(text, " \t:\"")
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

func lineValue(rest string) (string, error) {
	rest = strings.TrimSpace(rest)
	rest = strings.TrimSpace(strings.TrimPrefix(rest, ":"))
	if rest == "" {
		return "", errNoValue
	}
	if rest[0] != '"' {
		return rest, nil
	}
	value, after, err := xapi.Unquote(rest)
	if err == nil && strings.TrimSpace(after) != "" {
		err = errTrailing
	}
	return value, err
}
