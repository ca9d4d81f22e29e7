package conform_test

import "fmt"

// answers come from the far end and reach the phone as a proxy must pass them.
func answers() (all []scenario) {
	for _, a := range []struct{ from, to int }{
		{200, 200}, {202, 202}, {204, 204}, {299, 299}, {302, 302}, {400, 400}, {401, 401}, {403, 403}, {404, 404}, {407, 407},
		{415, 415}, {422, 422}, {480, 480}, {486, 486}, {489, 489}, {494, 494}, {499, 499}, {500, 500}, {503, 503}, {599, 599},
		{600, 600}, {603, 603}, {606, 606}, {699, 699},
	} {
		about := "is passed on"
		switch {
		case a.from == 503:
			about = "is passed on: every peer was tried, and the client may have another edge"
		case a.from%100 == 99:
			about = "is passed on, though nobody knows it"
		}
		all = append(all, scenario{fmt.Sprint("answer-", a.from), "3261 16.7", fmt.Sprint("a final ", a.from, " ", about), func(p *play) {
			p.register()
			m := p.send(p.request("OPTIONS", p.to("bob")))
			h := p.atFar("OPTIONS")
			p.answer(h, a.from, "As It Is ☺", "X-Odd", "kept")
			r := p.atPhone(a.to)
			p.same("Vias", fmt.Sprint(len(r.All("Via"))), "1")
			p.same("branch", param(r.Get("Via"), "branch"), param(m.Get("Via"), "branch"))
			p.same("CSeq", r.Get("CSeq"), m.Get("CSeq"))
			if a.from == a.to {
				p.same("reason", r.Start, fmt.Sprint("SIP/2.0 ", a.to, " As It Is ☺"))
				p.same("X-Odd", r.Get("X-Odd"), "kept")
			}
			p.quiet()
		}})
	}
	for _, status := range []int{180, 181, 182, 183, 199} {
		all = append(all, scenario{fmt.Sprint("answer-", status), "3261 16.7", fmt.Sprint("a provisional ", status, " is passed on at once, with its tag"), func(p *play) {
			p.register()
			p.send(p.request("INVITE", p.to("bob")))
			h := p.atFar("INVITE")
			p.answer(h, status, "Wait")
			p.has("To", p.atPhone(status).Get("To"), "tag=z"+p.id)
			p.answer(h, 480, "Not Now")
			p.atFar("ACK")
			p.atPhone(480)
		}})
	}
	return all
}
