package httpproxy

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestPin(t *testing.T) {
	v := Visitor{Domain: "example.com", Face: Face{Host: "edge.example.com", HTTPS: 8443, Core: 0xc0ffee}}
	w := httptest.NewRecorder()
	http.SetCookie(w, v.Pin("fedlet", time.Minute))
	sent := w.Result().Cookies()
	if len(sent) != 1 || sent[0].Path != "/ZXhhbXBsZS5jb20/fedlet" || sent[0].MaxAge != 60 || sent[0].SameSite != http.SameSiteNoneMode || !sent[0].Secure {
		t.Fatalf("%+v", sent)
	}
	r := httptest.NewRequest(http.MethodPost, v.URL("fedlet"), nil)
	r.AddCookie(sent[0])
	values := cookiesOf(r)
	if len(values) != 1 {
		t.Fatalf("%v", values)
	}
	if core, ok := parseCookie(values[0]); !ok || core != 0xc0ffee {
		t.Errorf("leads to core %x, %t", core, ok)
	}
}
