package sshd

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

const (
	maxListen = 4
	minRSA    = 2048 // bits
	keyUser   = "admin"
)

// Plan is what the door shall be: where it listens, whom it lets in, and how
// long it waits for one who says nothing.
type Plan struct {
	Listen   []netip.AddrPort // none: off
	Idle     time.Duration    // 0: for ever
	Accounts []Account
	Keys     []Key
}

// Equal tells whether two plans want the same.
func (p Plan) Equal(q Plan) bool { return reflect.DeepEqual(p, q) }

// PlanFrom reads the door's part of a snapshot. An error names keys that are
// left out of the plan; the rest of it can be applied.
func PlanFrom(sn *config.Snapshot, role xapi.Role) (Plan, error) {
	p := Plan{Idle: time.Duration(sn.Int(xapi.ManagementInactivityTimeout)) * time.Minute}
	if sn.Bool(xapi.AdministrationSSHMode) {
		port := uint16(sn.Int(xapi.AdministrationSSHPort))
		for _, a := range inside(sn, role) {
			p.Listen = append(p.Listen, netip.AddrPortFrom(a, port))
		}
	}
	p.Accounts = accounts(sn)
	var err error
	if !disabled(sn, keyUser) {
		p.Keys, err = keys(sn)
	}
	return p, err
}

func accounts(sn *config.Snapshot) (list []Account) {
	for _, n := range sn.Indexes(xapi.AdminAccountName.Item) {
		a := Account{Name: sn.Str(xapi.AdminAccountName, n), Hash: sn.Secret(xapi.AdminAccountPassword, n)}
		if a.Name != "" && a.Hash != "" && sn.Bool(xapi.AdminAccountEnabled, n) {
			list = append(list, a)
		}
	}
	return list
}

// disabled reports whether the account is there and switched off. Keys need no
// account: they are what the first boot of a box leaves.
func disabled(sn *config.Snapshot, name string) bool {
	for _, n := range sn.Indexes(xapi.AdminAccountName.Item) {
		if sn.Str(xapi.AdminAccountName, n) == name && !sn.Bool(xapi.AdminAccountEnabled, n) {
			return true
		}
	}
	return false
}

func keys(sn *config.Snapshot) (list []Key, err error) {
	var errs []error
	for _, n := range sn.Indexes(xapi.AdministrationSSHAuthorizedKey.Item) {
		text := sn.Str(xapi.AdministrationSSHAuthorizedKey, n)
		if text == "" {
			continue
		}
		key, err := parseKey(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", xapi.AdministrationSSHAuthorizedKey.At(n), err))
			continue
		}
		list = append(list, Key{User: keyUser, Blob: string(key.Marshal())})
	}
	return list, errors.Join(errs...)
}

// parseKey reads one line of authorized_keys form. Options would narrow what
// the key may do, and none of them is kept here, so such a line opens nothing.
func parseKey(text string) (gossh.PublicKey, error) {
	key, _, options, _, err := gossh.ParseAuthorizedKey([]byte(text))
	switch {
	case err != nil:
		return nil, errors.New("not a public key in authorized_keys form, such as ssh-ed25519 AAAA… name")
	case len(options) > 0:
		return nil, fmt.Errorf("option %q is not supported; give the bare key", options[0])
	}
	if c, ok := key.(gossh.CryptoPublicKey); ok {
		if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() < minRSA {
			return nil, fmt.Errorf("an RSA key of %d bits is too weak; use %d or more, or ssh-ed25519", r.N.BitLen(), minRSA)
		}
	}
	return key, nil
}

// inside are the addresses that administrators reach: those of the interface
// that does not face remote clients, or of the only one. Without any the door
// is open on all, of either family, so that a new box can be reached at all.
func inside(sn *config.Snapshot, role xapi.Role) []netip.Addr {
	if list := sn.Inside(role); len(list) > 0 {
		return list
	}
	return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
}
