package quick

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pair is a Conn and the plain connection at its far end.
func pair(t *testing.T) (*Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return New(near.(*net.TCPConn)), far.(*net.TCPConn)
}

func TestReadAndWrite(t *testing.T) {
	c, far := pair(t)
	if n, err := c.Write([]byte("there")); n != 5 || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
	buf := make([]byte, 16)
	if _, err := io.ReadFull(far, buf[:5]); err != nil || string(buf[:5]) != "there" {
		t.Fatalf("%q, %v", buf[:5], err)
	}
	_, _ = far.Write([]byte("back"))
	if n, err := c.Read(buf); string(buf[:n]) != "back" || err != nil {
		t.Fatalf("Read = %q, %v", buf[:n], err)
	}
	far.Close()
	if n, err := c.Read(buf); n != 0 || err != io.EOF {
		t.Fatalf("Read at the end = %d, %v", n, err)
	}
}

// TestOnWait: it is called when a read has to wait, not when there is
// something to read, and a deadline that it sets counts for that very read.
func TestOnWait(t *testing.T) {
	c, far := pair(t)
	waits := 0
	c.OnWait = func() {
		waits++
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	}
	if n, err := c.Read(make([]byte, 8)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || waits != 1 {
		t.Fatalf("Read = %d, %v after %d waits", n, err, waits)
	}
	c.OnWait = func() { waits++ }
	_ = c.SetReadDeadline(time.Time{})
	_, _ = far.Write([]byte("x"))
	if n, err := c.Read(make([]byte, 8)); n != 1 || err != nil {
		t.Fatalf("Read = %d, %v", n, err)
	}
	before := waits
	_, _ = far.Write([]byte("xy"))
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	between := waits
	if _, err := c.Read(make([]byte, 1)); err != nil || waits != between {
		t.Fatalf("%v; a read of what was there waited: %d, %d, %d", err, before, between, waits)
	}
}

// TestPatience: a write that nobody takes gives up, and the next one may take
// as long again.
func TestPatience(t *testing.T) {
	c, far := pair(t)
	c.Patience = 30 * time.Millisecond
	big := make([]byte, 16<<20)
	n, err := c.Write(big)
	if n == len(big) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("Write = %d, %v", n, err)
	}
	go func() { _, _ = io.Copy(io.Discard, far) }() // ends with the connection
	if n, err := c.Write([]byte("more")); n != 4 || err != nil {
		t.Fatalf("Write after giving up = %d, %v", n, err)
	}
}
