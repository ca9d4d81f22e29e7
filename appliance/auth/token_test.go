package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/uc"
	"sallyport/test/lab"
)

func issuer(t testing.TB) *lab.TokenIssuer {
	t.Helper()
	iss, err := lab.NewTokenIssuer()
	if err != nil {
		t.Fatal(err)
	}
	return iss
}

func tokenKey(iss *lab.TokenIssuer, ids bool) uc.TokenKey {
	k := uc.TokenKey{Publisher: "ucm1.example.com", Deployment: 1, Signing: iss.Public(), Sealing: iss.Sealing()}
	if ids {
		k.SigningID, k.SealingID = iss.SigningID, iss.SealingID
	}
	return k
}

func TestVerify(t *testing.T) {
	for _, ids := range []bool{true, false} {
		iss := issuer(t)
		keys := NewKeys(nil)
		if err := keys.Set("discovery", []uc.TokenKey{tokenKey(iss, ids)}); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		for _, more := range []lab.Claims{nil, {"typ": "user"}, {"extra": []int{1}}, {"scopes": []string{"a", "b"}}, {"ctyp": nil}} {
			c, err := keys.Verify(1, iss.AccessWith("alice", time.Hour, more), now, 0)
			if err != nil || c.User != "alice" || c.Publisher != "ucm1.example.com" {
				t.Errorf("ids %t, claims %v: %v %v", ids, more, c, err)
			}
		}
		for kind, want := range map[string]Fault{
			"expired": Expired, "kid": UnknownKey, "stranger": UnknownKey, "forged": Forged, "iss": Issuer, "refresh": Refresh,
			"inside": Refresh, "none": Algorithm, "hs256": Algorithm, "tampered": Forged, "sealed": Sealed, "nobody": Nobody, "opaque": Opaque,
		} {
			token, err := iss.Bad(kind, "alice")
			if err != nil {
				t.Fatal(err)
			}
			_, err = keys.Verify(1, token, now, 0)
			if want == Forged && !ids {
				want = UnknownKey // nothing says whose it claims to be
			}
			if !errors.Is(err, want) {
				t.Errorf("ids %t, %s: got %v, want %v", ids, kind, err, want)
			}
		}
		if _, err := keys.Verify(2, iss.Access("alice", time.Hour), now, 0); !errors.Is(err, UnknownKey) {
			t.Errorf("another deployment's token: %v", err)
		}
		if c, err := keys.Verify(1, iss.Access("alice", -time.Minute), now, time.Hour); err != nil || c.User != "alice" {
			t.Errorf("extra life: %v %v", c, err)
		}
		if _, err := keys.Verify(1, iss.Access("alice", time.Hour)+strings.Repeat("A", maxToken), now, 0); !errors.Is(err, Malformed) {
			t.Errorf("a token too large: %v", err)
		}
	}
}

// TestKidRules: a key's id is a hash of one of its forms; a cluster may tell ids
// by one rule and make tokens by another, or by a rule nobody knows.
func TestKidRules(t *testing.T) {
	iss := issuer(t)
	der := iss.Public()
	forms := map[string][]byte{
		"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"base64": []byte(base64.StdEncoding.EncodeToString(der)), "none that is known": []byte("?"),
	}
	for told, form := range forms {
		key := tokenKey(iss, true)
		key.SigningID, key.SealingID = idBy(iss, form), idBy(iss, append([]byte("s"), form...))
		keys := NewKeys(nil)
		if err := keys.Set("discovery", []uc.TokenKey{key}); err != nil {
			t.Fatal(err)
		}
		for made, other := range forms {
			maker := *iss
			maker.SigningID, maker.SealingID = idBy(iss, other), idBy(iss, append([]byte("s"), other...))
			if c, err := keys.Verify(1, maker.Access("alice", time.Hour), time.Now(), 0); err != nil || c.User != "alice" {
				t.Errorf("told by %s, made by %s: %v %v", told, made, c, err)
			}
			if told != "DER" || made != "base64" {
				continue // one of them will do, and keys take long to make
			}
			for kind, want := range map[string]Fault{"stranger": UnknownKey, "sealed": Sealed, "expired": Expired} {
				token, err := maker.Bad(kind, "alice")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := keys.Verify(1, token, time.Now(), 0); !errors.Is(err, want) {
					t.Errorf("told by %s, made by %s, %s: %v", told, made, kind, err)
				}
			}
		}
	}
}

// idBy is a key id by the hash of some form of the key.
func idBy(iss *lab.TokenIssuer, form []byte) string {
	sum := sha256.Sum256(form)
	return iss.Issuer + ":" + hex.EncodeToString(sum[:])
}

func TestMismatchAlarm(t *testing.T) {
	iss := issuer(t)
	var said []string
	keys := NewKeys(func(k uc.TokenKey, broken bool, why string) {
		said = append(said, map[bool]string{true: "raised " + k.Publisher, false: "lowered " + k.Publisher}[broken])
	})
	set := func() {
		if err := keys.Set("discovery", []uc.TokenKey{tokenKey(iss, true)}); err != nil {
			t.Fatal(err)
		}
	}
	verify := func(token string) error { _, err := keys.Verify(1, token, time.Now(), 0); return err }
	set()
	stranger, _ := iss.Bad("stranger", "alice")
	_ = verify(stranger)
	forged, _ := iss.Bad("forged", "alice")
	_ = verify(forged)
	if len(said) != 0 {
		t.Fatalf("a stranger raises alarms: %v", said)
	}
	if err := iss.Regenerate(); err != nil {
		t.Fatal(err)
	}
	if err := verify(iss.Access("alice", time.Hour)); !errors.Is(err, UnknownKey) {
		t.Errorf("after new keys: %v", err)
	}
	set()
	if err := verify(iss.Access("alice", time.Hour)); err != nil {
		t.Errorf("after refresh: %v", err)
	}
	if got := strings.Join(said, ", "); got != "raised ucm1.example.com, lowered ucm1.example.com" {
		t.Error(got)
	}
}

// TestStrangersRaiseNoAlarm: a token that anybody could have written says
// nothing about a cluster whose tokens fit.
func TestStrangersRaiseNoAlarm(t *testing.T) {
	iss := issuer(t)
	said := 0
	keys := NewKeys(func(uc.TokenKey, bool, string) { said++ })
	if err := keys.Set("discovery", []uc.TokenKey{tokenKey(iss, true)}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if _, err := keys.Verify(1, iss.Access("alice", time.Hour), now, 0); err != nil {
		t.Fatal(err)
	}
	if err := iss.Regenerate(); err != nil { // the same cluster, by its word
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]int{0: 0, believed - time.Second: 0} {
		if _, err := keys.Verify(1, iss.Access("alice", time.Hour), now.Add(after), 0); !errors.Is(err, UnknownKey) || said != want {
			t.Errorf("after %s: %v, %d alarms", after, err, said)
		}
	}
	if _, err := keys.Verify(1, iss.Access("alice", time.Hour), now.Add(believed), 0); err == nil || said != 1 {
		t.Errorf("new keys are not noticed: %v, %d alarms", err, said)
	}
}

func TestParseKeys(t *testing.T) {
	iss := issuer(t)
	k, err := ParseKeys(iss.KeyFile())
	if err != nil || k.SigningID != iss.SigningID || k.SealingID != iss.SealingID || string(k.Sealing) != string(iss.Sealing()) {
		t.Errorf("%+v %v", k, err)
	}
	for text, want := range map[string]string{
		"":                          "no signing key",
		"hello":                     "a line is neither",
		"{":                         "cannot be read",
		string(iss.KeyFile()[:500]): "PEM cannot be read",
		"-----BEGIN X-----\nAAAA\n-----END X-----\n": "PEM X cannot be read",
		strings.Repeat("a", maxKeyFile+1):            "larger",
	} {
		if _, err := ParseKeys([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	iss := issuer(f)
	keys := NewKeys(nil)
	if err := keys.Set("x", []uc.TokenKey{tokenKey(iss, false)}); err != nil {
		f.Fatal(err)
	}
	good := iss.Access("alice", time.Hour)
	f.Add(good)
	for _, kind := range []string{"expired", "kid", "none", "tampered", "sealed", "opaque", "refresh"} {
		bad, err := iss.Bad(kind, "alice")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, token string) {
		c, err := keys.Verify(1, token, time.Unix(1<<40, 0), 0)
		if err == nil {
			t.Errorf("%q was accepted: %v", token, c)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add(issuer(f).KeyFile())
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA","kid":"a:b"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := ParseKeys(text); err == nil && (len(k.Sealing) != sealingBytes || k.Signing == nil) {
			t.Errorf("%+v", k)
		}
	})
}
