package appliance

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// domainCerts keeps the certificates of domains.
func domainCerts(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	what, domain := one(args, "Command"), one(args, "Domain")
	if what == "domain_list" {
		return n.domainList(), nil
	}
	if domain == "" {
		return nil, fmt.Errorf("%s needs a Domain", what)
	}
	result, err := n.domainCommand(what, domain, args)
	if err != nil {
		return nil, err
	}
	if what != "csr_get" && what != "cert_get" && !strings.HasPrefix(what, "is_") {
		n.log.Info("domain certificate", "event", "certificate", "command", what, "domain", domain, "who", who.User, "from", who.From)
		n.look()
	}
	return result, nil
}

func (n *Node) domainCommand(what, domain string, args xapi.Args) (*xapi.Node, error) {
	switch what {
	case "domain_create":
		return nil, n.trust.CreateDomain(domain)
	case "domain_delete":
		return nil, n.trust.DeleteDomain(domain)
	case "csr_create":
		return n.domainRequest(domain, args)
	case "csr_get":
		csr, err := n.trust.PendingDomainCSR(domain)
		return n.pemFile(domain+".csr", csr, err)
	case "csr_delete":
		return nil, n.trust.DiscardDomainCSR(domain)
	case "cert_put":
		return n.domainInstall(domain, args)
	case "cert_get":
		chain, err := n.trust.DomainChain(domain)
		return n.pemFile(domain+".pem", chain, err)
	case "cert_delete":
		return nil, n.trust.RemoveDomainCertificate(domain)
	}
	for _, d := range n.trust.Domains() {
		switch {
		case !strings.EqualFold(d.Domain, domain):
		case what == "is_csr_pending":
			return xapi.NewNode("Result").Leaf("Pending", yesNo(d.Pending)), nil
		default:
			return xapi.NewNode("Result").Leaf("Set", yesNo(d.Leaf != nil)), nil
		}
	}
	return nil, fmt.Errorf("there is no domain %s: domain_create makes a place for its certificate", domain)
}

func (n *Node) domainList() *xapi.Node {
	result := xapi.NewNode("Result")
	for i, d := range n.trust.Domains() {
		e := result.Nth("Domain", i+1).Str("Name", d.Domain).Leaf("Csr", yesNo(d.Pending)).Leaf("Cert", yesNo(d.Leaf != nil))
		if d.Leaf != nil {
			e.Str("Names", strings.Join(trust.Names(d.Leaf), ", ")).Str("Expires", stamp(d.Leaf.NotAfter))
		}
	}
	return result
}

// domainRequest makes a signing request and writes it into the sftp folder.
func (n *Node) domainRequest(domain string, args xapi.Args) (*xapi.Node, error) {
	r, err := requestFrom(domain, args)
	if err != nil {
		return nil, err
	}
	csr, err := n.trust.GenerateDomainCSR(domain, r)
	return n.pemFile(domain+".csr", csr, err)
}

// pemFile writes what there is into the sftp folder.
func (n *Node) pemFile(name string, text []byte, err error) (*xapi.Node, error) {
	switch {
	case err != nil:
		return nil, err
	case len(text) == 0:
		return nil, fmt.Errorf("there is no %s", name)
	}
	if err := n.put(name, text); err != nil {
		return nil, err
	}
	return xapi.NewNode("Result").Str("File", name), nil
}

func requestFrom(domain string, args xapi.Args) (r trust.Request, err error) {
	r.CommonName, r.Names, r.Digest = domain, []string{domain}, one(args, "Digestalgorithm")
	if size := one(args, "Keysize"); size != "" {
		if r.RSABits, err = strconv.Atoi(size); err != nil {
			return r, err
		}
	}
	for _, san := range strings.FieldsFunc(one(args, "Sans"), func(c rune) bool { return c == ',' }) {
		name, ok := strings.CutPrefix(strings.TrimSpace(san), "DNS:")
		if !ok {
			return r, fmt.Errorf("the entry %q of Sans does not begin with the word DNS and a colon", san)
		}
		r.Names = append(r.Names, name)
	}
	return r, subjectInto(&r, one(args, "Subjectfields"))
}

// subjectInto reads a subject as /C=SE/O=Example/CN=expe.example.com.
func subjectInto(r *trust.Request, text string) error {
	fields := map[string]*string{"C": &r.Country, "ST": &r.State, "L": &r.Locality, "O": &r.Organization, "OU": &r.OrganizationalUnit, "CN": &r.CommonName}
	for _, field := range strings.FieldsFunc(text, func(c rune) bool { return c == '/' || c == ',' }) {
		k, v, _ := strings.Cut(field, "=")
		at := fields[strings.ToUpper(strings.TrimSpace(k))]
		if at == nil || strings.TrimSpace(v) == "" {
			return fmt.Errorf("the entry %q of Subjectfields is not one of C, ST, L, O, OU and CN with a value", field)
		}
		*at = strings.TrimSpace(v)
	}
	return nil
}

func (n *Node) domainInstall(domain string, args xapi.Args) (*xapi.Node, error) {
	if one(args, "Certpath") == "" {
		return nil, errors.New("cert_put needs a Certpath")
	}
	cert, err := n.file(one(args, "Certpath"))
	if err != nil {
		return nil, err
	}
	var key []byte
	if name := one(args, "Keypath"); name != "" {
		if key, err = n.file(name); err != nil {
			return nil, err
		}
	}
	return nil, n.trust.InstallDomain(domain, cert, key)
}
