package lab

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"math/big"
	"net/http"
)

// Activated is what a phone has after it redeemed its code.
type Activated struct{ Access, Refresh string }

// PageError is an answer of another status than was hoped for.
type PageError struct {
	Status int
	Page   *Page
}

// Error implements error.
func (e *PageError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Page.Body) }

// Activate redeems a code through edge, at the base of the activation service
// as the phone knows it: an inside URL, or below the domain alone if it is "".
func (b *Browser) Activate(ctx context.Context, base, device, code string) (*Activated, error) {
	own := newSRP()
	page, first, err := b.activation(ctx, base, "invoke", activationAsk{Device: device, A: own.Public.Text(16)})
	if err != nil {
		return nil, err
	}
	if b.Activation.Header {
		first = headerAnswer(page.Header.Get("WWW-Authenticate"))
	}
	if page.Status != http.StatusUnauthorized || first.B == "" {
		return nil, &PageError{page.Status, page}
	}
	salt, err := hex.DecodeString(first.Salt)
	server, ok := new(big.Int).SetString(first.B, 16)
	if err != nil || !ok {
		return nil, errors.New("lab: activation: no exchange in the answer")
	}
	key := own.clientKey(server, salt, device, code)
	page, second, err := b.activation(ctx, base, "register", activationAsk{Session: first.Session, Proof: srpProof("phone", own.Public, server, key)})
	switch {
	case err != nil:
		return nil, err
	case page.Status != cmp.Or(b.Activation.Status, http.StatusOK):
		return nil, &PageError{page.Status, page}
	case second.Proof != srpProof("server", own.Public, server, key):
		return nil, errors.New("lab: activation: whoever answers does not know the code")
	}
	return &Activated{second.Access, second.Refresh}, nil
}

func (b *Browser) activation(ctx context.Context, base, action string, ask activationAsk) (page *Page, answer activationAnswer, err error) {
	kind, body := writeActivation(b.Activation.Kind, ask)
	path, header := "/ccmact/v1/actions/srp/"+action, http.Header{"Content-Type": {kind}}
	if base == "" {
		page, err = b.Fetch(ctx, http.MethodPost, b.LaneURL(path[1:]), header, bytes.NewReader(body))
	} else {
		page, err = b.Do(ctx, http.MethodPost, base+path, header, bytes.NewReader(body))
	}
	if err == nil {
		_ = readActivation(b.Activation.Kind, page.Body, &answer) // a refusal of edge is of no such form; its status tells
	}
	return page, answer, err
}

// ServiceDomain reads off a device's file where it is sent to.
func ServiceDomain(file []byte) (string, error) {
	var f struct {
		Domain string `xml:"mraServiceDomain"`
	}
	if err := xml.Unmarshal(file, &f); err != nil {
		return "", fmt.Errorf("lab: device file: %w", err)
	}
	return f.Domain, nil
}
