package appliance

import (
	"testing"
)

func TestNameServersOfACommand(t *testing.T) {
	got, err := serversFrom([]string{"192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:53"})
	if err != nil || len(got) != 4 || got[0].Port() != 53 || got[1].Port() != 5353 || got[2] != got[3] {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"dns.example.com", "192.0.2", ""} {
		if _, err := serversFrom([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
