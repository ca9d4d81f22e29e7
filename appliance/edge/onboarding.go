package edge

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"sallyport/appliance/httpproxy"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// device names the phone of a manufacturer's certificate.
func (e *Edge) device(shown []*x509.Certificate) (httpproxy.Device, error) {
	if !e.plan.Load().Onboarding {
		return httpproxy.Device{}, httpproxy.ErrNoOnboarding
	}
	d, err := e.cfg.Trust.VerifyDevice(shown)
	if err == nil && d.Name == "" {
		err = fmt.Errorf("%w: it names no device", trust.ErrNoDevice)
	}
	return httpproxy.Device{Name: d.Name, Print: d.Print}, err
}

// lookManufacturers keeps the alarm of onboarding that no manufacturer can
// vouch for.
func (e *Edge) lookManufacturers() {
	now, makers := e.clock(), e.cfg.Trust.Manufacturers()
	over := ""
	for _, c := range makers {
		if now.After(c.NotAfter) {
			over += fmt.Sprintf(" %s ended on %s: bring the one that follows it.", maker(c), c.NotAfter.UTC().Format(time.DateOnly))
		}
	}
	if len(makers) == 0 {
		over = "No manufacturer's authority is installed: bring them by xCommand ManufacturerCAInstall."
	}
	e.alarms.Set(xapi.AlarmNoManufacturer, "", e.plan.Load().Onboarding && over != "", strings.TrimSpace(over))
}

func maker(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return c.Subject.String()
}

func (e *Edge) reportOnboarding(t *xapi.Node) {
	for i, c := range e.cfg.Trust.Manufacturers() {
		t.Nth("Manufacturer", i+1).Str("Subject", c.Subject.String()).
			Str("Expires", c.NotAfter.Local().Format(time.DateTime)).Str("Fingerprint", trust.Fingerprint(c))
	}
	e.http.ReportOnboarding(t)
}
