package lab

import (
	"context"
	stdcrypto "crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a PushStub's accounts are called.
const (
	PushTeam    = "TEAM012345"
	PushBundle  = "com.example.phone"
	PushKeyID   = "KEY0123456"
	PushProject = "phones-1"
	PushAccount = "waker@phones-1.iam.example.com"
	PushBearer  = "gateway-secret-0123456789"
)

// A Push is a notification that a push service took.
type Push struct {
	Service string // apns, fcm, gateway
	Device  string
	Why     string // what the app is told: call, message, refresh
	Kind    string // apns-push-type
	Topic   string
	Proto   string
}

// PushStub is Apple's, Google's and a gateway's push service in one: HTTP/2 over
// TLS. It checks what the real ones check: tokens by their signature, age and
// issuer, topics, header and body.
type PushStub struct {
	ec  *ecdsa.PrivateKey
	rsa *rsa.PrivateKey

	srv     *http.Server
	at      netip.AddrPort
	serving sync.WaitGroup

	mu      sync.Mutex // guards all below
	seen    []Push
	news    chan Push
	gone    map[string]bool
	revoked bool
	busy    int
	access  map[string]time.Time
	faults  []string
}

// NewPushStub makes the keys; it listens nowhere yet.
func NewPushStub() (*PushStub, error) {
	s := &PushStub{news: make(chan Push, 256), gone: map[string]bool{}, access: map[string]time.Time{}}
	var err, err2 error
	s.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.rsa, err2 = rsa.GenerateKey(rand.Reader, 2048)
	return s, errors.Join(err, err2)
}

// Start listens; the port may be 0.
func (s *PushStub) Start(at netip.AddrPort, conf *tls.Config) error {
	conf = conf.Clone()
	conf.NextProtos = []string{"h2", "http/1.1"}
	ln, err := tls.Listen("tcp", at.String(), conf)
	if err != nil {
		return fmt.Errorf("lab: push services: %w", err)
	}
	s.at = addrPort(ln.Addr())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /3/device/{id}", s.apns)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /v1/projects/{send...}", s.fcm)
	mux.HandleFunc("POST /wake", s.gateway)
	s.srv = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	s.serving.Go(func() { s.srv.Serve(ln) })
	return nil
}

// URL is where the services are.
func (s *PushStub) URL() string { return "https://" + s.at.String() }

// Close ends it.
func (s *PushStub) Close() {
	if s.srv != nil {
		s.srv.Close()
		s.serving.Wait()
	}
}

// AppleKey and GoogleKey are the keys of our accounts, as base64 of PKCS #8.
func (s *PushStub) AppleKey() string { return pkcs8(s.ec) }

// GoogleKey is the service account's.
func (s *PushStub) GoogleKey() string { return pkcs8(s.rsa) }

func pkcs8(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // a key that was made a moment ago
	}
	return base64.StdEncoding.EncodeToString(der)
}

// Seen is what was taken.
func (s *PushStub) Seen() []Push {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Push(nil), s.seen...)
}

// Faults is what was wrong with requests, in words.
func (s *PushStub) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.faults...)
}

// Next waits for a notification.
func (s *PushStub) Next(ctx context.Context) (Push, error) {
	select {
	case p := <-s.news:
		return p, nil
	case <-ctx.Done():
		return Push{}, fmt.Errorf("lab: no push came: %w (%v)", ctx.Err(), s.Faults())
	}
}

// Uninstall makes a device unknown.
func (s *PushStub) Uninstall(device string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[device] = true
}

// Revoke has the services refuse our credentials, or take them again.
func (s *PushStub) Revoke(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = on
}

// Busy has the next n notifications answered with 503.
func (s *PushStub) Busy(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = n
}

func (s *PushStub) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// ailing answers what ails the services as a whole.
func (s *PushStub) ailing(w http.ResponseWriter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy == 0 {
		return false
	}
	s.busy--
	w.WriteHeader(http.StatusServiceUnavailable)
	return true
}

func (s *PushStub) state(device string) (revoked, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revoked, s.gone[device]
}

func (s *PushStub) take(p Push) {
	s.mu.Lock()
	s.seen = append(s.seen, p)
	s.mu.Unlock()
	select {
	case s.news <- p:
	default:
	}
}

func (s *PushStub) apns(w http.ResponseWriter, r *http.Request) {
	if s.ailing(w) {
		return
	}
	refuse := func(status int, reason string) {
		s.fault("apns: %s", reason)
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"reason": reason})
	}
	id := r.PathValue("id")
	revoked, gone := s.state(id)
	claims, err := readJWT(strings.TrimPrefix(r.Header.Get("Authorization"), "bearer "), "ES256", PushKeyID, s.verifyES)
	topic, kind := r.Header.Get("Apns-Topic"), r.Header.Get("Apns-Push-Type")
	var body struct {
		Aps map[string]any
		Sip string
	}
	until, _ := strconv.ParseInt(r.Header.Get("Apns-Expiration"), 10, 64)
	switch bad := json.NewDecoder(r.Body).Decode(&body); {
	case r.ProtoMajor != 2:
		refuse(505, "HTTP2Required")
	case err != nil || claims.Iss != PushTeam || revoked:
		refuse(403, "InvalidProviderToken")
	case time.Since(time.Unix(claims.Iat, 0)).Abs() > time.Hour:
		refuse(403, "ExpiredProviderToken")
	case topic != PushBundle && topic != PushBundle+".voip":
		refuse(400, "DeviceTokenNotForTopic")
	case strings.HasSuffix(topic, ".voip") != (kind == "voip"):
		refuse(400, "InvalidPushType")
	case kind == "background" && r.Header.Get("Apns-Priority") != "5":
		refuse(400, "BadPriority")
	case bad != nil || body.Aps == nil:
		refuse(400, "PayloadEmpty")
	case until < time.Now().Unix():
		refuse(400, "BadExpirationDate")
	case gone:
		refuse(410, "Unregistered")
	default:
		w.Header().Set("Apns-Id", uuid())
		s.take(Push{"apns", id, body.Sip, kind, topic, r.Proto})
	}
}

func (s *PushStub) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(reason string) {
		s.fault("token: %s", reason)
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"error": reason})
	}
	revoked, _ := s.state("")
	claims, err := readJWT(r.FormValue("assertion"), "RS256", "", s.verifyRS)
	now := time.Now().Unix()
	switch {
	case r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
		refuse("unsupported_grant_type")
	case err != nil || revoked || claims.Iss != PushAccount || claims.Aud != s.URL()+"/token" || claims.Exp < now || claims.Exp > now+3600:
		refuse("invalid_grant")
	case claims.Scope != "https://www.googleapis.com/auth/firebase.messaging":
		refuse("invalid_scope")
	default:
		text := "ya29." + randomHex(20)
		s.mu.Lock()
		s.access[text] = time.Now().Add(time.Hour)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"access_token": text, "expires_in": 3599, "token_type": "Bearer"})
	}
}

func (s *PushStub) fcm(w http.ResponseWriter, r *http.Request) {
	if s.ailing(w) {
		return
	}
	refuse := func(status int, word, code string) {
		s.fault("fcm: %s %s", word, code)
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "status": word, "details": []any{
			map[string]string{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}}}})
	}
	var body struct {
		Message struct {
			Token   string
			Data    map[string]string
			Android struct{ Priority, TTL string }
		}
	}
	bad := json.NewDecoder(r.Body).Decode(&body)
	m := body.Message
	_, gone := s.state(m.Token)
	s.mu.Lock()
	known := time.Now().Before(s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]) && !s.revoked
	s.mu.Unlock()
	switch {
	case !known:
		refuse(401, "UNAUTHENTICATED", "")
	case r.PathValue("send") != PushProject+"/messages:send":
		refuse(404, "NOT_FOUND", "")
	case bad != nil || m.Token == "" || m.Android.Priority != "HIGH" || !strings.HasSuffix(m.Android.TTL, "s"):
		refuse(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
	case gone:
		refuse(404, "NOT_FOUND", "UNREGISTERED")
	default:
		json.NewEncoder(w).Encode(map[string]string{"name": "projects/" + PushProject + "/messages/" + randomHex(8)})
		s.take(Push{Service: "fcm", Device: m.Token, Why: m.Data["sip"], Proto: r.Proto})
	}
}

func (s *PushStub) gateway(w http.ResponseWriter, r *http.Request) {
	if s.ailing(w) {
		return
	}
	var body struct {
		Event string
		ID    string `json:"pn-prid"`
		TTL   int
	}
	bad := json.NewDecoder(r.Body).Decode(&body)
	revoked, gone := s.state(body.ID)
	switch {
	case revoked || r.Header.Get("Authorization") != "Bearer "+PushBearer:
		w.WriteHeader(http.StatusUnauthorized)
	case bad != nil || body.Event == "" || body.TTL <= 0:
		w.WriteHeader(http.StatusBadRequest)
	case gone:
		w.WriteHeader(http.StatusGone)
	default:
		s.take(Push{Service: "gateway", Device: body.ID, Why: body.Event, Proto: r.Proto})
		w.WriteHeader(http.StatusAccepted)
	}
}

// jwtClaims are those that push services look at.
type jwtClaims struct {
	Iss, Aud, Scope string
	Iat, Exp        int64
}

func (s *PushStub) verifyES(digest, sig []byte) bool {
	if len(sig) != 64 {
		return false
	}
	return ecdsa.Verify(&s.ec.PublicKey, digest, new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
}

func (s *PushStub) verifyRS(digest, sig []byte) bool {
	return rsa.VerifyPKCS1v15(&s.rsa.PublicKey, stdcrypto.SHA256, digest, sig) == nil
}

func readJWT(text, alg, kid string, verify func(digest, sig []byte) bool) (c jwtClaims, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return c, errors.New("no token")
	}
	var header struct{ Alg, Kid string }
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err == nil {
		err = json.Unmarshal(raw, &header)
	}
	if err != nil || header.Alg != alg || header.Kid != kid {
		return c, fmt.Errorf("header %+v: %w", header, err)
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || !verify(sum[:], sig) {
		return c, errors.New("signature")
	}
	if raw, err = base64.RawURLEncoding.DecodeString(parts[1]); err != nil {
		return c, err
	}
	return c, json.Unmarshal(raw, &c)
}

// PushLines are what core is told so that it wakes phones through the stub.
func (s *PushStub) PushLines() []string {
	line := func(i int, row, value string) string {
		return fmt.Sprintf("xConfiguration Push Provider %d %s: %q", i, row, value)
	}
	return []string{
		line(1, "Name", "apns"), "xConfiguration Push Provider 1 Type: APNS", line(1, "Url", s.URL()),
		line(1, "Account", PushTeam), line(1, "Application", PushBundle), line(1, "KeyId", PushKeyID), line(1, "Key", s.AppleKey()),
		line(2, "Name", "fcm"), "xConfiguration Push Provider 2 Type: FCM", line(2, "Url", s.URL()), line(2, "TokenUrl", s.URL()+"/token"),
		line(2, "Account", PushAccount), line(2, "Application", PushProject), line(2, "Key", s.GoogleKey()),
		line(3, "Name", "house"), "xConfiguration Push Provider 3 Type: Gateway", line(3, "Url", s.URL()+"/wake"), line(3, "Key", PushBearer),
		"xConfiguration Push Mode: On",
	}
}

// PushParams are what a phone puts into its Contact for a provider of PushLines
// and one device.
func PushParams(provider, device string) string {
	param := map[string]string{"apns": PushTeam + "." + PushBundle + ".voip", "fcm": PushProject, "house": ""}[provider]
	text := ";pn-provider=" + provider + ";pn-prid=" + url.PathEscape(device)
	if param != "" {
		text += ";pn-param=" + param
	}
	return text
}
