package httpproxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// pace bounds how long a client may keep one request waiting: for each part of
// its body and for each part of the answer, not for the whole of them. While
// nothing is read there is no deadline, because net/http watches an idle client
// with a read of its own, and a deadline that passes then cancels the request.
type pace struct {
	control *http.ResponseController
	pause   time.Duration

	mu       sync.Mutex
	complete bool // the client has sent all of its body
	answered bool // net/http may read on by itself, to be rid of the rest
}

// newPace joins the two halves of a request. begun is told of the answer's
// header. Without deadlines (a test's recorder) there is no slow client.
func newPace(w http.ResponseWriter, r *http.Request, l Limits, begun func(int, http.Header)) (*pacedWriter, *pacedBody) {
	p := &pace{control: http.NewResponseController(w), pause: l.Pause, complete: r.ContentLength == 0}
	_ = p.control.SetWriteDeadline(time.Time{})
	body := &pacedBody{pace: p, body: http.MaxBytesReader(w, r.Body, l.BodyBytes)}
	return &pacedWriter{ResponseWriter: w, pace: p, begun: begun}, body
}

func (p *pace) beforeRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.answered {
		_ = p.control.SetReadDeadline(time.Now().Add(p.pause))
	}
}

func (p *pace) afterRead(complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complete = p.complete || complete
	if !p.answered || p.complete {
		_ = p.control.SetReadDeadline(time.Time{})
	}
}

// answer gives a client that is answered before it has sent all of its body no
// more than wait for the rest.
func (p *pace) answer(wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = true
	if !p.complete {
		_ = p.control.SetReadDeadline(time.Now().Add(wait))
	}
}

// pacedBody is the body of a request.
type pacedBody struct {
	*pace
	body io.ReadCloser

	reading sync.Mutex
	ended   bool
	err     error // of the client's side; not io.EOF
}

// Read implements io.Reader.
func (b *pacedBody) Read(to []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.ended {
		return 0, http.ErrBodyReadAfterClose
	}
	b.beforeRead()
	n, err := b.body.Read(to)
	b.afterRead(errors.Is(err, io.EOF))
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// Close does nothing: the server closes a request's body itself.
func (b *pacedBody) Close() error { return nil }

// end keeps a transport that still reads off the connection, which belongs to
// the next request from then on.
func (b *pacedBody) end() {
	b.answer(0) // breaks off a read in progress
	b.reading.Lock()
	b.ended = true
	b.reading.Unlock()
	b.answer(b.pause)
}

// fault is what the client's side of the body failed with, as an answer to it;
// 0 if it did not.
func (b *pacedBody) fault() (status int, text string) {
	b.reading.Lock()
	defer b.reading.Unlock()
	var large *http.MaxBytesError
	switch {
	case b.err == nil:
		return 0, ""
	case errors.As(b.err, &large):
		return http.StatusRequestEntityTooLarge, "Request body is too large"
	case errors.Is(b.err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, "Request body came too slowly"
	}
	return http.StatusBadRequest, "Request body is damaged"
}

// pacedWriter takes the answer. It lets no interim answer through: what the
// next hop says before its answer is not checked, and each hop asks for a body
// itself.
type pacedWriter struct {
	http.ResponseWriter
	*pace
	begun func(status int, h http.Header)
	began bool
}

// WriteHeader implements http.ResponseWriter.
func (w *pacedWriter) WriteHeader(status int) {
	if status >= 200 {
		w.begin(status)
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *pacedWriter) begin(status int) {
	if !w.began {
		w.began = true
		w.answer(w.pause)
		w.begun(status, w.Header())
	}
}

// Write implements http.ResponseWriter.
func (w *pacedWriter) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	_ = w.control.SetWriteDeadline(time.Now().Add(w.pause))
	defer w.control.SetWriteDeadline(time.Time{})
	return w.ResponseWriter.Write(b)
}

// FlushError implements what http.ResponseController looks for. The header is
// out then, and net/http is rid of the request's body.
func (w *pacedWriter) FlushError() error {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.pause))
	defer w.control.SetWriteDeadline(time.Time{})
	err := w.control.Flush()
	w.afterRead(true)
	return err
}

// end leaves a deadline for what the server still has to write.
func (w *pacedWriter) end() { _ = w.control.SetWriteDeadline(time.Now().Add(w.pause)) }
