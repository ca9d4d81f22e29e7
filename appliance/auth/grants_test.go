package auth

import (
	"strings"
	"testing"
	"time"
)

func TestReadTokenAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		life   time.Duration
		err    string
	}{
		"good":            {200, `{"access_token":"a.b-c_d~e+f/g=","token_type":"bearer","expires_in":3600}`, 59 * time.Minute, ""},
		"short":           {200, `{"access_token":"x","expires_in":100}`, 90 * time.Second, ""},
		"no life":         {200, `{"access_token":"x"}`, 59 * time.Minute, ""},
		"for ever":        {200, `{"access_token":"x","expires_in":999999999999}`, 7*24*time.Hour - time.Minute, ""},
		"refused":         {401, `{"error":"invalid_client"}`, 0, `401 "invalid_client"`},
		"a page":          {502, `<html>`, 0, "answers 502"},
		"no token":        {200, `{}`, 0, "no bearer token"},
		"another kind":    {200, `{"access_token":"x","token_type":"mac"}`, 0, "no bearer token"},
		"two header rows": {200, `{"access_token":"x\r\nRoute: <sip:evil>"}`, 0, "no bearer token"},
		"too long":        {200, `{"access_token":"` + strings.Repeat("x", maxToken+1) + `"}`, 0, "no bearer token"},
	} {
		t.Run(name, func(t *testing.T) {
			token, life, err := readTokenAnswer(tt.status, []byte(tt.body))
			if tt.err == "" && (err != nil || token == "" || life != tt.life) {
				t.Errorf("%q, %v, %v; want %v", token, life, err, tt.life)
			}
			if tt.err != "" && (err == nil || token != "" || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%q, %v; want %s", token, err, tt.err)
			}
		})
	}
}

func FuzzReadTokenAnswer(f *testing.F) {
	f.Add(200, `{"access_token":"x","expires_in":-5}`)
	f.Add(401, `{"error":"e"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		token, life, err := readTokenAnswer(status, []byte(body))
		if err == nil && (!plainToken(token) || life <= 0) || err != nil && token != "" {
			t.Errorf("%q, %v, %v", token, life, err)
		}
	})
}
