package push

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// Kinds of services.
const (
	APNS    = "APNS"
	FCM     = "FCM"
	Gateway = "Gateway"
)

// Plan is which services there are.
type Plan struct {
	On        bool
	Providers []Provider
}

// A Provider is one push service with our account there.
type Provider struct {
	Index int
	Name  string // as phones give it, lower case
	Type  string
	URL   string // without a slash at its end

	Account, Application, KeyID string

	Key      string // a gateway's bearer token, else as it was set
	TokenURL string // FCM only
	Proxy    string // "" = none

	ec   *ecdsa.PrivateKey // APNS
	rsa  *rsa.PrivateKey   // FCM
	flaw string            // why it cannot be used; "" if it can
}

// PlanFrom reads the plan. A provider that cannot be used, be it only half
// typed, is in it with its flaw, which becomes an alarm.
func PlanFrom(snap *config.Snapshot) Plan {
	plan := Plan{On: snap.Bool(xapi.PushMode)}
	for _, i := range snap.Indexes(xapi.PushName.Item) {
		name := strings.ToLower(snap.Str(xapi.PushName, i))
		if name == "" {
			continue
		}
		p := Provider{
			Index: i, Name: name, Type: snap.Enum(xapi.PushType, i), URL: strings.TrimRight(snap.Str(xapi.PushURL, i), "/"),
			Account: snap.Str(xapi.PushAccount, i), Application: snap.Str(xapi.PushApplication, i), KeyID: snap.Str(xapi.PushKeyID, i),
			Key: snap.Secret(xapi.PushKey, i), TokenURL: snap.Str(xapi.PushTokenURL, i), Proxy: snap.Str(xapi.PushProxy, i),
		}
		if err := p.complete(); err != nil {
			p.flaw = err.Error()
		}
		plan.Providers = append(plan.Providers, p)
	}
	return plan
}

// Where the services are.
const (
	appleURL = "https://api.push.apple.com"
	fcmURL   = "https://fcm.googleapis.com"
	tokenURL = "https://oauth2.googleapis.com/token"
)

// complete fills in what goes without saying and reads the key.
func (p *Provider) complete() (err error) {
	switch p.Type {
	case APNS:
		p.URL = cmp.Or(p.URL, appleURL)
		if p.Account == "" || p.Application == "" || p.KeyID == "" {
			return errors.New("needs Account (team id), Application (bundle id) and KeyId")
		}
		p.ec, err = readKey[*ecdsa.PrivateKey](p.Key)
		if err == nil && p.ec.Curve.Params().BitSize != 256 {
			err = errors.New("the Key is not of curve P-256")
		}
	case FCM:
		p.URL, p.TokenURL = cmp.Or(p.URL, fcmURL), cmp.Or(p.TokenURL, tokenURL)
		if p.Account == "" || p.Application == "" {
			return errors.New("needs Account (service account) and Application (project id)")
		}
		p.rsa, err = readKey[*rsa.PrivateKey](p.Key)
	case Gateway:
		if p.URL == "" {
			return errors.New("needs a Url")
		}
	}
	return errors.Join(err, secure("Url", p.URL), secure("TokenUrl", p.TokenURL), proxy(p.Proxy))
}

func secure(name, text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%s is not https://host/path", name)
	}
	return nil
}

func proxy(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return errors.New("the Proxy is not http://host:port")
	}
	return nil
}

// readKey reads a PKCS #8 key: PEM, with real or written line ends, or the
// base64 within.
func readKey[K any](text string) (key K, err error) {
	text = strings.ReplaceAll(text, `\n`, "\n")
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else if der, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err != nil || len(der) == 0 {
		return key, errors.New("the Key is not a private key in PKCS #8")
	}
	found, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return key, errors.New("the Key is not a private key in PKCS #8")
	}
	key, ok := found.(K)
	if !ok {
		return key, errors.New("the Key is of the wrong kind for this service")
	}
	return key, nil
}
