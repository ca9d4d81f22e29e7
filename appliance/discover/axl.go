package discover

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// axl is a conversation with one publisher.
type axl struct {
	web     *web
	version string // of the interface, "15.0"
	calls   int
}

// axlVersions are those of the interface that are known, newest first.
func axlVersions() []string {
	return []string{"15.0", "14.0", "12.5", "12.0", "11.5", "11.0", "10.5", "10.0", "9.1", "9.0", "8.5"}
}

// firstVersion is what a conversation begins with: servers take older versions
// than their own.
const firstVersion = "10.5"

// negotiate finds the server's version, and the highest version of the
// interface that both know.
func (a *axl) negotiate(ctx context.Context) (server string, err error) {
	for _, v := range append([]string{firstVersion}, axlVersions()...) {
		a.version = v
		server, err = a.serverVersion(ctx)
		if !errors.Is(err, errVersion) {
			break
		}
	}
	switch {
	case errors.Is(err, errVersion):
		return "", fmt.Errorf("the server takes none of the AXL versions %s to %s", axlVersions()[len(axlVersions())-1], axlVersions()[0])
	case err != nil:
		return "", err
	case !newer(server, "1"):
		return "", fmt.Errorf("the server says that its version is %q, which is none", clean(server))
	}
	for _, v := range axlVersions() {
		if !newer(v, server) {
			a.version = v
			break
		}
	}
	return server, nil
}

func (a *axl) serverVersion(ctx context.Context) (string, error) {
	all, err := a.call(ctx, "getCCMVersion", "")
	if err != nil {
		return "", err
	}
	for _, r := range all {
		for _, f := range r.fields {
			if f.name == "version" || f.name == "" {
				return f.value, nil
			}
		}
	}
	return "", errNoReply
}

// newer tells whether version a is above b, by their first two numbers.
func newer(a, b string) bool {
	x, y := numbers(a), numbers(b)
	return x[0] > y[0] || x[0] == y[0] && x[1] > y[1]
}

// numbers reads "15.0.1.12900(234)" as 15 and 0; what is no number is -1.
func numbers(version string) (out [2]int) {
	for i, word := range strings.SplitN(version, ".", 3) {
		if i == 2 {
			break
		}
		n, err := strconv.Atoi(word)
		if err != nil {
			n = -1
		}
		out[i] = n
	}
	return out
}

// sql runs one query. Its columns come in lower case.
func (a *axl) sql(ctx context.Context, query string) ([]record, error) {
	return a.call(ctx, "executeSQLQuery", element("sql", query))
}

// element writes a text element.
func element(name, text string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(text))
	return "<" + name + ">" + b.String() + "</" + name + ">"
}

// tags writes what a list shall tell of each object.
func tags(names ...string) string {
	return "<returnedTags><" + strings.Join(names, "/><") + "/></returnedTags>"
}

// call runs one operation with its children as XML.
func (a *axl) call(ctx context.Context, op, children string) ([]record, error) {
	a.calls++
	ns := "http://www.cisco.com/AXL/API/" + a.version
	body := fmt.Sprintf(`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="%s">`+
		`<soapenv:Header/><soapenv:Body><ns:%s sequence="%d">%s</ns:%s></soapenv:Body></soapenv:Envelope>`, ns, op, a.calls, children, op)
	header := http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Soapaction": {`"CUCM:DB ver=` + a.version + ` ` + op + `"`}}
	all, err := a.web.do(ctx, request{method: http.MethodPost, path: "/axl/", header: header, body: body, name: op}, readSOAP)
	var f *fault
	if errors.As(err, &f) && speaksOfVersion(f) {
		err = fmt.Errorf("%w: %w", errVersion, err)
	}
	return all, err
}

// speaksOfVersion tells the fault of a server that does not know our version
// of the interface from the others.
func speaksOfVersion(f *fault) bool {
	m := strings.ToLower(f.Message)
	return f.Code == "599" || strings.Contains(m, "version") && (strings.Contains(m, "support") || strings.Contains(m, "axl") || strings.Contains(m, "unknown") || strings.Contains(m, "invalid"))
}
