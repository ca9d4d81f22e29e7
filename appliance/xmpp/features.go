package xmpp

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

// offer is a list of stream features as a client may see it.
type offer struct {
	raw       []byte   // the list, with what must not pass cut out
	startTLS  bool     // it offered STARTTLS
	login     bool     // it offered mechanisms
	mechanism []string // … of which these are left
	hosts     []string // nodes that the list hints at
}

// features reads the list of a Stanza <features/>. What ends with a TLS
// connection is cut out, since the client's ends at edge: mechanisms that bind
// to the channel or prove identity by certificate, and SASL 2 with its
// inlined tokens, which do both. So is compression, which would hide the stream
// from us, what would let strangers log in or sign up by another way than SASL,
// and the names of inside nodes.
// ns are the prefixes that the stream's header declares.
func features(p Piece, ns map[string]string) (offer, error) {
	o := offer{}
	d := xml.NewDecoder(bytes.NewReader(p.Raw))
	var open []xml.Name
	var cuts [][2]int64 // from, to
	cutting := 0        // depth of the element being cut; 0: none
	var text strings.Builder
	start := int64(0)
	for {
		at := d.InputOffset()
		t, err := d.Token()
		if err == io.EOF {
			o.raw = without(p.Raw, cuts)
			return o, nil
		}
		if err != nil {
			return o, &Fault{Condition: condRemoteFailed, Err: err}
		}
		switch t := t.(type) {
		case xml.StartElement:
			t.Name = known(t.Name, ns)
			open = append(open, t.Name)
			if len(open) == 2 || len(open) == 3 && open[1].Local == "mechanisms" {
				start = at
				text.Reset()
			}
			if cutting == 0 && len(open) == 2 && unfit(t.Name) {
				cutting = len(open)
			}
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			t.Name = known(t.Name, ns)
			cut := cutting == len(open)
			switch {
			case len(open) == 2 && t.Name == (xml.Name{Space: nsTLS, Local: "starttls"}):
				o.startTLS = true
			case len(open) == 2 && t.Name.Local == "mechanisms":
				o.login = true
			case len(open) == 3 && open[1] == (xml.Name{Space: nsSASL, Local: "mechanisms"}):
				cut = o.inner(t.Name, strings.TrimSpace(text.String()))
			}
			if cut {
				cuts = append(cuts, [2]int64{start, d.InputOffset()})
				cutting = 0
			}
			open = open[:len(open)-1]
		}
	}
}

// known resolves a prefix that stands in the header.
func known(n xml.Name, ns map[string]string) xml.Name {
	if space, ok := ns[n.Space]; ok && n.Space != "" {
		n.Space = space
	}
	return n
}

// unfit tells whether a feature must not reach a client.
func unfit(n xml.Name) bool {
	return slices.Contains([]xml.Name{
		{Space: nsTLS, Local: "starttls"},
		{Space: nsSASL2, Local: "authentication"},
		{Space: nsBinding, Local: "sasl-channel-binding"},
		{Space: nsCompress, Local: "compression"},
		{Space: nsRegister, Local: "register"},
		{Space: nsOldAuth, Local: "auth"},
	}, n)
}

// inner reads an element among the mechanisms and tells whether to cut it.
func (o *offer) inner(n xml.Name, text string) (cut bool) {
	switch {
	case n.Local == "mechanism" && tied(text):
		return true
	case n.Local == "mechanism":
		o.mechanism = append(o.mechanism, text)
	case n == (xml.Name{Space: nsHostName, Local: "hostname"}):
		o.hosts = append(o.hosts, text)
		return true
	}
	return false
}

// tied tells whether a mechanism proves something about a TLS connection, which
// is another one on our far side.
func tied(mechanism string) bool {
	m := strings.ToUpper(mechanism)
	return m == "EXTERNAL" || strings.HasSuffix(m, "-PLUS")
}

func without(raw []byte, cuts [][2]int64) []byte {
	out := make([]byte, 0, len(raw))
	at := int64(0)
	for _, c := range cuts {
		if c[0] < at {
			out = out[:len(out)-int(at-c[0])] // an outer element ends after its inner ones
		} else {
			out = append(out, raw[at:c[0]]...)
		}
		at = c[1]
	}
	return append(out, raw[at:]...)
}
