package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sendFCM asks Google (HTTP v1): a data message of high priority.
func (v *service) sendFCM(ctx context.Context, d Device, why string, lasts time.Duration) error {
	token, err := v.pass.get(v.server.cfg.Clock(), func() (string, time.Duration, error) { return v.googleToken(ctx) })
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"message": map[string]any{
		"token":   d.ID,
		"data":    map[string]string{"sip": why},
		"android": map[string]string{"priority": "HIGH", "ttl": strconv.Itoa(int(lasts/time.Second)) + "s"},
	}})
	if err != nil {
		return err
	}
	to := v.URL + "/v1/projects/" + url.PathEscape(v.Application) + "/messages:send"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, answer, err := do(v.client, req)
	if err != nil || resp.StatusCode == http.StatusOK {
		return err
	}
	return googleRefusal(resp, answer)
}

const googleScope = "https://www.googleapis.com/auth/firebase.messaging"

// googleToken gets an access token for a signed assertion (RFC 7523).
func (v *service) googleToken(ctx context.Context) (string, time.Duration, error) {
	now := v.server.cfg.Clock()
	assertion, err := signed("RS256", v.KeyID, claims{
		"iss": v.Account, "scope": googleScope, "aud": v.TokenURL, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}, rs256(v.rsa))
	if err != nil {
		return "", 0, err
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, body, err := do(v.tokens, req)
	if err != nil {
		return "", 0, err
	}
	var said struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
		Error   string
	}
	bad := json.Unmarshal(body, &said)
	if resp.StatusCode != http.StatusOK {
		no := &refusal{status: resp.StatusCode, reason: word(said.Error), after: retryAfter(resp)}
		no.ours = resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests
		return "", 0, no
	}
	if bad != nil || said.Token == "" {
		return "", 0, errors.New("the token endpoint gave no token")
	}
	return said.Token, max(time.Duration(said.Expires)*time.Second-time.Minute, 0), nil
}

// googleRefusal reads google.rpc.Status with the FcmError in its details.
func googleRefusal(resp *http.Response, body []byte) error {
	var said struct {
		Error struct {
			Status  string
			Details []struct {
				ErrorCode string
			}
		}
	}
	_ = json.Unmarshal(body, &said) // without words the status has to do
	reason := said.Error.Status
	for _, d := range said.Error.Details {
		if d.ErrorCode != "" {
			reason = d.ErrorCode
		}
	}
	no := &refusal{status: resp.StatusCode, reason: word(reason), after: retryAfter(resp)}
	switch reason {
	case "UNREGISTERED", "SENDER_ID_MISMATCH", "INVALID_ARGUMENT":
		no.gone = true
	}
	no.stale = resp.StatusCode == http.StatusUnauthorized
	no.ours = !no.gone && (no.stale || resp.StatusCode == http.StatusForbidden)
	return no
}
