package lab

import (
	"net/http"
	"net/netip"
	"testing"
	"time"
)

func TestHostFaults(t *testing.T) {
	h := NewHost(netip.MustParseAddr("127.0.0.1"), nil)
	h.Handle("/page", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	at, err := h.Listen(false, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	get := func() (int, error) {
		resp, err := http.Get("http://" + at[0].String() + "/page")
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		return resp.StatusCode, nil
	}
	expect := func(when string, want int) {
		t.Helper()
		if got, err := get(); got != want || (err != nil) != (want == 0) {
			t.Errorf("%s: status %d, %v; want %d", when, got, err, want)
		}
	}
	expect("well", 204)
	h.SetFault(Fault{Status: 503, Delay: time.Millisecond})
	expect("ailing", 503)
	h.SetFault(Fault{})
	expect("healed", 204)
	h.Stop()
	expect("down", 0)
	if err := h.Resume(); err != nil {
		t.Fatal(err)
	}
	expect("up again", 204)
}
