package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport/test/lab"
	"sallyport/test/login"
)

// signIn makes users of a domain of its own sign in, at two clusters: alice's
// at home and dave's. The clusters are asked what came.
func (r *round) signIn(ctx context.Context) (err error) {
	if r.login == nil {
		r.login, err = login.Open(ctx, r.pair)
	}
	return err
}

// loginPassword signs alice in with her password, and nobody with a wrong one;
// only the login opens the way inside.
func (r *round) loginPassword(ctx context.Context) (string, error) {
	if err := r.signIn(ctx); err != nil {
		return "", err
	}
	w := r.pair.World
	record := "https://" + w.Home.Publisher().Host + ":8443/cucm-uds/user/alice/devices"
	wrong, err := r.login.Client("alice", "wrong")
	if err != nil {
		return "", err
	}
	if _, page, err := wrong.Browser.SignIn(ctx, wrong.Credentials); err != nil || page.Status != http.StatusUnauthorized {
		return "", fmt.Errorf("a wrong password gets %+v, %v", page, err)
	}
	alice, err := r.login.User("alice")
	if err != nil {
		return "", err
	}
	if page, err := alice.Get(ctx, record); err != nil || page.Status != http.StatusUnauthorized {
		return "", fmt.Errorf("without a login alice gets %+v, %v", page, err)
	}
	begin := time.Now()
	config, page, err := alice.SignIn(ctx)
	if err != nil {
		return "", err
	}
	r.note(page)
	r.client = alice
	took := time.Since(begin).Round(time.Millisecond)
	own, err := alice.Get(ctx, record)
	if err != nil || own.Status != http.StatusOK || !bytes.Contains(own.Body, []byte("CSFALICE")) {
		return "", fmt.Errorf("her record: %+v, %v", own, err)
	}
	if !slices.ContainsFunc(w.UDS.Seen(), func(q lab.UDSRequest) bool { return q.User == "alice" && q.Status == http.StatusOK }) {
		return "", fmt.Errorf("the home cluster saw nothing of alice")
	}
	return fmt.Sprintf("401 for a wrong password and without a login; alice is in after %s, sent to %s:%d, and gets her record", took,
		config.SIP[0].Address, config.SIP[0].TLSPort), nil
}

// homeCluster signs in a user of the second cluster, with the clusters knowing
// each other and not.
func (r *round) homeCluster(ctx context.Context) (string, error) {
	if err := r.signIn(ctx); err != nil {
		return "", err
	}
	w := r.pair.World
	remote := w.Remote.Publisher().Host
	for _, alone := range []bool{false, true} {
		w.UDS.Set(func(o *lab.UDSOptions) { o.Alone = alone })
		dave, err := r.login.User("dave")
		if err != nil {
			return "", err
		}
		before := len(w.UDS.Seen())
		config, page, err := dave.SignIn(ctx)
		if err != nil {
			return "", err
		}
		r.note(page)
		checked := ""
		for _, q := range w.UDS.Seen()[before:] {
			if strings.HasSuffix(q.Path, "/dave/devices") {
				checked += q.Host
			}
		}
		if len(config.UDS) != 2 || config.UDS[0].Address != remote || checked != remote {
			return "", fmt.Errorf("dave was checked by %q and sent to %+v, want %s", checked, config.UDS, remote)
		}
	}
	w.UDS.Set(func(o *lab.UDSOptions) { o.Alone = false })
	return "dave lives on the remote one of two clusters, which checked him, with and without look-up between clusters", nil
}

// tftpFile fetches a device file as a client does after signing in.
func (r *round) tftpFile(ctx context.Context) (string, error) {
	alice, err := r.signedIn(ctx)
	if err != nil {
		return "", err
	}
	w := r.pair.World
	host := w.Home.Publisher().Host
	page, err := alice.Get(ctx, "http://"+host+":6970/CSFALICE.cnf.xml")
	if err != nil || page.Status != http.StatusOK || !bytes.Contains(page.Body, []byte("<processNodeName>"+host)) {
		return "", fmt.Errorf("%+v, %v", page, err)
	}
	if missing, err := alice.Get(ctx, "https://"+host+":6972/CSFNOBODY.cnf.xml"); err != nil || missing.Status != http.StatusNotFound {
		return "", fmt.Errorf("a file that is not there: %+v, %v", missing, err)
	}
	seen := w.Files.Seen()
	if !slices.Contains(seen, host+"/CSFALICE.cnf.xml") {
		return "", fmt.Errorf("the file server saw %v", seen)
	}
	return fmt.Sprintf("CSFALICE.cnf.xml with %d bytes; the file server saw it asked for", len(page.Body)), nil
}

// voicemail reads the version of the voicemail server, subscribes to alice's
// mailbox and waits there for a message.
func (r *round) voicemail(ctx context.Context) (string, error) {
	alice, err := r.signedIn(ctx)
	if err != nil {
		return "", err
	}
	w := r.pair.World
	secure := fmt.Sprintf("https://%s:8443", w.Home.Voicemail)
	if page, err := alice.Get(ctx, secure+"/vmrest/version"); err != nil || page.Status != http.StatusOK || !bytes.Contains(page.Body, []byte("vmrest")) {
		return "", fmt.Errorf("version: %+v, %v", page, err)
	}
	page, err := alice.DoAs(ctx, alice.Credentials, http.MethodPost, secure+"/vmrest/mailbox?method=requestnotification", nil)
	if err != nil || page.Status != http.StatusOK {
		return "", fmt.Errorf("subscription: %+v, %v", page, err)
	}
	_, rest, _ := strings.Cut(string(page.Body), "<SubscriptionId>")
	id, _, _ := strings.Cut(rest, "<")
	if w.Voicemail.Notify("alice", "NEW_MESSAGE") != 1 {
		return "", fmt.Errorf("alice has no subscription")
	}
	event, err := alice.DoAs(ctx, alice.Credentials, http.MethodPost, fmt.Sprintf("https://%s:7443/vmevents/cometd?subscription=%s", w.Home.Voicemail, id), nil)
	if err != nil || !bytes.Contains(event.Body, []byte("NEW_MESSAGE")) {
		return "", fmt.Errorf("notification: %+v, %v", event, err)
	}
	if page, err := alice.Get(ctx, secure+"/vmrest/cluster"); err != nil || page.Status != http.StatusForbidden {
		return "", fmt.Errorf("the administrator's part: %+v, %v", page, err)
	}
	return "version read, a mailbox subscribed to, its new message heard of; 403 for the administrator's part", nil
}

// signedIn is alice after her login, which serves all checks: it may not be
// made as often as there are.
func (r *round) signedIn(ctx context.Context) (*login.Client, error) {
	if r.client != nil {
		return r.client, nil
	}
	if err := r.signIn(ctx); err != nil {
		return nil, err
	}
	alice, err := r.login.User("alice")
	if err != nil {
		return nil, err
	}
	_, page, err := alice.SignIn(ctx)
	if err == nil {
		r.note(page)
		r.client = alice
	}
	return alice, err
}
