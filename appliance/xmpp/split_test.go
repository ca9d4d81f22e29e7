package xmpp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const head = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.com' version='1.0'>"

// pieces cuts a whole stream.
func pieces(r io.Reader, max int) (all []Piece, err error) {
	s := NewSplitter(r, max)
	for {
		p, err := s.Next()
		if err != nil {
			return all, err
		}
		p.Raw = bytes.Clone(p.Raw)
		all = append(all, p)
	}
}

func TestSplitKeepsEveryByte(t *testing.T) {
	want := []string{
		head,
		"\n \t",
		"<iq type='get' id=\"a&quot;1\"><query xmlns='x:y'/><a:b xmlns:a='z'>&lt;é]]&gt;<![CDATA[<raw>]]></a:b></iq >",
		"<r xmlns='urn:xmpp:sm:3'/>",
		" ",
		"<message\r\n to='b@example.com'><body>a > b &#x1F600; \u00e9</body></message>",
		"</stream:stream>",
		"\n",
	}
	stream := strings.Join(want, "")
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(stream), "bytes": iotest.OneByteReader(strings.NewReader(stream)),
		"halves": iotest.HalfReader(strings.NewReader(stream)), "with error": iotest.DataErrReader(strings.NewReader(stream)),
	} {
		all, err := pieces(r, 1<<20)
		if err != io.EOF {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, p := range all {
			if n := len(got); p.Kind == Space && n > 0 && spaces([]byte(got[n-1])) == len(got[n-1]) {
				got[n-1] += string(p.Raw) // how white space is cut hangs on how it arrives
				continue
			}
			got = append(got, string(p.Raw))
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
		}
	}
}

func TestSplitNamesPieces(t *testing.T) {
	all, _ := pieces(strings.NewReader(head+" <iq/><s:auth xmlns:s='"+nsSASL+"' mechanism='PLAIN'/><stream:error/></stream:stream>"), 1<<10)
	want := []struct {
		kind Kind
		name xml.Name
	}{
		{Header, xml.Name{Space: nsStream, Local: "stream"}}, {Space, xml.Name{}}, {Stanza, xml.Name{Space: nsClient, Local: "iq"}},
		{Stanza, xml.Name{Space: nsSASL, Local: "auth"}}, {Stanza, xml.Name{Space: nsStream, Local: "error"}}, {End, xml.Name{}},
	}
	if len(all) != len(want) {
		t.Fatalf("%d pieces", len(all))
	}
	for i, w := range want {
		if all[i].Kind != w.kind || all[i].Name != w.name {
			t.Errorf("piece %d is %v %v, want %v", i, all[i].Kind, all[i].Name, w)
		}
	}
	if all[0].Value("to") != "example.com" || all[3].Value("mechanism") != "PLAIN" {
		t.Error("attributes are lost")
	}
}

func TestSplitRefuses(t *testing.T) {
	deep := strings.Repeat("<a>", maxDepth+1)
	attrs := &strings.Builder{}
	for i := range maxAttrs + 1 {
		attrs.WriteString(" a" + strings.Repeat("x", i) + "='1'")
	}
	for _, tc := range []struct{ name, stream, condition string }{
		{"comment", head + "<iq><!-- x --></iq>", condRestricted},
		{"comment between", head + "<!-- x -->", condRestricted},
		{"processing instruction", head + "<iq><?php x?></iq>", condRestricted},
		{"second declaration", head + "<?xml version='1.0'?>", condRestricted},
		{"document type", "<!DOCTYPE x [<!ENTITY a 'aa'>]>" + head, condRestricted},
		{"document type within", head + "<!DOCTYPE x>", condRestricted},
		{"entity", head + "<iq>&a;</iq>", condRestricted},
		{"text between", head + "hello<iq/>", condBadFormat},
		{"escaped space between", head + "&#32;<iq/>", condBadFormat},
		{"no XML", "GET / HTTP/1.1\r\n\r\n<", condBadFormat},
		{"wrong order", head + "<iq><a><b></a></b></iq>", condNotWellFormed},
		{"foreign end", head + "</iq>", condNotWellFormed},
		{"stream within", head + head[21:], condNotWellFormed},
		{"stream within, prefix", head + "<s:stream xmlns:s='" + nsStream + "'>", condNotWellFormed},
		{"twice", head + "<iq to='a' to='b'/>", condNotWellFormed},
		{"twice in header", strings.Replace(head, " to=", " to='b' to=", 1), condNotWellFormed},
		{"no UTF-8", head + "<iq>\xff\xfe</iq>", condNotWellFormed},
		{"control", head + "<iq>\x01</iq>", condNotWellFormed},
		{"bare quote", head + "<iq to=a/>", condNotWellFormed},
		{"encoding", "<?xml version='1.0' encoding='UTF-16'?>" + head[21:], condBadEncoding},
		{"other root", "<html xmlns='" + nsStream + "'>", condBadNamespace},
		{"other namespace", "<stream:stream xmlns:stream='x'>", condBadNamespace},
		{"ended at once", strings.Replace(head, "'1.0'>", "'1.0'/>", 1), condBadFormat},
		{"deep", head + deep, condPolicy},
		{"many attributes", head + "<iq" + attrs.String() + "/>", condPolicy},
		{"large", head + "<iq>" + strings.Repeat("x", 5000), condPolicy},
		{"large attribute", head + "<iq a='" + strings.Repeat("x", 5000), condPolicy},
		{"large name", head + "<" + strings.Repeat("x", 5000), condPolicy},
		{"large header", head[:len(head)-1] + " a='" + strings.Repeat("x", headSize), condPolicy},
	} {
		all, err := pieces(strings.NewReader(tc.stream), 4000)
		var f *Fault
		if !errors.As(err, &f) || f.Condition != tc.condition {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.condition)
		}
		if want := 1; strings.HasPrefix(tc.stream, head) && len(all) != want {
			t.Errorf("%s: %d pieces", tc.name, len(all))
		}
	}
}

func TestSplitBrokenSource(t *testing.T) {
	for _, stream := range []string{head[:20], head + "<iq", head + "<iq>text", head + "<iq/></stream"} {
		if _, err := pieces(strings.NewReader(stream), 4000); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: %v", stream, err)
		}
	}
	own := errors.New("line is cut")
	_, err := pieces(io.MultiReader(strings.NewReader(head+"<iq>"), iotest.ErrReader(own)), 4000)
	if !errors.Is(err, own) {
		t.Error(err)
	}
}

func TestSplitBudget(t *testing.T) {
	b := &budget{left: 100_000}
	big := head + "<iq>" + strings.Repeat("x", 60_000) + "</iq>"
	s := NewSplitter(strings.NewReader(big), 1<<20)
	s.budget = b
	s.Next()
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	second := NewSplitter(strings.NewReader(big), 1<<20)
	second.budget = b
	second.Next()
	var f *Fault
	if _, err := second.Next(); !errors.As(err, &f) || f.Condition != condResources {
		t.Error(err)
	}
	second.let()
	s.Next()
	if b.left != 100_000 {
		t.Errorf("%d bytes are left, want all", b.left)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(head+"<iq a='1'><b/>x</iq> <r/></stream:stream>"), 7)
	f.Add([]byte(head+"<m><![CDATA[ ]] > ]]></m><!-- -->"), 1)
	f.Add([]byte("<s:stream xmlns:s='"+nsStream+"'><s:a>&amp;</s:a>\n</s:stream>"), 3)
	f.Add([]byte(head+"<a b=\"/>'\" c='>'/><a/ ><a / >"), 3)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		s := NewSplitter(&slow{stream, max(1, size%64)}, 4096)
		var joined []byte
		var track tracker
		for {
			p, err := s.Next()
			if err == io.EOF && len(joined) != len(stream) {
				t.Errorf("the pieces %q end before the stream %q", joined, stream)
			}
			if err != nil {
				break
			}
			joined = append(joined, p.Raw...)
			track.write(p.Raw)
			if p.Kind == End {
				if !track.closed {
					t.Errorf("the tracker missed the end of %q", joined)
				}
				break
			}
			if p.Kind != Space && !track.between() {
				t.Errorf("the tracker is not between stanzas after %q", joined)
			}
			if p.Kind == Header && string(track.root) != s.root && len(s.root) <= 64 {
				t.Errorf("root %q, want %q", track.root, s.root)
			}
			if p.Kind == Stanza {
				if o, err := features(p, s.ns); err == nil && len(o.raw) > len(p.Raw) {
					t.Errorf("features grow: %q from %q", o.raw, p.Raw)
				}
				userOf(p, "example.com")
			}
		}
		if !bytes.HasPrefix(stream, joined) {
			t.Errorf("pieces %q are not the stream %q", joined, stream)
		}
	})
}

// Cutting a list of features a second time finds nothing more to cut.
func FuzzFeatures(f *testing.F) {
	f.Add("<mechanisms xmlns='" + nsSASL + "'><mechanism>A-PLUS</mechanism><mechanism> EXTERNAL</mechanism><hostname xmlns='" + nsHostName + "'>a</hostname></mechanisms>")
	f.Add("<starttls xmlns='" + nsTLS + "'><required/></starttls><a:mechanisms xmlns:a='" + nsSASL + "'><a:mechanism>PL<b/>AIN</a:mechanism></a:mechanisms>")
	f.Add("<authentication xmlns='" + nsSASL2 + "'><mechanisms><mechanism>X-PLUS</mechanism></mechanisms></authentication>")
	f.Add("<mechanisms xmlns='" + nsSASL + "'><mechanism><mechanism>EXTERNAL</mechanism></mechanism></mechanisms>")
	f.Fuzz(func(t *testing.T, list string) {
		s := NewSplitter(strings.NewReader(head+"<stream:features>"+list+"</stream:features>"), 1<<16)
		s.Next()
		p, err := s.Next()
		if err != nil {
			return
		}
		once, err := features(p, s.ns)
		if err != nil {
			return
		}
		again := NewSplitter(strings.NewReader(head+string(once.raw)), 1<<16)
		again.Next()
		p, err = again.Next()
		if err != nil {
			t.Fatalf("%q is cut to %q: %v", list, once.raw, err)
		}
		if twice, err := features(p, again.ns); err != nil || !bytes.Equal(once.raw, twice.raw) {
			t.Errorf("%q is cut to %q and then to %q, %v", list, once.raw, twice.raw, err)
		}
	})
}

// slow reads a few bytes at a time.
type slow struct {
	b []byte
	n int
}

func (s *slow) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.n)], s.b)
	s.b = s.b[n:]
	return n, nil
}

// TestSplitBoundsAttributes: a tag that never ends costs no more than what it may
// hold, since its attributes are counted while they come.
func TestSplitBoundsAttributes(t *testing.T) {
	const head = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'"
	for name, c := range map[string]struct {
		stream string
		ok     bool
	}{
		"header without end": {head + strings.Repeat(" a=''", maxAttrs), false},
		"stanza without end": {head + "><iq" + strings.Repeat(" a=''", maxAttrs+1), false},
		"equals in a value":  {head + "><iq a='" + strings.Repeat("=", 100) + "' b=\"'" + strings.Repeat("=", 100) + "\"/>", true},
		"equals in text":     {head + "><a>" + strings.Repeat("x=y ", 100) + "</a>", true},
		"equals in CDATA":    {head + "><a><![CDATA[<b]> " + strings.Repeat("c='d ", 100) + "]]></a>", true},
	} {
		s := NewSplitter(strings.NewReader(c.stream), 1<<20)
		var err error
		for err == nil {
			_, err = s.Next()
		}
		var f *Fault
		if faulty := errors.As(err, &f) && f.Condition == condPolicy; faulty == c.ok || c.ok && err != io.EOF {
			t.Errorf("%s: %v", name, err)
		}
	}
}
