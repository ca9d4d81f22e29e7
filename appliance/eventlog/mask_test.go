package eventlog

import (
	"encoding/base64"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

func TestMask(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"request denied rule=none", "request denied rule=none"},
		{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4",
			"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***|2^20|1:4"},
		{"a=x-sallyport:7 c2VjcmV0a2V5 more\r\nm=audio", "a=x-sallyport:***\r\nm=audio"},
		{"a=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=ice-ufrag:8hhY", "a=ice-pwd:***\r\na=ice-ufrag:8hhY"},
		{"v=0\r\nk=base64:c2VjcmV0\r\n", "v=0\r\nk=***\r\n"},
		{"k=v", "k=v"},
		{"a=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAyO\r\nm=audio", "a=key-mgmt:***\r\nm=audio"},
		{"dial https://alice:p:w@cucm1.example.com:8443/x: refused", "dial https://alice:***@cucm1.example.com:8443/x: refused"},
		{"To: <sip:alice:secret@example.com:5060>", "To: <sip:alice:***@example.com:5060>"},
		{"<sip:alice@example.com:5060> https://a:8443/b@c", "<sip:alice@example.com:5060> https://a:8443/b@c"},
		{"Authorization: Basic YWxpY2U6c2VjcmV0", "Authorization: ***"},
		{`Authorization: Digest username="alice", response="6629fae49393a05397450978507c4ef1", qop=auth`,
			`Authorization: Digest username="alice", response="***", qop=auth`},
		{`Proxy-Authorization: Digest nonce="x",response=abc123,uri="sip:a"`, `Proxy-Authorization: Digest nonce="x",response=***,uri="sip:a"`},
		{"Authorization: Bearer\r\n abc.def\r\nTo: <sip:a@b>", "Authorization: ***\r\nTo: <sip:a@b>"},
		{"Cookie: X-Auth=3f2a1c9e; theme=dark\nHost: a", "Cookie: ***\nHost: a"},
		{"Set-Cookie: JSESSIONID=77; Path=/", "Set-Cookie: ***"},
		{"got Bearer abcdefghijklmnop here", "got Bearer *** here"},
		{"basic authentication failed", "basic authentication failed"},
		{"credentials Basic YWxpY2U6c2VjcmV0!", "credentials Basic ***!"},
		{"token eyJhbGciOiJSUzI1NiJ9.eyJwIjoxfQ.c2ln rejected", "token *** rejected"},
		{"bad token: expired", "bad token: expired"},
		{"GET /x?access_token=abc&user=alice", "GET /x?access_token=***&user=alice"},
		{"GET /cb?code=abc&state=xyz", "GET /cb?code=***&state=***"},
		{"POST /access_token?grant_type=x&code_verifier=abc", "POST /access_token?grant_type=x&code_verifier=***"},
		{"code=500", "code=500"},
		{`{"password":"a\"b","user":"x"}`, `{"password":"***","user":"x"}`},
		{`{\"password\":\"ab\"}`, `{\"password\":\"***\"}`},
		{"<axlpassword>secret</axlpassword>", "<axlpassword>***</axlpassword>"},
		{`<ns:Password xsi:type="string">se cret</ns:Password>`, `<ns:Password xsi:type="string">***</ns:Password>`},
		{"xConfiguration Authentication Account Admin Account 1 Password: \"se cret\"", "xConfiguration Authentication Account Admin Account 1 Password: \"***\""},
		{`Password "se cret" Enabled: On`, `Password "***" Enabled: On`},
		{"password=a,b;c next", "password=*** next"},
		{"wrong password", "wrong password"},
		{"<sip:a@b;pn-provider=apns;pn-prid=00fc13:x;pn-param=T.app>;q=1", "<sip:a@b;pn-provider=apns;pn-prid=***;pn-param=T.app>;q=1"},
		{`password="never closed`, `password="***`},
		{"-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----***-----END EC PRIVATE KEY-----"},
		{"map[Authorization:[Basic YWxpY2U6c2VjcmV0]]", "map[Authorization:***"},
	} {
		if got := Mask(c.in); got != c.want {
			t.Errorf("Mask(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

// Golden pairs of whole messages: in, and as they may be shown.
func TestMaskMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/mask/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := MaskSIP(a.Files[0].Data)
		if os.Getenv("UPDATE") != "" {
			a.Files[1].Data = got
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(a.Files[1].Data), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestMaskHTTPHeader(t *testing.T) {
	in := http.Header{"Authorization": {"Basic YWxpY2U6c2VjcmV0"}, "Cookie": {"a=b", "c=d"}, "Accept": {"*/*"}, "X-Auth": {"3f2a"}}
	want := http.Header{"Authorization": {"***"}, "Cookie": {"***", "***"}, "Accept": {"*/*"}, "X-Auth": {"***"}}
	if diff := cmp.Diff(want, MaskHTTPHeader(in)); diff != "" {
		t.Error(diff)
	}
	if in.Get("X-Auth") != "3f2a" {
		t.Error("the header itself was changed")
	}
}

// FuzzMask plants a secret in every form that the product writes or relays,
// with any text around it, and looks for it in what comes out.
func FuzzMask(f *testing.F) {
	f.Add("", "", uint8(0), []byte("0123456789abcdefghij"))
	f.Add("INVITE sip:a@b SIP/2.0\r\n", "\r\nTo: <sip:x@y>", uint8(1), []byte("secret of a stranger"))
	f.Add(`{"a":"`, `"}`, uint8(9), []byte("ZZZZZZZZZZZZZZZZZZZZ"))
	f.Add("eyJ", "eyJ-----BEGIN PRIVATE KEY-----", uint8(3), []byte("00000000000000000000"))
	f.Add("password=", "'", uint8(5), []byte("11111111111111111111"))
	forms := []string{
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%|2^31", "Authorization: Basic %", "\r\nAuthorization: Digest username=\"a\", response=\"%\"",
		"\r\nCookie: X-Auth=%; a=b", "X-Auth=%", "password=%", "Password: %", "Password: \"%\"", "<password>%</password>", "\"password\": \"%\"",
		"?access_token=%&a=b", "a=ice-pwd:%", "a=x-sallyport:5 %", "client_secret=%", "\r\nSet-Cookie: s=%", "proxy-authorization:Bearer %",
		"-----BEGIN PRIVATE KEY-----%-----END PRIVATE KEY-----", "Bearer %", "\"refresh_token\":\"%\"",
		"https://alice:%@example.com/", "<sips:alice:%@example.com>", "a=key-mgmt:mikey %",
	}
	f.Fuzz(func(t *testing.T, before, after string, form uint8, raw []byte) {
		if len(raw) < 15 {
			return
		}
		raw = raw[:min(len(raw), 256)] // userinfo is searched for its end no further than maxUserinfo
		secret := "Zq" + strings.NewReplacer("+", "x", "/", "y", "=", "z").Replace(base64.StdEncoding.EncodeToString(raw))
		if strings.Contains(before+after, secret) {
			return
		}
		// A word that runs into the form is another word, and an open quote
		// or header before it hides more, never less.
		text := before + "\r\n" + strings.Replace(forms[int(form)%len(forms)], "%", secret, 1) + "\r\n" + after
		got := Mask(text)
		if strings.Contains(got, secret) {
			t.Errorf("secret %q survives:\n in %q\nout %q", secret, text, got)
		}
		if again := Mask(got); again != got {
			t.Errorf("masking twice differs:\n 1 %q\n 2 %q", got, again)
		}
	})
}

// TestHarmless: what is passed over at a glance is what the long look leaves as
// it is.
func TestHarmless(t *testing.T) {
	pieces := []string{"alice", "@", ".", "password", "token", "eyJhbGciOiJIUzI1NiJ9", "'", `\\`, "<", "?", "&", ";", ",", "/", "basic", "Bearer", "k", "inline",
		"=", ":", ">", `"`, " ", "\t", "\r\n", "Zm9vOmJhcg", "x-auth", "sip", "-----BEGIN", "PRIVATE KEY-----", "*", "é"}
	r := rand.New(rand.NewPCG(1, 2))
	glances := 0
	for range 50_000 {
		s := ""
		for range 1 + r.IntN(5) {
			s += pieces[r.IntN(len(pieces))]
		}
		if !harmless(s) {
			continue
		}
		if glances++; mask(s) != s {
			t.Fatalf("%q is passed over, but becomes %q", s, mask(s))
		}
	}
	if glances < 1000 {
		t.Fatalf("only %d of the texts were passed over", glances)
	}
	for _, key := range []string{"event", "from", "to", "direction", "call", "trace", "user", "peer", "status", "method", "rule", "why", "zone", "expires"} {
		if classify(key, 0, len(key)) != notSecret {
			t.Errorf("the key %q is passed over, but names a secret", key)
		}
	}
}

// A line as each call writes two of.
func BenchmarkHandle(b *testing.B) {
	log := New(Config{Node: "edge"}).Logger()
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(b.Context(), slog.LevelInfo, "call", slog.String("event", "CallConnected"), slog.String("from", "alice@example.com"),
			slog.String("to", "bob@example.com"), slog.String("direction", "inward"), slog.String("call", "1f2e3d4c5b6a7988"), slog.String("trace", "8f2e3d4c5b6a7981"))
	}
}

func BenchmarkMask(b *testing.B) {
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Mask("https://cucm1.example.com:8443/cucm-uds/user/alice/devices")
		}
	})
	b.Run("secret", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Mask("Authorization: Basic YWxpY2U6c2VjcmV0")
		}
	})
}

// A stranger chooses what is masked: the time must grow with the length only.
func TestMaskIsLinear(t *testing.T) {
	for _, unit := range []string{"cookie:", "password=", `password="`, "password='", "<password>", "<password ", "eyJ", "basic ", "authorization: digest ", "-----BEGIN PRIVATE KEY-----", "response= \r\n ", "inline:", `\"`} {
		text := strings.Repeat(unit, 1<<20/len(unit))
		began := time.Now()
		Mask(text)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%d times %q took %v", 1<<20/len(unit), unit, took)
		}
	}
}
