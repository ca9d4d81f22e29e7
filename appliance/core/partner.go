package core

import "sallyport/appliance/sip"

// headerPartner is edge's word that a request is of a partner outside: of a
// domain that no user of ours registers for, and of nobody who has shown who he
// is (business-to-business calls).
const headerPartner = privatePrefix + "Partner"

func partner(m *sip.Message) bool { return m.Has(headerPartner) }

// calledBy is the domain that a partner calls: his call is confined to what its
// users may reach, and to its deployment.
func (p *Plan) calledBy(uri sip.URI) (Domain, bool) {
	if d, ok := p.Domain(uri.Host); ok {
		return d, true
	}
	return p.Own(uri.Host)
}
