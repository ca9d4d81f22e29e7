package conform_test

import (
	"strings"

	"sallyport/test/lab"
)

// A passage is something that a proxy has no say in and must leave as it came.
type passage struct {
	name, section, about string
	method               string
	put                  func(p *play, m *lab.Message)
	header               string   // whose rows must arrive as they left
	rows                 []string // what they are, if not what put wrote
}

// passages reach the far end with what is not the proxy's untouched.
func passages() (all []scenario) {
	for _, c := range passageTable() {
		all = append(all, scenario{c.name, c.section, c.about, func(p *play) {
			p.register()
			if c.method == "" {
				c.method = "MESSAGE"
			}
			m := p.request(c.method, p.to("bob"))
			c.put(p, m)
			p.send(m)
			h := p.atFar(c.method)
			want := rows(m, c.header)
			if c.rows != nil {
				want = c.rows
			}
			p.same(c.header, strings.Join(rows(h.Message, c.header), "\n"), strings.Join(want, "\n"))
			p.same("body", string(h.Body), string(m.Body))
			p.answer(h, 202, "Accepted")
			p.atPhone(202)
		}})
	}
	return all
}

func rows(m *lab.Message, name string) (all []string) {
	for _, f := range m.Fields {
		if strings.EqualFold(f.Name, name) {
			all = append(all, f.Value)
		}
	}
	return all
}

func body(kind, text string) func(*play, *lab.Message) {
	return func(_ *play, m *lab.Message) {
		m.Add("Content-Type", kind)
		m.Body = []byte(strings.ReplaceAll(text, "\n", "\r\n"))
	}
}

func header(name string, values ...string) func(*play, *lab.Message) {
	return func(_ *play, m *lab.Message) {
		m.Del(name)
		for _, v := range values {
			m.Add(name, v)
		}
	}
}

func passageTable() []passage {
	return []passage{
		{name: "unknown-header", section: "3261 16.6", about: "a header that nobody knows", put: header("X-Nobody-Knows", `some; "odd"  ,,; value`), header: "X-Nobody-Knows"},
		{name: "unknown-method", section: "3261 16", about: "a method that nobody knows", method: "FROBNICATE", put: header("Subject", "x"), header: "CSeq"},
		{name: "order-of-rows", section: "3261 7.3.1", about: "several rows of one header keep their order", put: header("Recv-Info", "conference", "x-cisco-conference"), header: "Recv-Info"},
		{name: "require", section: "3261 20.32", about: "Require is for the far end, not for a proxy", put: header("Require", "nobody-knows"), header: "Require"},
		{name: "supported", section: "3261 20.37", about: "Supported", put: header("Supported", "replaces,join,sdp-anat,norefersub,X-cisco-xsi-8.5.1"), header: "Supported"},
		{name: "display-utf8", section: "3261 25.1", about: "a display name beyond ASCII", put: func(p *play, m *lab.Message) { m.Set("To", `"Bärbel ☎" <`+p.to("bob")+`>`) }, header: "To"},
		{name: "display-escaped", section: "3261 25.1", about: "escapes and commas in a quoted display name", put: func(p *play, m *lab.Message) { m.Set("To", `"A \"B\", C;D" <`+p.to("bob")+`>;x=1`) }, header: "To"},
		{name: "uri-parameters", section: "3261 19.1.1", about: "unknown parameters of a URI", put: func(p *play, m *lab.Message) { m.Set("To", `<`+p.to("bob")+`;user=phone;x-odd=%41>`) }, header: "To"},
		{name: "long-header", section: "3261 7.3.1", about: "a header of 4 kB", put: header("Subject", strings.Repeat("long ", 800)+"end"), header: "Subject"},
		{name: "many-headers", section: "3261 7.3.1", about: "sixty rows", put: func(_ *play, m *lab.Message) {
			for range 60 {
				m.Add("X-Row", "one of sixty")
			}
		}, header: "X-Row"},
		{name: "cseq-highest", section: "3261 8.1.1.5", about: "the highest CSeq there is", put: header("CSeq", "2147483647 MESSAGE"), header: "CSeq"},
		{name: "session-id", section: "7989 6", about: "Session-ID", put: header("Session-ID", "0123456789abcdef0123456789abcdef;remote=00000000000000000000000000000000"), header: "Session-ID"},
		{name: "replaces", section: "3891 3", about: "Replaces names a dialog of the far end's", method: "OPTIONS", put: header("Replaces", "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff"), header: "Replaces"},
		{name: "join", section: "3911 3", about: "Join names a dialog", method: "OPTIONS", put: header("Join", "12adf2f34456gs5;to-tag=12345;from-tag=54321"), header: "Join"},
		{name: "target-dialog", section: "4538 3", about: "Target-Dialog", method: "OPTIONS", put: header("Target-Dialog", "fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544"), header: "Target-Dialog"},
		{name: "accept-contact", section: "3841 9", about: "caller preferences", put: header("Accept-Contact", `*;audio;require`, `*;mobility="fixed"`), header: "Accept-Contact"},
		{name: "session-expires", section: "4028 8", about: "Session-Expires and its refresher", method: "OPTIONS", put: header("Session-Expires", "1800;refresher=uac"), header: "Session-Expires"},
		{name: "min-se", section: "4028 8", about: "Min-SE", method: "OPTIONS", put: header("Min-SE", "90"), header: "Min-SE"},
		{name: "priority", section: "3261 20.26", about: "Priority", put: header("Priority", "emergency"), header: "Priority"},
		{name: "resource-priority", section: "4412 3", about: "Resource-Priority", put: header("Resource-Priority", "wps.3, dsn.flash"), header: "Resource-Priority"},
		{name: "reason", section: "3326 2", about: "Reason in a request", put: header("Reason", `Q.850;cause=16;text="Terminated"`), header: "Reason"},
		{name: "date", section: "3261 20.17", about: "a Date that is no date is the far end's to judge", put: header("Date", "tomorrow"), header: "Date"},
		{name: "authorization-unknown", section: "3261 20.7", about: "credentials of an unknown scheme", put: header("Authorization", "NoOneKnowsThisScheme opaque-data=here"), header: "Authorization"},
		{name: "body-unknown", section: "3261 7.4", about: "a body of unknown type", put: body("application/unknown", "any\x00thing\n"), header: "Content-Type"},
		{name: "body-multipart", section: "5621 3", about: "a multipart body without a session description", put: body("multipart/mixed;boundary=b", "--b\nContent-Type: text/plain\n\none\n--b\nContent-Type: application/x-cisco-remotecc-request+xml\n\n<x/>\n--b--\n"), header: "Content-Type"},
		{name: "body-remotecc", section: "3515 2", about: "remote call control of phones", method: "REFER", put: func(p *play, m *lab.Message) {
			m.Add("Refer-To", "<urn:x-cisco-remotecc:token-registration>")
			body("application/x-cisco-remotecc-request+xml", "<x-cisco-remotecc-request><softkeyeventmsg/></x-cisco-remotecc-request>\n")(p, m)
		}, header: "Refer-To"},
		{name: "body-publish", section: "3903 4", about: "a state that is published", method: "PUBLISH", put: func(p *play, m *lab.Message) {
			m.Add("Event", "presence")
			body("application/pidf+xml", "<presence/>\n")(p, m)
		}, header: "Event"},
		{name: "body-8k", section: "3261 18.1.1", about: "a body of 8 kB", put: body("text/plain", strings.Repeat("all work and no play ", 400)), header: "Content-Type"},
		{name: "compact-names", section: "3261 7.3.3", about: "compact header names mean what the long ones do", put: func(_ *play, m *lab.Message) { m.Add("k", "foo").Add("s", "compact") }, header: "Subject", rows: []string{"compact"}},
		{name: "folded", section: "3261 7.3.1", about: "a folded row is one row", put: func(_ *play, m *lab.Message) { m.Add("Subject", "one\r\n  two\r\n\tthree") }, header: "Subject", rows: []string{"one two three"}},
		{name: "no-max-forwards", section: "3261 16.6", about: "a request without Max-Forwards gets one, no higher than the zone's hop count", put: func(_ *play, m *lab.Message) { m.Del("Max-Forwards") }, header: "Max-Forwards", rows: []string{"14"}},
		{name: "asserted-identity", section: "3325 5", about: "a stranger's P-Asserted-Identity is taken off", put: header("P-Asserted-Identity", "<sip:boss@far.example.com>"), header: "P-Asserted-Identity", rows: []string{}},
		{name: "remote-party-id", section: "3325 5", about: "so is its Remote-Party-ID", put: header("Remote-Party-ID", "<sip:boss@far.example.com>;party=calling"), header: "Remote-Party-ID", rows: []string{}},
		{name: "private-headers", section: "3261 16.6", about: "what the two nodes tell each other leaves neither", put: header("X-Sallyport-Trace", "forged"), header: "X-Sallyport-Trace", rows: []string{}},
		{name: "uri-escaped", section: "3261 19.1.2", about: "an escaped user part", put: func(_ *play, m *lab.Message) { m.SetURI("sip:bob%40home@" + domain) }, header: "CSeq"},
	}
}
