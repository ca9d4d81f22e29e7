package zone

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestServersFor(t *testing.T) {
	at := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s + ":53") }
	list := []DomainServer{{"example.com", at("10.0.0.1")}, {"Lab.Example.com.", at("10.0.0.2")}, {"lab.example.com", at("10.0.0.3")}, {"", at("10.0.0.4")}}
	for name, want := range map[string]string{
		"example.com": "[10.0.0.1:53]", "_sip._tcp.EXAMPLE.com.": "[10.0.0.1:53]", "badexample.com": "[]", "com": "[]", "": "[]",
		"a.lab.example.com": "[10.0.0.2:53 10.0.0.3:53]",
	} {
		if got := fmt.Sprint(ServersFor(list, name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
