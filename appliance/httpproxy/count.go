package httpproxy

import (
	"io"
	"net"
	"net/http"
)

// counted has every request counted while it is served.
func counted(h http.Handler, all *tally) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all.add(1)
		defer all.add(-1)
		h.ServeHTTP(w, r)
	})
}

// countConns has every connection counted while its goroutine lives.
func countConns(all *tally) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			all.add(1)
		case http.StateClosed, http.StateHijacked:
			all.add(-1)
		}
	}
}

// bare is an answer's body whose trailers are thrown away: nothing that comes
// behind a body has been looked at.
type bare struct {
	io.ReadCloser
	answer *http.Response
}

func (b *bare) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.answer.Trailer = nil
	}
	return n, err
}

func (b *bare) Close() error {
	err := b.ReadCloser.Close()
	b.answer.Trailer = nil
	return err
}
