package httpproxy

import (
	"io"
	"log"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// Headers that edge and core say to each other on the link and nobody else
// hears. Any header with the prefix is removed from what comes from outside.
const (
	privatePrefix = "X-Sallyport-"
	headerTrace   = "X-Sallyport-Trace"
	headerClient  = "X-Sallyport-Client"
	headerFace    = "X-Sallyport-Face"
	headerDevice  = "X-Sallyport-Device"
)

func dropPrivate(h http.Header) {
	for name := range h {
		if len(name) >= len(privatePrefix) && strings.EqualFold(name[:len(privatePrefix)], privatePrefix) {
			delete(h, name)
		}
	}
}

// allMethods are those that a client may use at all; the allow list decides
// further.
const allMethods = "OPTIONS, GET, HEAD, POST, PUT, DELETE"

func knownMethod(m string) bool {
	switch m {
	case "OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE":
		return true
	}
	return false
}

// refuse answers with a short plain text.
func refuse(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	switch status {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", allMethods)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Basic realm="Remote access", charset="UTF-8"`)
	}
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

// answer refuses by what was decided.
func (no *refusal) answer(w http.ResponseWriter) {
	if no.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(no.retry))
	}
	refuse(w, no.status, no.why)
}

// netLog is where net/http writes what it thinks of its peers: of interest to
// a developer only, but for a panic of our own.
func netLog(to *slog.Logger) *log.Logger { return log.New(netLogWriter{to}, "", 0) }

type netLogWriter struct{ log *slog.Logger }

func (w netLogWriter) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if strings.Contains(text, "panic") {
		w.log.Error("http handler failed", "event", "panic", "err", text)
	} else {
		w.log.Debug("http", "event", "net", "text", text)
	}
	return len(line), nil
}
