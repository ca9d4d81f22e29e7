package trust

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// manufacturerFile holds the authorities that vouch for devices: none of them
// vouches for anything else.
const manufacturerFile = "manufacturers.pem"

// ErrNoDevice is why a chain does not name a device.
var ErrNoDevice = errors.New("no manufacturer that is trusted here vouches for the certificate")

// A Device is what a manufacturer's certificate says of who shows it.
type Device struct {
	Name   string // common name, such as CP-8845-SEP001122334455
	Print  string // fingerprint of the certificate
	Issuer string // common name of the authority that vouches
}

// Manufacturers lists the authorities that vouch for devices, in the order they
// were installed.
func (t *Trust) Manufacturers() []*x509.Certificate {
	return slices.Clone(t.live.Load().makers)
}

// InstallManufacturer adds every authority of a PEM bundle to those that vouch
// for devices. One that is no authority is refused, and nothing is added.
func (t *Trust) InstallManufacturer(bundle []byte) error {
	if len(bundle) > maxPEM {
		return fmt.Errorf("file is larger than %d bytes", maxPEM)
	}
	add, err := parseCertificates(bundle)
	if err != nil {
		return err
	}
	for _, c := range add {
		if old := c.Version == 1 && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil; !c.IsCA && !old {
			return fmt.Errorf("%s is no authority: the file has to hold those that sign the devices' certificates", subject(c))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	makers := slices.Clone(t.live.Load().makers)
	for _, c := range add {
		if !slices.ContainsFunc(makers, c.Equal) {
			makers = append(makers, c)
		}
	}
	return t.storeManufacturersLocked(makers)
}

// RemoveManufacturer takes the authority with this fingerprint off the list:
// from the next request on it vouches for nobody.
func (t *Trust) RemoveManufacturer(fingerprint string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.live.Load().makers
	makers := slices.DeleteFunc(slices.Clone(before), func(c *x509.Certificate) bool { return Fingerprint(c) == strings.ToLower(fingerprint) })
	if len(makers) == len(before) {
		return fmt.Errorf("no manufacturer's authority has the fingerprint %s", fingerprint)
	}
	return t.storeManufacturersLocked(makers)
}

func (t *Trust) storeManufacturersLocked(makers []*x509.Certificate) error {
	if len(makers) > maxCAs {
		return fmt.Errorf("the list of manufacturers holds at most %d certificates", maxCAs)
	}
	var b bytes.Buffer
	for _, c := range makers {
		b.Write(encodeCertificate(c.Raw))
	}
	if err := t.writeFile(manufacturerFile, b.Bytes()); err != nil {
		return err
	}
	t.makers = makers
	t.republishLocked()
	return nil
}

func (t *Trust) readManufacturers() ([]*x509.Certificate, error) {
	b, err := t.readFile(manufacturerFile)
	if len(b) == 0 || err != nil {
		return nil, err
	}
	makers, err := parseCertificates(b)
	if err != nil {
		return nil, fmt.Errorf("trust: %s: %w", manufacturerFile, err)
	}
	return makers, nil
}

// VerifyDevice judges what a client showed in a handshake, leaf first, by the
// list of the moment. The handshake has proven that it holds the leaf's key.
func (t *Trust) VerifyDevice(chain []*x509.Certificate) (Device, error) {
	l := t.live.Load()
	if len(chain) == 0 {
		return Device{}, errors.New("no certificate was shown")
	}
	if len(chain) > maxChain {
		return Device{}, fmt.Errorf("more than %d certificates were shown", maxChain)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	leaf := chain[0]
	if leaf.IsCA {
		return Device{}, fmt.Errorf("%s is an authority and no device", subject(leaf))
	}
	good, err := leaf.Verify(x509.VerifyOptions{
		Roots: l.devices, Intermediates: between, CurrentTime: t.clock(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return Device{}, fmt.Errorf("%w: %w", ErrNoDevice, err)
	}
	root := good[0][len(good[0])-1]
	return Device{Name: leaf.Subject.CommonName, Print: Fingerprint(leaf), Issuer: root.Subject.CommonName}, nil
}
