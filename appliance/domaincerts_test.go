package appliance

import (
	"testing"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

func TestRequestOfDomain(t *testing.T) {
	r, err := requestFrom("staging.com", xapi.Args{
		"Keysize": {"3072"}, "Digestalgorithm": {"sha512"}, "Sans": {"DNS:expe.staging.com, DNS:chat.staging.com"},
		"Subjectfields": {"/C=SE/ST=Skane/L=Lund/O=Example Ltd/OU=UC/CN=expe.staging.com"},
	})
	want := trust.Request{CommonName: "expe.staging.com", Country: "SE", State: "Skane", Locality: "Lund", Organization: "Example Ltd", OrganizationalUnit: "UC", RSABits: 3072, Digest: "sha512"}
	names := r.Names
	r.Names = nil
	if err != nil || len(names) != 3 || names[1] != "expe.staging.com" {
		t.Errorf("%v: %v", names, err)
	}
	if got := [...]any{r.CommonName, r.Country, r.State, r.Locality, r.Organization, r.OrganizationalUnit, r.RSABits, r.Digest}; got !=
		[...]any{want.CommonName, want.Country, want.State, want.Locality, want.Organization, want.OrganizationalUnit, want.RSABits, want.Digest} {
		t.Errorf("%+v", r)
	}
	for _, bad := range []xapi.Args{{"Sans": {"IP:192.0.2.1"}}, {"Sans": {"expe.staging.com"}}, {"Subjectfields": {"/X=1"}}, {"Subjectfields": {"/C="}}} {
		if _, err := requestFrom("staging.com", bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}
