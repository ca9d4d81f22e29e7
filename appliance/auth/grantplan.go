package auth

import (
	"errors"
	"fmt"
	"net/url"

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

// CheckGrants finds what would show a secret or a token to whoever listens. It
// is a config.Check.
func CheckGrants(snap *config.Snapshot) error {
	var errs []error
	for _, i := range snap.Indexes(xapi.NeighborTokenEndpoint.Item) {
		at := snap.Str(xapi.NeighborTokenEndpoint, i)
		if at == "" {
			continue
		}
		if u, err := url.Parse(at); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			errs = append(errs, fmt.Errorf("zone %d: the token endpoint must be an https URL", i))
		}
		if snap.Enum(xapi.NeighborSIPTransport, i) != "TLS" || !snap.Bool(xapi.NeighborTLSVerify, i) {
			errs = append(errs, fmt.Errorf("zone %d: access tokens are shown over verified TLS only; set Neighbor SIP Transport to TLS and Neighbor SIP TLS Verify Mode to On", i))
		}
	}
	return errors.Join(errs...)
}
