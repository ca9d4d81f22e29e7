package push

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// sendGateway posts what is known to a gateway, which does the rest. 404 and 410
// say that the phone is gone.
func (v *service) sendGateway(ctx context.Context, d Device, why string, lasts time.Duration) error {
	body, err := json.Marshal(map[string]any{
		"event": why, "pn-provider": d.Provider, "pn-prid": d.ID, "pn-param": d.Param, "ttl": int(lasts / time.Second),
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if v.Key != "" {
		req.Header.Set("Authorization", "Bearer "+v.Key)
	}
	resp, _, err := do(v.client, req)
	if err != nil || resp.StatusCode/100 == 2 {
		return err
	}
	no := &refusal{status: resp.StatusCode, reason: http.StatusText(resp.StatusCode), after: retryAfter(resp)}
	no.gone = resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone
	no.ours = resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden
	return no
}
