package auth

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"sallyport/appliance/uc"
)

// maxKeyFile bounds an import.
const maxKeyFile = 64 << 10

// ParseKeys reads the token keys of one cluster as an administrator brings
// them: a JWK set with an RSA key and an octet key, or PEM (public key, private
// key or certificate) and, on a line of its own, the 32 bytes of the encryption
// key in base64 or hex. A line "kid: ID" before a key gives its id. Of a private
// key only the public half is kept.
func ParseKeys(text []byte) (uc.TokenKey, error) {
	if len(text) > maxKeyFile {
		return uc.TokenKey{}, fmt.Errorf("key file is larger than %d bytes", maxKeyFile)
	}
	var k uc.TokenKey
	var err error
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("{")) {
		err = parseJWKs(&k, trimmed)
	} else {
		err = parseLines(&k, string(text))
	}
	if err != nil {
		return uc.TokenKey{}, err
	}
	switch {
	case k.Signing == nil:
		return uc.TokenKey{}, errors.New("there is no signing key (RSA) in the file")
	case k.Sealing == nil:
		return uc.TokenKey{}, errors.New("there is no encryption key (32 bytes) in the file")
	}
	_, err = usable(k)
	return k, err
}

func parseJWKs(k *uc.TokenKey, text []byte) error {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return errors.New("key set cannot be read")
	}
	for _, key := range set.Keys {
		if octets, ok := key.Key.([]byte); ok {
			k.Sealing, k.SealingID = octets, key.KeyID
			continue
		}
		if err := setSigning(k, key.Key); err != nil {
			return err
		}
		k.SigningID = key.KeyID
	}
	return nil
}

// parseLines reads PEM blocks and single lines in any order.
func parseLines(k *uc.TokenKey, text string) error {
	kid := ""
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		if strings.HasPrefix(text, "-----BEGIN") {
			block, rest := pem.Decode([]byte(text))
			if block == nil {
				return errors.New("PEM cannot be read")
			}
			if err := setPEM(k, block); err != nil {
				return err
			}
			k.SigningID, kid, text = kid, "", string(rest)
			continue
		}
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if name, id, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "kid") {
			kid = strings.TrimSpace(id)
			continue
		}
		sealing, ok := octets(line)
		if !ok {
			return errors.New("a line is neither PEM, kid nor a key of 32 bytes in base64 or hex")
		}
		k.Sealing, k.SealingID, kid = sealing, kid, ""
	}
	return nil
}

// octets reads a content key in any of its spellings.
func octets(line string) ([]byte, bool) {
	line = strings.TrimSpace(line)
	for _, read := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if b, err := read(line); err == nil && len(b) == sealingBytes {
			return b, true
		}
	}
	return nil, false
}

func setPEM(k *uc.TokenKey, block *pem.Block) error {
	switch block.Type {
	case "CERTIFICATE":
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			return setSigning(k, c.PublicKey)
		}
	case "RSA PUBLIC KEY":
		if p, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
			return setSigning(k, p)
		}
	case "RSA PRIVATE KEY":
		if p, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return setSigning(k, p)
		}
	case "PRIVATE KEY":
		if p, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			return setSigning(k, p)
		}
	case "PUBLIC KEY":
		if p, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			return setSigning(k, p)
		}
	}
	return fmt.Errorf("PEM %s cannot be read as an RSA key", block.Type)
}

// setSigning keeps the public half of an RSA key.
func setSigning(k *uc.TokenKey, key any) error {
	if private, ok := key.(*rsa.PrivateKey); ok {
		key = &private.PublicKey
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return errors.New("signing key is no RSA key")
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	k.Signing = der
	return err
}
