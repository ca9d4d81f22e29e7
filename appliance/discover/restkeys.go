package discover

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"sallyport/appliance/uc"
)

// restKeys reads the keys from a REST resource of the publisher, with the
// account that AXL takes. No resource of this kind is published, so its path is
// configured, and its answer is read in every form that it may have.
type restKeys struct {
	web  *web
	path string
}

// Fetch asks for the resource. One that is there and empty brings ErrNoKeys.
func (k restKeys) Fetch(ctx context.Context) (uc.TokenKey, error) {
	r := request{method: http.MethodGet, path: k.path, header: http.Header{"Accept": {"application/json, application/xml;q=0.9"}}, name: k.path}
	all, err := k.web.do(ctx, r, readResource)
	if err != nil {
		return uc.TokenKey{}, err
	}
	return keysOf(all)
}

// maxResource bounds what a resource of two keys may be.
const maxResource = 1 << 20

var errResource = errors.New("the answer is neither JSON nor XML")

// readResource reads JSON or XML as records: each object or element with values
// of its own is one, in the order in which they begin.
func readResource(in io.Reader) ([]record, error) {
	limited := &io.LimitedReader{R: in, N: maxResource}
	text, err := io.ReadAll(limited)
	switch {
	case err != nil:
		return nil, err
	case limited.N <= 0:
		return nil, errTooMuch
	}
	t := resource{}
	switch trimmed := strings.TrimLeft(string(text), " \t\r\n\ufeff"); {
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["):
		err = t.json("", []byte(trimmed), 0)
	case strings.HasPrefix(trimmed, "<"):
		err = t.xml(xml.NewDecoder(strings.NewReader(trimmed)))
	default:
		err = errResource
	}
	return t.all, err
}

// resource collects records.
type resource struct{ all []record }

func (t *resource) begin(name string) (at int, err error) {
	if len(t.all) >= maxFields {
		return 0, errTooMuch
	}
	t.all = append(t.all, record{name: name})
	return len(t.all) - 1, nil
}

func (t *resource) add(at int, name, value string) error {
	if len(t.all[at].fields) >= maxFields {
		return errTooMuch
	}
	t.all[at].fields = append(t.all[at].fields, field{name, value})
	return nil
}

// json reads a value. A key that is written as a JWK is one value whole.
func (t *resource) json(name string, raw []byte, depth int) error {
	if depth > maxDepth {
		return errTooMuch
	}
	if strings.HasPrefix(string(raw), "[") {
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return fmt.Errorf("%w: %w", errResource, err)
		}
		for _, item := range items {
			if err := t.member(-1, name, item, depth); err != nil {
				return err
			}
		}
		return nil
	}
	members, err := membersOf(raw)
	if err != nil {
		return fmt.Errorf("%w: %w", errResource, err)
	}
	at, err := t.begin(name)
	if err != nil {
		return err
	}
	if k, ok := parseJWK(string(raw)); ok && k.Kty != "" {
		if err := t.add(at, name, string(raw)); err != nil {
			return err
		}
	}
	for _, m := range members {
		if err := t.member(at, m.name, m.value, depth); err != nil {
			return err
		}
	}
	return nil
}

// member takes a text into the record at, and what is within on its own; at -1
// makes a record of it.
func (t *resource) member(at int, name string, raw json.RawMessage, depth int) (err error) {
	switch raw = json.RawMessage(strings.TrimSpace(string(raw))); raw[0] {
	case '{', '[':
		return t.json(name, raw, depth+1)
	case '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return fmt.Errorf("%w: %w", errResource, err)
		}
		if at < 0 {
			if at, err = t.begin(name); err != nil {
				return err
			}
		}
		return t.add(at, name, text)
	}
	return nil // numbers and truths are no keys
}

type member struct {
	name  string
	value json.RawMessage
}

// membersOf keeps the order of an object's members: of several pairs of keys
// the last one counts.
func membersOf(raw []byte) (out []member, err error) {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errResource
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	_, err = d.Token()
	return out, err
}

// xml reads elements; attributes are values like texts.
func (t *resource) xml(d *xml.Decoder) error {
	type open struct {
		name string
		at   int // of its record, -1 while it has none
		text strings.Builder
		leaf bool
	}
	var path []*open
	record := func(e *open) (err error) {
		if e.at < 0 {
			e.at, err = t.begin(e.name)
		}
		return err
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && len(path) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errResource, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(path) > 0 {
				path[len(path)-1].leaf = false
			}
			e := &open{name: token.Name.Local, at: -1, leaf: true}
			if path = append(path, e); len(path) > maxDepth {
				return errTooMuch
			}
			for _, a := range token.Attr {
				if err := record(e); err != nil {
					return err
				}
				if err := t.add(e.at, a.Name.Local, a.Value); err != nil {
					return err
				}
			}
		case xml.CharData:
			if len(path) > 0 {
				path[len(path)-1].text.Write(token)
			}
		case xml.EndElement:
			e := path[len(path)-1]
			path = path[:len(path)-1]
			if !e.leaf {
				continue
			}
			owner := e // an element with attributes has its text for itself
			if e.at < 0 && len(path) > 0 {
				owner = path[len(path)-1]
			}
			if err := record(owner); err != nil {
				return err
			}
			if err := t.add(owner.at, e.name, strings.TrimSpace(e.text.String())); err != nil {
				return err
			}
		}
	}
}
