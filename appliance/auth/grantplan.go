package auth

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// A Grant is how core gets access tokens for a trunk: by client credentials
// (RFC 6749 4.4).
type Grant struct {
	Zone             string
	Endpoint         string // https
	Client, Password string
	Scope            string
}

// GrantsFrom reads the grants of all neighbor zones.
func GrantsFrom(snap *config.Snapshot) (all []Grant) {
	for _, i := range snap.Indexes(xapi.NeighborTokenEndpoint.Item) {
		g := Grant{Zone: snap.Str(xapi.ZoneName, i), Endpoint: snap.Str(xapi.NeighborTokenEndpoint, i), Client: snap.Str(xapi.NeighborTokenClient, i),
			Password: snap.Secret(xapi.NeighborTokenSecret, i), Scope: snap.Str(xapi.NeighborTokenScope, i)}
		if g.Endpoint != "" && g.Zone != "" && snap.Enum(xapi.ZoneType, i) == "Neighbor" {
			all = append(all, g)
		}
	}
	return all
}

// An Admit is what the peers of a trunk have to show for core to take what they
// begin: an access token of an issuer, for core.
type Admit struct {
	Zone             string
	Issuer, Audience string
	Scope            string // words that it has to grant
	Keys             string // https: where the issuer's keys are
}

// AdmitsFrom reads what the neighbor zones ask for.
func AdmitsFrom(snap *config.Snapshot) (all []Admit) {
	for _, i := range snap.Indexes(xapi.NeighborTokenIncoming.Item) {
		a := Admit{Zone: snap.Str(xapi.ZoneName, i), Issuer: snap.Str(xapi.NeighborTokenIssuer, i), Audience: snap.Str(xapi.NeighborTokenAudience, i),
			Scope: snap.Str(xapi.NeighborTokenWanted, i), Keys: snap.Str(xapi.NeighborTokenKeys, i)}
		if snap.Bool(xapi.NeighborTokenIncoming, i) && a.Zone != "" && snap.Enum(xapi.ZoneType, i) == "Neighbor" {
			all = append(all, a)
		}
	}
	return all
}

// CheckGrants finds what would show a secret or a token to whoever listens, and
// trunks that ask for a token which nobody could judge. It is a config.Check.
func CheckGrants(snap *config.Snapshot) error {
	var errs []error
	for _, i := range snap.Indexes(xapi.NeighborTokenEndpoint.Item) {
		at := snap.Str(xapi.NeighborTokenEndpoint, i)
		if at == "" {
			continue
		}
		if !secureURL(at) {
			errs = append(errs, fmt.Errorf("zone %d: the token endpoint must be an https URL", i))
		}
		if snap.Enum(xapi.NeighborSIPTransport, i) != "TLS" || !snap.Bool(xapi.NeighborTLSVerify, i) {
			errs = append(errs, fmt.Errorf("zone %d: access tokens are shown over verified TLS only; set Neighbor SIP Transport to TLS and Neighbor SIP TLS Verify Mode to On", i))
		}
	}
	for _, i := range snap.Indexes(xapi.NeighborTokenIncoming.Item) {
		switch {
		case !snap.Bool(xapi.NeighborTokenIncoming, i):
		case snap.Str(xapi.NeighborTokenIssuer, i) == "" || snap.Str(xapi.NeighborTokenAudience, i) == "" || !secureURL(snap.Str(xapi.NeighborTokenKeys, i)):
			errs = append(errs, fmt.Errorf("zone %d: incoming tokens need Issuer, Audience and, as an https URL, KeysURL of Neighbor SIP OAuth Incoming first", i))
		case lineSide(snap, snap.Str(xapi.ZoneName, i)):
			errs = append(errs, fmt.Errorf("zone %d: phones register there, so calls to them come without a token; use another zone for the trunk", i))
		case snap.Enum(xapi.NeighborSIPTransport, i) != "TLS":
			errs = append(errs, fmt.Errorf("zone %d: access tokens come over TLS only; set Neighbor SIP Transport to TLS", i))
		}
	}
	return errors.Join(errs...)
}

// lineSide tells whether a domain's phones register by a zone.
func lineSide(snap *config.Snapshot, zone string) bool {
	return slices.ContainsFunc(snap.Indexes(xapi.SIPDomainAuthzone.Item), func(i int) bool {
		return zone != "" && strings.EqualFold(snap.Str(xapi.SIPDomainAuthzone, i), zone)
	})
}

func secureURL(at string) bool {
	u, err := url.Parse(at)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}
