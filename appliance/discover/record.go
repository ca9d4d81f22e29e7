package discover

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of an answer: what no cluster of 400 nodes comes near.
const (
	maxAnswer  = 16 << 20
	maxRecords = 50_000
	maxFields  = 500
	maxDepth   = 32
)

// A record is one row or object of an answer. Fields have the path of their
// element below the record, "ports/sipPorts/sipPhonePort", and keep their order.
type record struct {
	name   string
	fields []field
}

type field struct{ name, value string }

// get finds a field by its path, case aside.
func (r record) get(name string) string {
	for _, f := range r.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// A fault is what a server says that will not do as asked.
type fault struct {
	Code    string // of AXL
	Message string
}

func (f *fault) Error() string {
	if f.Code == "" {
		return fmt.Sprintf("the server says %q", f.Message)
	}
	return fmt.Sprintf("the server says %q (AXL code %s)", f.Message, f.Code)
}

var (
	errTooMuch = errors.New("the answer is longer than any cluster's")
	errNoReply = errors.New("the answer is not one of AXL")
)

// readSOAP reads an AXL answer: each child of <return> is a record. A SOAP fault
// is an error of type *fault.
func readSOAP(in io.Reader) ([]record, error) {
	all, f, err := readRecords(in, "return")
	if f != nil {
		return nil, f
	}
	return all, err
}

// readRecords reads the children of the first element with a local name as
// records. Where a Fault stands in its place it returns that.
func readRecords(in io.Reader, parent string) (all []record, f *fault, err error) {
	limited := &io.LimitedReader{R: in, N: maxAnswer}
	d := xml.NewDecoder(limited)
	for depth := 0; ; {
		t, err := d.Token()
		if err != nil {
			return nil, nil, why(err, limited)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return nil, nil, errTooMuch
			}
			switch t.Name.Local {
			case parent:
				all, err := readChildren(d)
				return all, nil, why(err, limited)
			case "Fault":
				f, err := readFault(d)
				return nil, f, why(err, limited)
			}
		case xml.EndElement:
			depth--
		}
	}
}

// why tells an answer that was cut by the limit from one that is no answer.
func why(err error, l *io.LimitedReader) error {
	var syntax *xml.SyntaxError
	switch {
	case err == nil:
		return nil
	case l.N <= 0 || errors.Is(err, errTooMuch):
		return errTooMuch
	case errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %v", errNoReply, err)
	}
	return err
}

func readFault(d *xml.Decoder) (*fault, error) {
	r, err := readRecord(d, "Fault")
	if err != nil {
		return nil, err
	}
	f := &fault{}
	for _, v := range r.fields {
		switch name := v.name[strings.LastIndexByte(v.name, '/')+1:]; name {
		case "faultstring", "axlmessage", "Text":
			if f.Message == "" || name == "axlmessage" {
				f.Message = clean(v.value)
			}
		case "axlcode":
			f.Code = clean(v.value)
		}
	}
	return f, nil
}

// clean makes a foreign text fit for one line of a log.
func clean(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// readChildren reads records up to the end of the element that d is in.
func readChildren(d *xml.Decoder) (all []record, err error) {
	for {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			r, err := readRecord(d, t.Name.Local)
			if err != nil {
				return nil, err
			}
			if all = append(all, r); len(all) > maxRecords {
				return nil, errTooMuch
			}
		case xml.EndElement:
			return all, nil
		}
	}
}

// readRecord reads one element whose start has been read. Text that stands
// beside elements is left out; an element with text only is a field, and so is
// the record itself if it has nothing else.
func readRecord(d *xml.Decoder, name string) (record, error) {
	r := record{name: name}
	var path []string
	var text strings.Builder
	leaf := true
	for {
		t, err := d.Token()
		if err != nil {
			return r, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			path, leaf = append(path, t.Name.Local), true
			text.Reset()
			if len(path) > maxDepth {
				return r, errTooMuch
			}
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if leaf {
				r.fields = append(r.fields, field{strings.Join(path, "/"), strings.TrimSpace(text.String())})
			}
			if len(path) == 0 {
				return r, nil
			}
			if len(r.fields) > maxFields {
				return r, errTooMuch
			}
			path, leaf = path[:len(path)-1], false
		}
	}
}
