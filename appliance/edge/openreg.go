package edge

import (
	"slices"
	"sync"

	"sallyport/appliance/alarm"
	"sallyport/appliance/xapi"
)

// openRegistrars keeps the alarm of registrars that accept whoever comes: it is
// raised when one took a user without credentials, and lowered when it asks the
// same user for them, or knows him no more. The zero value is ready.
type openRegistrars struct {
	mu   sync.Mutex
	took map[string]string // user by domain, the last one
}

func (o *openRegistrars) accepted(alarms *alarm.Book, domain, owner string) {
	o.mu.Lock()
	if o.took == nil {
		o.took = map[string]string{}
	}
	o.took[domain] = owner // as many as domains are served
	o.mu.Unlock()
	alarms.Raise(xapi.AlarmOpenRegistrar, domain, "The registrar of "+domain+" accepted "+owner+" without credentials.")
}

// answered looks at what the registrar said to a REGISTER without credentials.
func (o *openRegistrars) answered(alarms *alarm.Book, domain, owner string, status int) {
	if status != 401 && status != 407 && status != 403 && status != 404 {
		return
	}
	o.mu.Lock()
	closed := o.took[domain] == owner
	if closed {
		delete(o.took, domain)
	}
	o.mu.Unlock()
	if closed {
		alarms.Lower(xapi.AlarmOpenRegistrar, domain)
	}
}

// keep forgets domains that are not served any more.
func (o *openRegistrars) keep(alarms *alarm.Book, domains []Domain) {
	var names []string
	for _, d := range domains {
		names = append(names, d.Name)
	}
	alarms.Keep(xapi.AlarmOpenRegistrar, names...)
	o.mu.Lock()
	defer o.mu.Unlock()
	for domain := range o.took {
		if !slices.Contains(names, domain) {
			delete(o.took, domain)
		}
	}
}
