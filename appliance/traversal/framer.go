package traversal

import (
	"io"

	"sallyport/appliance/sip"
)

// framer cuts SIP messages and keepalives out of a connection.
type framer struct {
	r          io.Reader
	buf        []byte
	start, end int
	max        int
	alive      func() // bytes have come
	ping       func() // the peer wants an answer
}

const firstBuffer = 16 << 10

func newFramer(r io.Reader, max int) *framer {
	nothing := func() {}
	return &framer{r: r, buf: make([]byte, firstBuffer), max: max, alive: nothing, ping: nothing}
}

// next returns the next message in memory of its own, which the caller may
// keep. An error of type *sip.Fault, like any other, ends the stream.
func (f *framer) next() ([]byte, error) {
	for {
		f.skip()
		n, err := sip.Frame(f.buf[f.start:f.end], f.max)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			m := append([]byte(nil), f.buf[f.start:f.start+n]...)
			f.start += n
			return m, nil
		}
		if err := f.fill(); err != nil {
			return nil, err
		}
	}
}

// skip takes the empty lines off the front. Two in a row are a ping. One alone
// is taken for an answer even if it is a ping cut in two: the peer pings again
// long before it gives up.
func (f *framer) skip() {
	lines := 0
	for f.end-f.start >= 2 && f.buf[f.start] == '\r' && f.buf[f.start+1] == '\n' {
		f.start += 2
		lines++
	}
	if lines >= 2 {
		f.ping()
	}
}

func (f *framer) fill() error {
	if f.start == f.end {
		f.start, f.end = 0, 0
		if len(f.buf) > 4*firstBuffer {
			f.buf = make([]byte, firstBuffer)
		}
	}
	if f.end == len(f.buf) {
		f.makeRoom()
	}
	n, err := f.r.Read(f.buf[f.end:])
	if f.end += n; n > 0 {
		f.alive()
		return nil
	}
	return err
}

// makeRoom moves the rest to the front or, if it fills the buffer, doubles it.
// sip.Frame refuses a message long before the buffer grows beyond bounds.
func (f *framer) makeRoom() {
	to := f.buf
	if f.end-f.start > len(f.buf)/2 {
		to = make([]byte, 2*len(f.buf))
	}
	f.end = copy(to, f.buf[f.start:f.end])
	f.start, f.buf = 0, to
}
