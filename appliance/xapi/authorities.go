package xapi

// CACertificateDelete takes an authority off the list of those that are trusted.
var CACertificateDelete = &Command{
	Name: "CACertificateDelete", Spaced: "CA Certificate Delete", Role: Both, Guide: "Certificates", New: true,
	Params: []Param{{Name: "Fingerprint", Kind: String, Min: 64, Max: 64, Required: true, Help: "SHA-256 of the authority's certificate, as xStatus Trust prints it."}},
	Help:   "Takes a certificate authority off the list of those that are trusted; new connections do without it at once.",
}

func authorityStatuses() []*Status {
	return []*Status{
		{Path: "Trust CA [1..1000] Subject", Kind: String, Role: Both, Help: "Certificate authority that is trusted."},
		{Path: "Trust CA [1..1000] Expires", Kind: Time, Role: Both, Help: "When its certificate ends."},
		{Path: "Trust CA [1..1000] Fingerprint", Kind: String, Role: Both, Help: "SHA-256 of its certificate."},
	}
}
