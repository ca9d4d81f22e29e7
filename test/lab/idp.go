package lab

import (
	"bytes"
	"compress/flate"
	gocrypto "crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// IdP is a stub SAML identity provider: it reads the question in a redirect,
// holds it to the service provider's metadata, and makes signed answers. Its
// log-in page is the test.
type IdP struct {
	EntityID string
	URL      string // nobody listens there: browsers bring their redirect to Answer

	key  *rsa.PrivateKey
	cert []byte
	sp   *saml.EntityDescriptor
}

// NewIdP makes an identity provider with a key of its own.
func NewIdP() (*IdP, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("lab: IdP key: %w", err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(400 * 24 * time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("lab: IdP certificate: %w", err)
	}
	return &IdP{EntityID: "https://idp.example.com/trust", URL: "https://idp.example.com/adfs/ls/", key: key, cert: cert}, nil
}

// Metadata is what an administrator gets from the identity provider.
func (p *IdP) Metadata() []byte {
	d := saml.EntityDescriptor{EntityID: p.EntityID, IDPSSODescriptors: []saml.IDPSSODescriptor{{
		SingleSignOnServices: []saml.Endpoint{{Binding: saml.HTTPRedirectBinding, Location: p.URL}},
	}}}
	d.IDPSSODescriptors[0].ProtocolSupportEnumeration = "urn:oasis:names:tc:SAML:2.0:protocol"
	d.IDPSSODescriptors[0].KeyDescriptors = []saml.KeyDescriptor{{Use: "signing", KeyInfo: saml.KeyInfo{X509Data: saml.X509Data{
		X509Certificates: []saml.X509Certificate{{Data: base64.StdEncoding.EncodeToString(p.cert)}},
	}}}}
	text, _ := xml.Marshal(d)
	return text
}

// Trust takes the metadata of the service provider.
func (p *IdP) Trust(metadata []byte) error {
	p.sp = &saml.EntityDescriptor{}
	if err := xml.Unmarshal(metadata, p.sp); err != nil {
		return fmt.Errorf("lab: SP metadata: %w", err)
	}
	if len(p.sp.SPSSODescriptors) != 1 || len(p.sp.SPSSODescriptors[0].AssertionConsumerServices) == 0 {
		return errors.New("lab: SP metadata has no assertion consumer")
	}
	return nil
}

// Answer is what the identity provider has the browser post for a user who
// signed in on its page: to the address to, the form. change, if any, makes the
// answer a bad one: "" or one of audience, recipient, question, expired, early,
// issuer, unsigned, forged, nobody, two, sha1, wrapped.
func (p *IdP) Answer(redirect, user, change string) (to string, form url.Values, err error) {
	q, err := p.question(redirect)
	if err != nil {
		return "", nil, err
	}
	response, err := p.respond(q, user, change)
	if err != nil {
		return "", nil, err
	}
	return q.AssertionConsumerServiceURL, url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}}, nil
}

// question reads a redirect and checks that the service provider signed it.
func (p *IdP) question(redirect string) (*saml.AuthnRequest, error) {
	u, err := url.Parse(redirect)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(redirect, p.URL+"?") {
		return nil, fmt.Errorf("lab: %s is not the identity provider", redirect)
	}
	signed, rest, ok := strings.Cut(u.RawQuery, "&Signature=")
	if !ok || strings.Contains(rest, "&") || u.Query().Get("SigAlg") != dsig.RSASHA256SignatureMethod {
		return nil, errors.New("lab: the question is not signed by rsa-sha256")
	}
	if err := p.verify(signed, u.Query().Get("Signature")); err != nil {
		return nil, err
	}
	packed, err := base64.StdEncoding.DecodeString(u.Query().Get("SAMLRequest"))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), 1<<20))
	if err != nil {
		return nil, fmt.Errorf("lab: inflate: %w", err)
	}
	q := &saml.AuthnRequest{}
	if err := xml.Unmarshal(text, q); err != nil {
		return nil, fmt.Errorf("lab: question: %w", err)
	}
	return q, p.known(q)
}

func (p *IdP) verify(signed, signature string) error {
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return err
	}
	der, err := base64.StdEncoding.DecodeString(p.sp.SPSSODescriptors[0].KeyDescriptors[0].KeyInfo.X509Data.X509Certificates[0].Data)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(signed))
	return rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), gocrypto.SHA256, sum[:], sig)
}

func (p *IdP) known(q *saml.AuthnRequest) error {
	if q.Issuer == nil || q.Issuer.Value != p.sp.EntityID || q.NameIDPolicy != nil {
		return fmt.Errorf("lab: the question is of %v", q.Issuer)
	}
	for _, s := range p.sp.SPSSODescriptors[0].AssertionConsumerServices {
		if s.Location == q.AssertionConsumerServiceURL {
			return nil
		}
	}
	return fmt.Errorf("lab: %s is no assertion consumer of %s", q.AssertionConsumerServiceURL, q.Issuer.Value)
}

func (p *IdP) respond(q *saml.AuthnRequest, user, change string) ([]byte, error) {
	a := p.assertion(q, user, change)
	el := a.Element()
	if change != "unsigned" {
		signed, err := p.sign(el, change)
		if err != nil {
			return nil, err
		}
		el = signed
	}
	if change == "wrapped" {
		el = wrapped(el)
	}
	r := &saml.Response{
		ID: "id-" + randomHex(20), InResponseTo: q.ID, Version: "2.0", IssueInstant: a.IssueInstant, Destination: q.AssertionConsumerServiceURL,
		Issuer: &saml.Issuer{Value: a.Issuer.Value}, Status: saml.Status{StatusCode: saml.StatusCode{Value: saml.StatusSuccess}},
	}
	root := r.Element()
	root.AddChild(el)
	doc := etree.NewDocument()
	doc.SetRoot(root)
	text, err := doc.WriteToBytes()
	if change == "forged" {
		text = bytes.Replace(text, []byte(">"+user+"<"), []byte(">mallory<"), 1)
	}
	return text, err
}

// wrapped puts an assertion that nobody signed around the signed one.
func wrapped(signed *etree.Element) *etree.Element {
	evil := signed.Copy()
	evil.CreateAttr("ID", "id-evil")
	for _, v := range evil.FindElements(".//AttributeValue") {
		v.SetText("mallory")
	}
	if sig := evil.FindElement("./Signature"); sig != nil {
		sig.CreateElement("Object").AddChild(signed)
	}
	return evil
}

func (p *IdP) sign(el *etree.Element, change string) (*etree.Element, error) {
	key := p.key
	if change == "stranger" {
		other, err := NewIdP()
		if err != nil {
			return nil, err
		}
		key = other.key
	}
	ctx := dsig.NewDefaultSigningContext(dsig.TLSCertKeyStore(tls.Certificate{Certificate: [][]byte{p.cert}, PrivateKey: key}))
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	method := dsig.RSASHA256SignatureMethod
	if change == "sha1" {
		method = dsig.RSASHA1SignatureMethod
	}
	if err := ctx.SetSignatureMethod(method); err != nil {
		return nil, err
	}
	return ctx.SignEnveloped(el)
}

func (p *IdP) assertion(q *saml.AuthnRequest, user, change string) *saml.Assertion {
	now := time.Now().UTC()
	is := func(kind, bad, good string) string {
		if change == kind {
			return bad
		}
		return good
	}
	from, until := now.Add(-time.Minute), now.Add(5*time.Minute)
	switch change {
	case "expired":
		from, until = now.Add(-time.Hour), now.Add(-30*time.Minute)
	case "early":
		from, until = now.Add(time.Hour), now.Add(2*time.Hour)
	}
	a := &saml.Assertion{
		ID: "id-" + randomHex(20), Version: "2.0", IssueInstant: now,
		Issuer: saml.Issuer{Value: is("issuer", "https://elsewhere.example.org", p.EntityID)},
		Subject: &saml.Subject{NameID: &saml.NameID{Value: "opaque"}, SubjectConfirmations: []saml.SubjectConfirmation{{
			Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer",
			SubjectConfirmationData: &saml.SubjectConfirmationData{InResponseTo: is("question", "id-other", q.ID), NotOnOrAfter: until,
				Recipient: is("recipient", "https://elsewhere.example.org/fedlet", q.AssertionConsumerServiceURL)},
		}}},
		Conditions: &saml.Conditions{NotBefore: from, NotOnOrAfter: until, AudienceRestrictions: []saml.AudienceRestriction{
			{Audience: saml.Audience{Value: is("audience", "https://elsewhere.example.org", q.Issuer.Value)}}}},
		AuthnStatements: []saml.AuthnStatement{{AuthnInstant: now}},
	}
	values := []saml.AttributeValue{{Type: "xs:string", Value: user}}
	if change == "two" {
		values = append(values, saml.AttributeValue{Type: "xs:string", Value: "mallory"})
	}
	if change != "nobody" {
		a.AttributeStatements = []saml.AttributeStatement{{Attributes: []saml.Attribute{{Name: "uid", Values: values}}}}
	}
	if change == "anyone" {
		a.Conditions.AudienceRestrictions = nil
	}
	return a
}
