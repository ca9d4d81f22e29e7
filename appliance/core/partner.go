package core

import "sallyport/appliance/sip"

// headerPartner is edge's word that a request is of a partner outside: of a
// domain that no user of ours registers for, and of nobody who has shown who he
// is (business-to-business calls).
const headerPartner = privatePrefix + "Partner"

func partner(m *sip.Message) bool { return m.Has(headerPartner) }

// ours is the domain of ours that a request claims to come from, be it of
// remote users or of core's own endpoints, of which edge does not know.
func (c *Core) ours(m *sip.Message) (Domain, bool) {
	from, err := sip.ParseNameAddr(m.Get("From"))
	if err != nil {
		return Domain{}, false
	}
	return c.plan.Load().calledBy(from.URI)
}

// calledBy is the domain that a partner calls: his call is confined to what its
// users may reach, and to its deployment.
func (p *Plan) calledBy(uri sip.URI) (Domain, bool) {
	if d, ok := p.Domain(uri.Host); ok {
		return d, true
	}
	return p.Own(uri.Host)
}
