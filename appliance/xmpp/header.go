package xmpp

import (
	"bytes"
	"encoding/xml"
	"strings"
	"unicode"
)

// domainOf is whom a stream's header is to, in lower case.
func domainOf(p Piece) string {
	return strings.ToLower(strings.TrimSuffix(p.Value("to"), "."))
}

// printable is a stranger's text cut to what a log line bears.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if len(s) > 255 {
		s = strings.ToValidUTF8(s[:255], "")
	}
	return s
}

// otherHost is what a stream error refers to, without its port; "" if it does
// not.
func otherHost(raw []byte) string {
	d := xml.NewDecoder(bytes.NewReader(raw))
	for within := false; ; {
		t, err := d.RawToken()
		if err != nil {
			return ""
		}
		switch t := t.(type) {
		case xml.StartElement:
			within = t.Name.Local == "see-other-host"
		case xml.CharData:
			if within {
				return bareHost(string(t))
			}
		case xml.EndElement:
			within = false
		}
	}
}

// bareHost is a host without port and brackets.
func bareHost(s string) string {
	s = strings.TrimSpace(s)
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, _, _ = strings.Cut(inner, "]")
		return strings.ToLower(inner)
	}
	if strings.Count(s, ":") == 1 {
		s, _, _ = strings.Cut(s, ":")
	}
	return strings.ToLower(s)
}
