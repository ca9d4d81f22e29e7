package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// SSOPlan is what single sign-on needs of the configuration.
type SSOPlan struct {
	On       bool // clients are told of single sign-on
	Code     bool // codes for self-describing tokens, after an identity provider vouched
	Opaque   bool // tokens that are not renewed
	Local    bool // codes for a user name and password
	Redirect bool // clients may name an address of their own scheme
	Domains  map[string]IdP
	Path     string // of a cluster's authorization service for vouched users
	Token    string // of its token endpoint, "" = found out
}

// SSOPlanFrom reads the plan. An error names identity providers that cannot be
// used; the rest can be applied.
func SSOPlanFrom(snap *config.Snapshot) (SSOPlan, error) {
	p := SSOPlan{
		On: snap.Bool(xapi.LoginSsoEnabled), Code: snap.Bool(xapi.LoginOauthSso), Opaque: snap.Enum(xapi.LoginLegacySso) != "Off",
		Local: snap.Bool(xapi.LoginOauthLocal), Redirect: snap.Bool(xapi.SSORedirectURI), Domains: map[string]IdP{},
		Path: snap.Str(xapi.SSOAuthorizePath), Token: snap.Str(xapi.SSOTokenPath),
	}
	var errs []error
	all := map[string]IdP{}
	for _, i := range snap.Indexes(xapi.SSOIdPName.Item) {
		idp, err := idpFrom(snap, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("identity provider %s: %w", idp.Name, err))
			continue
		}
		all[strings.ToLower(idp.Name)] = idp
	}
	for _, i := range snap.Indexes(xapi.SIPDomainIdP.Item) {
		domain, name := uc.Canonical(snap.Str(xapi.SIPDomainName, i)), snap.Str(xapi.SIPDomainIdP, i)
		idp, known := all[strings.ToLower(name)]
		switch {
		case name == "" || domain == "":
		case !known:
			errs = append(errs, fmt.Errorf("domain %s: there is no identity provider %q", domain, name))
		default:
			p.Domains[domain] = idp
		}
	}
	return p, errors.Join(errs...)
}

func idpFrom(snap *config.Snapshot, i int) (IdP, error) {
	p := IdP{
		Name: snap.Str(xapi.SSOIdPName, i), EntityID: snap.Str(xapi.SSOIdPEntityID, i), URL: snap.Str(xapi.SSOIdPURL, i),
		SHA1: snap.Enum(xapi.SSOIdPDigest, i) == "sha1",
	}
	for _, n := range snap.Indexes(xapi.SSOIdPCertificate.Item, i) {
		der, err := base64.StdEncoding.DecodeString(snap.Str(xapi.SSOIdPCertificate, i, n))
		if err != nil {
			return p, errors.New("a certificate is not base64")
		}
		p.Certificates = append(p.Certificates, der)
	}
	return p, p.Check()
}
