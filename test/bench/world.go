package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sallyport/appliance/trust"
)

// Where everything lives: each subject has an outside address for its clients
// and speaks to a far end inside.
const (
	domain    = "example.com"
	edgeName  = "edge.example.com"
	coreName  = "core.example.com"
	edgeOuter = "127.20.0.1"
	edgeInner = "127.20.1.1"
	kamOuter  = "127.20.0.2"
	kamFar    = "127.20.1.2"
	rawOuter  = "127.20.0.3"
	rawFar    = "127.20.1.3"
	sipPort   = "5061"
	linkPort  = "7001"
)

// world is what all subjects share: certificates, the product's binary and
// what must be ended.
type world struct {
	dir    string
	binary string
	ca     *trust.CA
	cert   []byte // for every role here
	key    []byte
	pair   tls.Certificate
	ends   []func()
}

func newWorld(ctx context.Context, dir string) (*world, error) {
	w := &world{dir: dir, binary: filepath.Join(dir, "sallyport")}
	var err error
	if w.ca, err = trust.NewCA("sallyport bench", nil); err != nil {
		return nil, err
	}
	w.cert, w.key, err = w.ca.Issue(trust.IssueOptions{
		Names: []string{edgeName, coreName},
		IPs:   []string{edgeOuter, edgeInner, kamOuter, kamFar, rawOuter, rawFar}, Server: true, Client: true,
	})
	if err != nil {
		return nil, err
	}
	if w.pair, err = tls.X509KeyPair(w.cert, w.key); err != nil {
		return nil, err
	}
	for name, b := range map[string][]byte{"cert.pem": w.cert, "key.pem": w.key, "ca.pem": w.ca.PEM()} {
		if err := os.WriteFile(w.path(name), b, 0o600); err != nil {
			return nil, err
		}
	}
	return w, w.build(ctx)
}

// build makes the binary that is shipped, symbols left in for profilers.
func (w *world) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", w.binary, "./cmd/sallyport")
	cmd.Env = append(usual(), "CGO_ENABLED=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := startOn(cmd, subjectCPU, generatorCPU); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go build ./cmd/sallyport: %w\n%s", err, out.Bytes())
	}
	return nil
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// later notes what close does, last first.
func (w *world) later(f func()) { w.ends = append(w.ends, f) }

func (w *world) close() {
	for i := len(w.ends) - 1; i >= 0; i-- {
		w.ends[i]()
	}
	w.ends = nil
}

// trustIn gives a data directory our certificates.
func (w *world) trustIn(dir string) (*trust.Trust, error) {
	t, err := trust.Open(filepath.Join(dir, "trust"), time.Now)
	if err != nil {
		return nil, err
	}
	if err := t.InstallServer(w.cert, w.key); err != nil {
		return nil, err
	}
	return t, t.InstallCA(w.ca.PEM())
}

// clientTLS is what a phone uses.
func (w *world) clientTLS() *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.ca.PEM())
	return &tls.Config{RootCAs: pool, ServerName: edgeName, MinVersion: tls.VersionTLS13, DynamicRecordSizingDisabled: true}
}

// serverTLS is what a far end or a bare relay uses.
func (w *world) serverTLS() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{w.pair}, MinVersion: tls.VersionTLS13, DynamicRecordSizingDisabled: true}
}
