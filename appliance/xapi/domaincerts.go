package xapi

// DomainCerts keeps the certificates that edge shows by the domain of the name
// that a client asks for.
var DomainCerts = &Command{
	Name: "DomainCerts", Spaced: "Domain Certs", Role: Edge, Guide: "Multidomain",
	Params: []Param{
		{Name: "Certpath", Kind: String, Min: 1, Max: 128, Help: "PEM file with the certificate and its chain, in the sftp folder."},
		{Name: "Command", Kind: Enumeration, Required: true, Values: []string{
			"domain_list", "domain_create", "domain_delete", "csr_create", "csr_get", "csr_delete", "cert_put", "cert_get", "cert_delete", "is_csr_pending", "is_cert_set",
		}, Help: "What to do."},
		{Name: "Digestalgorithm", Kind: Enumeration, Values: []string{"", "sha256", "sha384", "sha512"}, Help: "Hash that the signing request is signed with; as the key asks for if not given."},
		{Name: "Domain", Kind: DNSName, Min: 1, Max: 200, Help: "The domain; all but domain_list need it."},
		{Name: "Keypath", Kind: String, Min: 1, Max: 128, Help: "PEM file with the private key; without it the key of the last signing request is taken."},
		{Name: "Keysize", Kind: Integer, Min: 2048, Max: 8192, Help: "Bits of an RSA key; an ECDSA key on P-256 if not given."},
		{Name: "Sans", Kind: String, Min: 1, Max: 4096, Help: "Further names for the request, as DNS:name,DNS:name."},
		{Name: "Subjectfields", Kind: String, Min: 1, Max: 1024, Help: "Subject of the request, as /C=…/ST=…/L=…/O=…/OU=…/CN=…; CN is the domain if not given."},
	},
	Help: "Keeps a certificate for each domain, which clients are shown that ask edge for a name of the domain; others see the server certificate.",
}

// The certificate of a domain.
var (
	AlarmDomainCertificateExpired = &Alarm{
		ID: 40075, Title: "Domain certificate validity", Severity: "Critical", Role: Edge,
		Cause:  "The certificate of a domain has expired or is not valid yet, so clients of the domain refuse this edge.",
		Remedy: "Make a signing request with xCommand DomainCerts Command: csr_create, and install what comes back with cert_put; check this node's clock.",
	}
	AlarmDomainCertificateExpiring = &Alarm{
		ID: 40076, Title: "Domain certificate validity", Severity: "Alert", Role: Edge,
		Cause:  "The certificate of a domain will expire soon.",
		Remedy: "Make a signing request with xCommand DomainCerts Command: csr_create, and install what comes back with cert_put before the date in the detail.",
	}
)

// AlarmDomainUnborne is raised for each edge domain that no certificate of edge
// names.
var AlarmDomainUnborne = &Alarm{
	ID: 74030, Title: "No certificate bears an edge domain", Severity: "Warning", Role: Edge,
	Cause:  "Clients register with a domain that neither the server certificate nor one of a domain bears, be it itself or by a name in it, so clients that check it refuse this edge.",
	Remedy: "Request a server certificate that bears the domain in the detail too, or give the domain one of its own with xCommand DomainCerts.",
}

func domainAlarms() []*Alarm {
	return []*Alarm{AlarmDomainCertificateExpired, AlarmDomainCertificateExpiring, AlarmDomainUnborne}
}
