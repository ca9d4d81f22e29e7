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

// SSOPlanFrom reads the plan. An error names domains whose identity provider
// cannot be used; the rest can be applied.
func SSOPlanFrom(snap *config.Snapshot) (SSOPlan, error) {
	p := SSOPlan{
		On: snap.Bool(xapi.LoginSsoEnabled), Code: snap.Bool(xapi.LoginOauthSso), Opaque: snap.Enum(xapi.LoginLegacySso) != "Off",
		Local: snap.Bool(xapi.LoginOauthLocal), Redirect: snap.Bool(xapi.SSORedirectURI), Domains: map[string]IdP{},
		Path: snap.Str(xapi.SSOAuthorizePath), Token: snap.Str(xapi.SSOTokenPath),
	}
	idps := map[string]int{}
	for _, i := range snap.Indexes(xapi.SSOIdPName.Item) {
		if name := strings.ToLower(snap.Str(xapi.SSOIdPName, i)); name != "" {
			idps[name] = i
		}
	}
	var errs []error
	for _, i := range snap.Indexes(xapi.SIPDomainIdP.Item) {
		domain, name := uc.Canonical(snap.Str(xapi.SIPDomainName, i)), snap.Str(xapi.SIPDomainIdP, i)
		if domain == "" || name == "" {
			continue
		}
		at, known := idps[strings.ToLower(name)]
		if !known {
			errs = append(errs, fmt.Errorf("domain %s: there is no identity provider %q", domain, name))
			continue
		}
		idp, err := idpFrom(snap, at)
		if err != nil {
			errs = append(errs, fmt.Errorf("domain %s: identity provider %s: %w", domain, name, err))
			continue
		}
		p.Domains[domain] = idp
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

// CheckSSO refuses domains whose identity provider is not there or cannot be
// used. It is a config.Check.
func CheckSSO(snap *config.Snapshot) error {
	_, err := SSOPlanFrom(snap)
	return err
}
