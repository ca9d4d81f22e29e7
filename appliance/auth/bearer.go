package auth

import (
	"errors"
	"strings"
)

// Bearer reads the token of a (Proxy-)Authorization value; ok is false for
// another scheme (RFC 6750 2.1, RFC 8898).
func Bearer(value string) (token string, ok bool) {
	scheme, token, found := strings.Cut(strings.TrimSpace(value), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

// BearerChallenge asks for an access token; err is what was wrong with the one
// that came, nil if none did.
func BearerChallenge(realm string, err error) string {
	c := `Bearer realm="` + realm + `", scope="UnifiedCommunications:readwrite"`
	var f Fault
	if errors.As(err, &f) {
		c += `, error="invalid_token", error_description="` + f.Error() + `"`
	}
	return c
}
