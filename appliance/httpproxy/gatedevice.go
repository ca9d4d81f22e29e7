package httpproxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"

	"sallyport/appliance/door"
)

// ErrNoOnboarding is what GateConfig.Device says while phones are not onboarded.
var ErrNoOnboarding = errors.New("onboarding is off")

type shownKey struct{}

// withShown remembers with a connection how to find what its client showed.
func withShown(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(interface{ ConnectionState() tls.ConnectionState }); ok {
		return context.WithValue(ctx, shownKey{}, t.ConnectionState)
	}
	return ctx
}

// shownBy are the certificates that a request's client showed, leaf first.
func shownBy(r *http.Request) []*x509.Certificate {
	state, ok := r.Context().Value(shownKey{}).(func() tls.ConnectionState)
	if !ok {
		return nil
	}
	return state().PeerCertificates
}

// checkDevice lets requests about activation codes on only for phones whose
// manufacturer vouches for them, by the list of the moment. No others need a
// certificate, whatever they show.
func (g *Gate) checkDevice(r *http.Request, v *visit) *refusal {
	if v.bad != nil || !activates(v.target) {
		return nil
	}
	no := g.judgeDevice(r, v)
	if no != nil {
		g.onboarded.refused.Add(1)
		return no
	}
	g.onboarded.passed.Add(1)
	return nil
}

func (g *Gate) judgeDevice(r *http.Request, v *visit) *refusal {
	if wait, ok := g.codes.Take(door.Named(v.source), onboardSource, onboardPeriod); !ok {
		return tooOften("Too many activation codes tried", "onboarding: limits", wait)
	}
	shown := shownBy(r)
	d, err := Device{}, ErrNoOnboarding
	if g.cfg.Device != nil {
		d, err = g.cfg.Device(shown)
	}
	switch {
	case errors.Is(err, ErrNoOnboarding):
		return &refusal{http.StatusForbidden, "Onboarding is off", "onboarding: off", 0}
	case len(shown) == 0:
		return &refusal{http.StatusForbidden, "Show the certificate of the phone's manufacturer", "onboarding: no certificate", 0}
	case err != nil:
		return &refusal{http.StatusForbidden, "Certificate is of no manufacturer that is trusted here", "onboarding: " + err.Error(), 0}
	}
	v.user, v.device = d.Name, d.String()
	return nil
}
