package httpproxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
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
	began    bool // the answer
	ended    bool // the handler is done: net/http reads what is left
}

// newPace joins the two halves of a request. begun is told of the answer's
// header. Without deadlines (a test's recorder) there is no slow client.
func newPace(w http.ResponseWriter, r *http.Request, l Limits, begun func(int, http.Header)) (*pacedWriter, *pacedBody) {
	p := &pace{control: http.NewResponseController(w), pause: l.Pause, complete: r.ContentLength == 0}
	_ = p.control.SetWriteDeadline(time.Time{})
	// Else net/http would read the rest of the body before the first byte of an
	// answer, and a refusal would wait for the client.
	_ = p.control.EnableFullDuplex()
	body := &pacedBody{pace: p, body: http.MaxBytesReader(w, r.Body, l.BodyBytes)}
	if r.ProtoMajor == 1 {
		body.rest, body.waits, body.writer = r.Body, r.Header.Get("Expect") != "", w
	}
	return &pacedWriter{ResponseWriter: w, pace: p, begun: begun}, body
}

func (p *pace) beforeRead() (ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		_ = p.control.SetReadDeadline(time.Now().Add(p.pause))
	}
	return !p.ended
}

func (p *pace) afterRead(complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complete = p.complete || complete
	if !p.ended {
		_ = p.control.SetReadDeadline(time.Time{})
	}
}

// end gives net/http what time is left for the rest of a request.
func (p *pace) end(wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if !p.complete {
		_ = p.control.SetReadDeadline(time.Now().Add(wait))
	}
	// The answer may be written only when the rest of the body was read.
	_ = p.control.SetWriteDeadline(time.Now().Add(wait + p.pause))
}

// pacedBody is the body of a request.
type pacedBody struct {
	*pace
	body io.ReadCloser

	rest  io.Reader // of a connection that serves other requests, too; else nil
	waits bool      // the client sends it only when asked to

	writer http.ResponseWriter // of that connection

	reading sync.Mutex
	err     error // of the client's side; not io.EOF
}

// Read implements io.Reader.
func (b *pacedBody) Read(to []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if !b.beforeRead() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.body.Read(to)
	b.afterRead(errors.Is(err, io.EOF))
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// Close does nothing: the server closes a request's body itself.
func (b *pacedBody) Close() error { return nil }

// What is read away of a body that nobody wants: as much as net/http would, and
// only what is here or comes at once. The answer waits for it, and some clients
// send no more once they have seen that its status is none of success.
const (
	maxRest  = 256 << 10
	restTime = 20 * time.Millisecond
)

// finish is called when the handler is done. It keeps a transport that still
// reads off the connection, which belongs to the next request from then on, and
// reads what is left of the body away. net/http would do so itself; but in full
// duplex it has begun to watch the client by then, and falls over its own
// watching (net/http: invalid concurrent Body.Read call). Where something is
// left all the same the connection ends with the answer.
func (b *pacedBody) finish() {
	b.end(0) // breaks off a read in progress
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.rest == nil {
		b.end(b.pause)
		return
	}
	if b.owes() && !b.waits {
		b.end(min(restTime, b.pause))
		_, err := io.CopyN(io.Discard, b.rest, maxRest)
		b.afterRead(errors.Is(err, io.EOF))
	}
	if b.owes() {
		b.hangUp()
	}
	b.end(0)
}

// hangUp has the connection end with the answer. Left to itself net/http takes
// what comes of the body after a deadline for the next request. To read beyond a
// limit is the one way to say so when the answer's header is out.
func (b *pacedBody) hangUp() {
	beyond := http.MaxBytesReader(b.writer, io.NopCloser(strings.NewReader(".")), 0)
	_, _ = beyond.Read(make([]byte, 1))
}

// owes tells that there is an answer and not yet all of the client's body. Where
// there is no answer the handler gave up, and the connection with it.
func (p *pace) owes() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.began && !p.complete
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
}

// WriteHeader implements http.ResponseWriter.
func (w *pacedWriter) WriteHeader(status int) {
	if status >= 200 {
		w.begin(status)
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *pacedWriter) begin(status int) {
	w.mu.Lock()
	again := w.began
	w.began = true
	w.mu.Unlock()
	if !again {
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

// FlushError implements what http.ResponseController looks for.
func (w *pacedWriter) FlushError() error {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.pause))
	defer w.control.SetWriteDeadline(time.Time{})
	return w.control.Flush()
}
