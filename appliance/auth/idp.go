package auth

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/crewjam/saml"
	xrv "github.com/mattermost/xml-roundtrip-validator"
)

// IdP is a SAML identity provider, as far as its metadata matters here.
type IdP struct {
	Name         string
	EntityID     string
	URL          string   // where browsers are sent (HTTP-Redirect binding)
	Certificates [][]byte // DER; any of them signs
	SHA1         bool     // it is so old that it wants and makes SHA-1 signatures
}

// Bounds of metadata.
const (
	maxMetadata     = 1 << 20
	maxCertificates = 4
)

// ParseMetadata reads the metadata that an identity provider publishes.
func ParseMetadata(text []byte) (IdP, error) {
	if len(text) > maxMetadata {
		return IdP{}, fmt.Errorf("metadata is larger than %d bytes", maxMetadata)
	}
	if err := xrv.Validate(bytes.NewReader(text)); err != nil {
		return IdP{}, errors.New("metadata is no XML that can be trusted to read one way only")
	}
	var one saml.EntityDescriptor
	if err := xml.Unmarshal(text, &one); err != nil {
		return IdP{}, fmt.Errorf("metadata cannot be read: %w", err)
	}
	idp := IdP{EntityID: one.EntityID}
	for _, d := range one.IDPSSODescriptors {
		idp.describe(d)
	}
	return idp, idp.Check()
}

func (p *IdP) describe(d saml.IDPSSODescriptor) {
	for _, s := range d.SingleSignOnServices {
		if s.Binding == saml.HTTPRedirectBinding && p.URL == "" {
			p.URL = s.Location
		}
	}
	for _, k := range d.KeyDescriptors {
		if k.Use != "" && k.Use != "signing" {
			continue
		}
		for _, c := range k.KeyInfo.X509Data.X509Certificates {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.Data), ""))
			if err == nil && len(p.Certificates) < maxCertificates {
				p.Certificates = append(p.Certificates, der)
			}
		}
	}
}

// Check tells what an identity provider lacks to be of use.
func (p IdP) Check() error {
	u, err := url.Parse(p.URL)
	switch {
	case p.EntityID == "":
		return errors.New("identity provider has no entity id")
	case err != nil || u.Scheme != "https" || u.Host == "":
		return errors.New("identity provider has no https address for the HTTP-Redirect binding")
	case len(p.Certificates) == 0:
		return errors.New("identity provider has no signing certificate")
	}
	for _, der := range p.Certificates {
		if _, err := x509.ParseCertificate(der); err != nil {
			return errors.New("a signing certificate of the identity provider cannot be read")
		}
	}
	return nil
}

// descriptor is the provider as the SAML library wants it.
func (p IdP) descriptor() *saml.EntityDescriptor {
	var keys []saml.KeyDescriptor
	for _, der := range p.Certificates {
		keys = append(keys, saml.KeyDescriptor{Use: "signing", KeyInfo: saml.KeyInfo{X509Data: saml.X509Data{
			X509Certificates: []saml.X509Certificate{{Data: base64.StdEncoding.EncodeToString(der)}},
		}}})
	}
	d := saml.IDPSSODescriptor{SingleSignOnServices: []saml.Endpoint{{Binding: saml.HTTPRedirectBinding, Location: p.URL}}}
	d.KeyDescriptors = keys
	return &saml.EntityDescriptor{EntityID: p.EntityID, IDPSSODescriptors: []saml.IDPSSODescriptor{d}}
}
