package discover

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// maxSubject is how many characters of names the table has room for.
const maxSubject = 4096

// introduce sees to it that Unified CM knows this node by every name in its
// certificate (Device > Expressway-C): on the port for tokens it takes no
// other's connection. That it cannot be written is advice, not a failure:
// versions before 12.5 have no such table.
func (d *Discoverer) introduce(ctx context.Context, a *axl, f *Found) {
	names := d.cfg.Names()
	if len(names) == 0 {
		return
	}
	all, err := a.call(ctx, "listExpresswayCConfiguration", "<searchCriteria><HostNameOrIP>%</HostNameOrIP></searchCriteria>"+
		tags("HostNameOrIP", "X509SubjectNameorSubjectAlternateName"))
	if err != nil {
		f.unknown("table of Expressway-C", err)
		if f.SIPOAuth {
			f.advise("self", fmt.Sprintf("%s does not show its table of Expressway-C, so nobody knows whether SIP with tokens is taken from this node: %s.", f.Publisher, clean(err.Error())))
		}
		return
	}
	op := "addExpresswayCConfiguration"
	body := func(inner string) string { return "<expresswayCConfiguration>" + inner + "</expresswayCConfiguration>" }
	for _, r := range all {
		if strings.EqualFold(r.get("HostNameOrIP"), names[0]) {
			if covers(r.get("X509SubjectNameorSubjectAlternateName"), names) {
				return
			}
			op, body = "updateExpresswayCConfiguration", func(inner string) string { return inner }
		}
	}
	subject := strings.Join(names, ",")
	for len(subject) > maxSubject {
		subject = subject[:strings.LastIndexByte(subject, ',')]
	}
	_, err = a.call(ctx, op, body(element("HostNameOrIP", names[0])+element("X509SubjectNameorSubjectAlternateName", subject)))
	if err != nil {
		f.advise("self", fmt.Sprintf("This node could not be written into the table of Expressway-C on %s: %s. Add it by hand with the names %s.", f.Publisher, clean(err.Error()), subject))
		return
	}
	d.log.Info("node made known to Unified CM", "event", "discover", "publisher", f.Publisher, "names", subject)
}

// covers tells whether a comma list has every name.
func covers(have string, names []string) bool {
	all := list(have)
	return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(all, strings.ToLower(n)) })
}
