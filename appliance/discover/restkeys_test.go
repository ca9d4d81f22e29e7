package discover

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

// keysByREST is a publisher whose token keys are told by REST only.
func keysByREST(t *testing.T) (*site, *lab.TokenIssuer, *lab.KeyResource, Source) {
	t.Helper()
	s := newSite(t)
	issuer, err := lab.NewTokenIssuer()
	if err != nil {
		t.Fatal(err)
	}
	a := lab.NewAXL("15.0.1", "pub.example.com").SetParam("OAuthRefreshLoginFlow", "1")
	resource := lab.NewKeyResource(issuer)
	h := s.host("pub.example.com", nil)
	h.Handle("POST /axl/", a)
	h.Handle("GET "+lab.KeyResourcePath, resource)
	src := source(uc.UnifiedCM, "pub.example.com")
	src.Keys = lab.KeyResourcePath
	return s, issuer, resource, src
}

// TestKeysByREST reads the pair in every form that a resource may have.
func TestKeysByREST(t *testing.T) {
	s, issuer, resource, src := keysByREST(t)
	for _, form := range []string{"json", "jwks", "xml", "attributes"} {
		resource.Set(form)
		a, err := s.d.Ask(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		k := a.Keys
		if k == nil || !bytes.Equal(k.Signing, issuer.Public()) || !bytes.Equal(k.Sealing, issuer.Sealing()) || k.SigningID != issuer.SigningID || k.SealingID != issuer.SealingID {
			t.Errorf("%s: %+v, %+v", form, k, a.Found.Advice)
		}
	}
}

// TestKeysByRESTThatFail: a cluster is taken in without its keys, and advice
// says why and what to do; the next refresh brings them.
func TestKeysByRESTThatFail(t *testing.T) {
	s, _, resource, src := keysByREST(t)
	for _, c := range []struct {
		form string
		path string
		want string
	}{
		{"", lab.KeyResourcePath, "answers " + lab.KeyResourcePath + " with 404 Not Found"},
		{"empty", lab.KeyResourcePath, "has no token keys"},
		{"json", "/axl/", "405"},
	} {
		resource.Set(c.form)
		src.Keys = c.path
		a, err := s.d.Ask(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		if a.Keys != nil || len(a.Found.Advice) == 0 || !strings.Contains(a.Found.Advice[len(a.Found.Advice)-1].Text, c.want) {
			t.Errorf("%q at %s: %+v, want %q", c.form, c.path, a.Found.Advice, c.want)
		}
	}
	src.Keys = lab.KeyResourcePath
	resource.Set("")
	s.add(src)
	if len(s.d.TokenKeys()) != 0 || len(s.raised(xapi.AlarmUCAdvice)) != 0 {
		t.Fatal(s.d.TokenKeys())
	}
	resource.Set("jwks")
	if _, errs := s.d.Refresh(t.Context(), ""); errs[0] != nil || len(s.d.TokenKeys()) != 1 {
		t.Errorf("%v, %v", errs, s.d.TokenKeys())
	}
}

// TestDeviceActivation: a cluster that tells its services tells whether it
// redeems activation codes; one that does not is not blamed.
func TestDeviceActivation(t *testing.T) {
	s := newSite(t)
	a := s.callManager("15.0.1", "pub.example.com", "sub.example.com")
	off := func() bool {
		t.Helper()
		answer, err := s.d.Ask(t.Context(), source(uc.UnifiedCM, "pub.example.com"))
		if err != nil {
			t.Fatal(err)
		}
		return cluster(source(uc.UnifiedCM, "pub.example.com"), answer.Found).NoCodes
	}
	if off() {
		t.Error("it is active, and said not to be")
	}
	nodes := a.Nodes()
	for i := range nodes {
		nodes[i].Services = []string{"Cisco CallManager"}
	}
	a.SetNodes(nodes...)
	if !off() {
		t.Error("it is active nowhere, and not said so")
	}
	a.Override("listProcessNodeService", lab.AXLAnswer{Status: http.StatusInternalServerError})
	if off() {
		t.Error("a cluster that does not tell is said to have it off")
	}
}

// FuzzReadResource holds the reader to its bounds.
func FuzzReadResource(f *testing.F) {
	for _, s := range []string{
		`{"keys":[{"kty":"oct","k":"AAAA"},"x",1,null]}`, `[["a"],[{"b":"c"}]]`, `<a b="c"><d>e</d><f g="h"/></a>`, `<a/><b/>`, ``, `x`, `{`, `[`, `<`, `{"a":1}{`,
		strings.Repeat("[", 100), strings.Repeat("<a>", 100), strings.Repeat(`{"a":`, 100), `{"":""}`, "\ufeff{}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := readResource(bytes.NewReader(b))
		if len(all) > maxFields {
			t.Errorf("%d records", len(all))
		}
		for _, r := range all {
			if len(r.fields) > maxFields {
				t.Errorf("a record of %d fields", len(r.fields))
			}
		}
		if k, kerr := keysOf(all); err == nil && kerr == nil && (len(k.Sealing) != sealingSize || rsaOf(k.Signing) == nil) {
			t.Errorf("keys that are none: %+v", k)
		}
	})
}
