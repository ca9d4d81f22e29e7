package conform_test

import (
	"fmt"
	"regexp"
	"strings"

	"sallyport/test/lab"
)

// strangers are scanners: whatever they ask, users who exist and users who do
// not get the same answer, and nothing reaches the inside.
func strangers() (all []scenario) {
	for _, method := range []string{"OPTIONS", "INVITE", "SUBSCRIBE", "MESSAGE", "NOTIFY", "PUBLISH", "REFER", "INFO", "BYE", "UPDATE", "PRACK", "FROBNICATE"} {
		all = append(all, scenario{"scan-" + strings.ToLower(method), "3261 26.1", method + " without a registration tells nobody who exists", func(p *play) {
			p.register()
			scanner := p.connect()
			known := p.scan(scanner, method, p.user)
			unknown := p.scan(scanner, method, strings.Repeat("x", len(p.user)))
			p.same("answer for an unknown user", unknown, known)
			p.quiet()
		}})
	}
	for _, c := range []struct{ name, about, value string }{
		{"scan-friendly", "a scanner that says so itself", "friendly-scanner"},
		{"scan-sipvicious", "another one", "sipvicious"},
	} {
		all = append(all, scenario{c.name, "3261 26.1", c.about + " is treated as any stranger", func(p *play) {
			scanner := p.connect()
			m := p.strange(scanner, "OPTIONS", "100")
			m.Add("User-Agent", c.value)
			p.sendOn(scanner, m)
			p.onConn(scanner, 403)
			p.register().quiet()
		}})
	}
	return append(all,
		scenario{"scan-by-name", "3261 26.1", "an address of the edge itself as Request-URI", func(p *play) {
			scanner := p.connect()
			m := p.strange(scanner, "OPTIONS", "100")
			m.SetURI("sip:100@" + p.rig.pair.Outer.String())
			p.sendOn(scanner, m)
			if r, err := scanner.Final(patience); err != nil || r.Status() < 400 {
				p.Errorf("got %v, %v", r, err)
			}
		}},
		scenario{"scan-register", "3261 26.1", "REGISTER of users who exist and who do not is passed on alike", func(p *play) {
			var seen []string
			for _, user := range []string{"known", "nobody"} {
				m := p.request("REGISTER", "sip:"+p.domain)
				m.Set("From", "<"+p.to(user)+">;tag=1").Set("To", "<"+p.to(user)+">").Set("Contact", fmt.Sprintf("<sip:%s@%s>", user, p.phone.Local()))
				p.send(m)
				p.answer(p.atFar("REGISTER"), 401, "Unauthorized", "WWW-Authenticate", `Digest realm="far", nonce="1"`)
				seen = append(seen, plain(p.atPhone(401), user))
			}
			p.same("answer", seen[1], seen[0])
		}},
		scenario{"scan-toll", "3261 26.1", "a call to a number abroad without a registration", func(p *play) {
			scanner := p.connect()
			m := p.strange(scanner, "INVITE", "00441234567890")
			p.sendOn(scanner, m)
			if r, err := scanner.Final(patience); err != nil || r.Status() != 403 {
				p.Errorf("got %v, %v", r, err)
			}
			p.register().quiet()
		}},
	)
}

func (p *play) strange(x *lab.Stranger, method, user string) *lab.Message {
	p.count++
	uri := p.to(user)
	m := x.Forge(method, uri, "sip:mallory@"+p.domain, uri)
	return m.Set("Call-ID", fmt.Sprintf("%s-%d@scan", p.id, p.count))
}

func (p *play) scan(x *lab.Stranger, method, user string) string {
	p.Helper()
	p.sendOn(x, p.strange(x, method, user))
	r, err := x.Final(patience)
	if err != nil {
		p.Fatal(err)
	}
	if r.Status() < 400 {
		p.Errorf("%s to %s is answered %s", method, user, r.Start)
	}
	return plain(r, user)
}

// plain is a response without what differs between any two.
func plain(r *lab.Message, user string) string {
	text := string(r.Bytes())
	text = strings.ReplaceAll(text, user, "USER")
	text = regexp.MustCompile(`(branch|tag|Call-ID)(=|: )[^;>\s]+`).ReplaceAllString(text, "$1")
	return regexp.MustCompile(`(?m)^(Date|Retry-After):.*$`).ReplaceAllString(text, "$1")
}
