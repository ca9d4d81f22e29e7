package xmpp

import (
	"net"
	"sync"
	"time"
)

// outlet is the way to a client. It knows where the stream stands, so that an
// error or a space of ours never lands within a stanza of the node.
type outlet struct {
	conn   net.Conn
	wait   time.Duration // for the reader
	domain string        // what a stream that we open ourselves is from

	mu    sync.Mutex
	track tracker
	over  bool // nothing more may be written
}

// Write passes on what the node said.
func (o *outlet) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writeLocked(b)
}

func (o *outlet) writeLocked(b []byte) (int, error) {
	if o.over {
		return 0, net.ErrClosed
	}
	o.track.write(b)
	if err := o.conn.SetWriteDeadline(time.Now().Add(o.wait)); err != nil {
		return 0, err
	}
	return o.conn.Write(b)
}

// say writes words of our own.
func (o *outlet) say(words string) error {
	_, err := o.Write([]byte(words))
	return err
}

// restart is called after a login: the stream begins anew.
func (o *outlet) restart() {
	o.mu.Lock()
	o.track.restart()
	o.mu.Unlock()
}

// ping sends a space if the stream stands between two stanzas.
func (o *outlet) ping() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.track.between() {
		return nil
	}
	_, err := o.writeLocked([]byte{' '})
	return err
}

// ended tells whether the node has ended the stream.
func (o *outlet) ended() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.track.closed
}

// bye answers a client's end of the stream.
func (o *outlet) bye() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.track.between() {
		_, _ = o.writeLocked([]byte("</" + string(o.track.root) + ">")) // the client leaves either way
	}
	o.over = true
}

// fail ends the stream and tells why, unless it has ended or stands within a
// stanza. A reader that is stalled is not waited for.
func (o *outlet) fail(f *Fault) {
	_ = o.conn.SetWriteDeadline(time.Now().Add(o.wait / 30)) // frees whoever holds the lock
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over || o.track.closed {
		o.over = true
		return
	}
	begin := ""
	root := string(o.track.root)
	if o.track.depth == 0 && o.track.state == inText {
		begin, root = openStream(o.domain), "stream:stream"
	} else if !o.track.between() {
		o.over = true
		return
	}
	_ = o.conn.SetWriteDeadline(time.Now().Add(o.wait / 30))
	_, _ = o.conn.Write([]byte(begin + streamError(f) + "</" + root + ">")) // the stream ends either way
	o.over = true
}

// timed is a connection whose writes wait only so long for the reader.
type timed struct {
	net.Conn
	wait time.Duration
}

// Write implements net.Conn.
func (t timed) Write(b []byte) (int, error) {
	if err := t.SetWriteDeadline(time.Now().Add(t.wait)); err != nil {
		return 0, err
	}
	return t.Conn.Write(b)
}
