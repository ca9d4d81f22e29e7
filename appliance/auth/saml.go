package auth

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// SPKey is what core signs its questions to identity providers by.
type SPKey struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
}

// EntityID is core's name towards an identity provider, one for each domain.
func (k SPKey) EntityID(domain string) string {
	sum := sha256.Sum256(k.Certificate.RawSubjectPublicKeyInfo)
	return domain + "--" + strings.ToUpper(hex.EncodeToString(sum[:8]))
}

// provider is core as a service provider of one domain, whose assertion
// consumer is at an edge.
func (k SPKey) provider(p IdP, domain, consumer string) (*saml.ServiceProvider, error) {
	acs, err := url.Parse(consumer)
	if err != nil {
		return nil, err
	}
	sp := &saml.ServiceProvider{
		EntityID: k.EntityID(domain), Key: k.Key, Certificate: k.Certificate, AcsURL: *acs,
		IDPMetadata: p.descriptor(), SignatureMethod: dsig.RSASHA256SignatureMethod,
	}
	if p.SHA1 {
		sp.SignatureMethod = dsig.RSASHA1SignatureMethod
	}
	return sp, nil
}

// question is the address to which a browser is sent to sign in, and the id
// that the answer must name. It asks for no particular kind of name.
func question(sp *saml.ServiceProvider, rand io.Reader, now time.Time) (id, address string, err error) {
	random := make([]byte, 20)
	if _, err := io.ReadFull(rand, random); err != nil {
		return "", "", err
	}
	id = "id-" + hex.EncodeToString(random)
	r := &saml.AuthnRequest{
		ID: id, Version: "2.0", IssueInstant: now, ProtocolBinding: saml.HTTPPostBinding,
		Destination: sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), AssertionConsumerServiceURL: sp.AcsURL.String(),
		Issuer: &saml.Issuer{Value: sp.EntityID},
	}
	u, err := r.Redirect(id, sp)
	if err != nil {
		return "", "", err
	}
	return id, u.String(), nil
}

// An assertion is what an identity provider vouched for.
type assertion struct {
	id      string
	user    string
	expires time.Time
}

var errNoUser = errors.New("assertion has no attribute uid")

// read checks a SAML response to the question id: its signature, issuer,
// audience, recipient, times, and that it answers this very question.
func read(sp *saml.ServiceProvider, sha1 bool, response []byte, id string) (a assertion, err error) {
	defer func() {
		if r := recover(); r != nil { // the library trusts that mandatory elements are there
			err = fmt.Errorf("response lacks a mandatory element: %v", r)
		}
	}()
	if !sha1 && weak(response) {
		return a, errors.New("response is signed with SHA-1, or with nothing known")
	}
	got, err := sp.ParseXMLResponse(response, []string{id}, sp.AcsURL)
	if err != nil {
		var invalid *saml.InvalidResponseError
		if errors.As(err, &invalid) {
			err = invalid.PrivateErr
		}
		return a, err
	}
	return vouched(got)
}

// vouched holds an assertion to what the library leaves to chance.
func vouched(got *saml.Assertion) (a assertion, err error) {
	switch {
	case got.ID == "":
		return a, errors.New("assertion has no id")
	case len(got.Conditions.AudienceRestrictions) == 0:
		return a, errors.New("assertion is for any audience")
	}
	bearer := false
	for _, c := range got.Subject.SubjectConfirmations {
		bearer = bearer || c.Method == "urn:oasis:names:tc:SAML:2.0:cm:bearer" && !c.SubjectConfirmationData.NotOnOrAfter.IsZero()
	}
	if !bearer {
		return a, errors.New("assertion has no bearer confirmation")
	}
	a = assertion{id: got.ID, user: uid(got), expires: got.Conditions.NotOnOrAfter.Add(saml.MaxClockSkew)}
	if a.user == "" {
		return a, errNoUser
	}
	return a, nil
}

// uid is the one value of the attribute that names the user.
func uid(got *saml.Assertion) string {
	var all []string
	for _, s := range got.AttributeStatements {
		for _, attr := range s.Attributes {
			if attr.Name != "uid" && attr.FriendlyName != "uid" && attr.Name != "urn:oid:0.9.2342.19200300.100.1.1" {
				continue
			}
			for _, v := range attr.Values {
				all = append(all, strings.TrimSpace(v.Value))
			}
		}
	}
	if len(all) != 1 || len(all[0]) > 256 || strings.ContainsAny(all[0], "\x00\r\n") {
		return ""
	}
	return all[0]
}

// weak tells whether a response is signed or digested by something else than
// SHA-2. It is read as XML, as the library reads it: in bytes, a name can be
// written in many ways.
func weak(response []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(response))
	for {
		t, err := d.Token()
		if err != nil {
			return !errors.Is(err, io.EOF)
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "SignatureMethod" && e.Name.Local != "DigestMethod" {
			continue
		}
		if !slices.ContainsFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == "Algorithm" && strong(a.Value) }) {
			return true
		}
	}
}

// strong are the algorithms of RFC 6931 over SHA-2.
func strong(algorithm string) bool {
	for _, hash := range [...]string{"sha256", "sha384", "sha512"} {
		switch algorithm {
		case "http://www.w3.org/2001/04/xmlenc#" + hash, "http://www.w3.org/2001/04/xmldsig-more#" + hash,
			"http://www.w3.org/2001/04/xmldsig-more#rsa-" + hash, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-" + hash:
			return true
		}
	}
	return false
}

// answers is the id of the question that a response claims to answer. Nothing
// is verified yet.
func answers(response []byte) string {
	var r struct {
		InResponseTo string `xml:"InResponseTo,attr"`
	}
	if xml.Unmarshal(response, &r) != nil || len(r.InResponseTo) > 128 {
		return ""
	}
	return r.InResponseTo
}

// Metadata is what an administrator gives to the identity provider of a domain:
// core's name, certificate, and the assertion consumers at each edge.
func (k SPKey) Metadata(domain string, consumers []string, now time.Time) ([]byte, error) {
	sp, err := k.provider(IdP{}, domain, consumers[0])
	if err != nil {
		return nil, err
	}
	sp.MetadataValidDuration = time.Until(now.AddDate(1, 0, 0))
	d := sp.Metadata()
	want := true
	for i := range d.SPSSODescriptors {
		s := &d.SPSSODescriptors[i]
		s.WantAssertionsSigned, s.AuthnRequestsSigned = &want, &want
		s.SingleLogoutServices, s.AssertionConsumerServices = nil, nil
		for n, c := range consumers {
			s.AssertionConsumerServices = append(s.AssertionConsumerServices, saml.IndexedEndpoint{Binding: saml.HTTPPostBinding, Location: c, Index: n + 1})
		}
	}
	out, err := xml.MarshalIndent(d, "", "  ")
	return append([]byte(xml.Header), append(out, '\n')...), err
}
