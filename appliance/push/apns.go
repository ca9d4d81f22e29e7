package push

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// appleTokenTime is how long a token is used: Apple refuses those of more than
// an hour, and a new one more often than every 20 minutes.
const appleTokenTime = 40 * time.Minute

// sendAPNS asks Apple (HTTP/2, token-based). A topic that ends in .voip is for
// calls; any other shows an alert, or wakes the app quietly for a refresh.
func (v *service) sendAPNS(ctx context.Context, d Device, why string, lasts time.Duration) error {
	token, err := v.pass.get(v.server.cfg.Clock(), v.appleToken)
	if err != nil {
		return err
	}
	_, topic, _ := strings.Cut(d.Param, ".")
	kind, priority := appleKind(topic, why)
	body, err := json.Marshal(appleNotice(kind, why))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.URL+"/3/device/"+d.ID, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "bearer "+token)
	req.Header.Set("Apns-Topic", topic)
	req.Header.Set("Apns-Push-Type", kind)
	req.Header.Set("Apns-Priority", priority)
	req.Header.Set("Apns-Expiration", strconv.FormatInt(v.server.cfg.Clock().Add(lasts).Unix(), 10))
	resp, answer, err := do(v.client, req)
	if err != nil || resp.StatusCode == http.StatusOK {
		return err
	}
	return appleRefusal(resp, answer)
}

func (v *service) appleToken() (string, time.Duration, error) {
	c := claims{"iss": v.Account, "iat": v.server.cfg.Clock().Unix()}
	text, err := signed("ES256", v.KeyID, c, es256(v.ec))
	return text, appleTokenTime, err
}

func appleKind(topic, why string) (kind, priority string) {
	switch {
	case strings.HasSuffix(topic, voip):
		return "voip", "10"
	case why == Refresh:
		return "background", "5"
	}
	return "alert", "10"
}

// appleNotice is what the app gets: what to do, and nothing of who calls.
func appleNotice(kind, why string) map[string]any {
	aps := map[string]any{"content-available": 1}
	if kind == "alert" {
		aps = map[string]any{"alert": map[string]string{"loc-key": "SIP_" + strings.ToUpper(why)}, "mutable-content": 1}
	}
	return map[string]any{"aps": aps, "sip": why}
}

func appleRefusal(resp *http.Response, body []byte) error {
	var said struct{ Reason string }
	_ = json.Unmarshal(body, &said) // without a reason the status has to do
	no := &refusal{status: resp.StatusCode, reason: word(said.Reason), after: retryAfter(resp)}
	switch said.Reason {
	case "ExpiredProviderToken":
		no.stale = true
	case "BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "ExpiredToken":
		no.gone = true
	}
	no.gone = no.gone || resp.StatusCode == http.StatusGone
	no.ours = resp.StatusCode == http.StatusForbidden && !no.stale || resp.StatusCode == http.StatusUnauthorized
	return no
}

// word is a service's own word, if it is one: it goes to the log.
func word(s string) string {
	if len(s) > 64 || !all(s, isToken) {
		return ""
	}
	return s
}

// retryAfter is how long a service wants to be left alone, 10 s at most: nobody
// waits for longer.
func retryAfter(resp *http.Response) time.Duration {
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, 10*time.Second)
}
