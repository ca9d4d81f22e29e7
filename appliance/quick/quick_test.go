package quick

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pipe is a connection with a Conn at one end.
func pipe(t *testing.T) (*Conn, *net.TCPConn) {
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
	q := New(near.(*net.TCPConn))
	t.Cleanup(func() { q.Close(); far.Close() })
	return q, far.(*net.TCPConn)
}

func TestReadAndWrite(t *testing.T) {
	q, far := pipe(t)
	big := bytes.Repeat([]byte("0123456789"), 1<<20)
	go func() {
		_, _ = far.Write(big)
		_ = far.CloseWrite()
	}()
	got, err := io.ReadAll(q)
	if err != nil || !bytes.Equal(got, big) {
		t.Errorf("read %d bytes, %v, want %d", len(got), err, len(big))
	}
	go func() {
		_, _ = q.Write(big) // more than any socket buffer holds
		_ = q.Close()
	}()
	if got, err = io.ReadAll(far); err != nil || !bytes.Equal(got, big) {
		t.Errorf("wrote %d bytes, %v, want %d", len(got), err, len(big))
	}
}

func TestTryWriteDoesNotWait(t *testing.T) {
	q, _ := pipe(t)
	big := make([]byte, 64<<20)
	n, err := q.TryWrite(big)
	if err != nil || n == 0 || n == len(big) {
		t.Errorf("TryWrite = %d, %v, want some of %d bytes", n, err, len(big))
	}
}

func TestDeadlineAndErrors(t *testing.T) {
	q, far := pipe(t)
	_ = q.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	b := make([]byte, 10)
	_, err := q.Read(b)
	var timeout net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Read past its deadline: %v", err)
	}
	_ = q.SetReadDeadline(time.Time{})
	_ = far.SetLinger(0)
	far.Close()
	if _, err = q.Read(b); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("Read of a reset connection: %v, want an error that is not EOF", err)
	}
	q.Close()
	if _, err = q.Read(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read of a closed connection: %v, want net.ErrClosed", err)
	}
	if _, err = q.Write(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write to a closed connection: %v, want net.ErrClosed", err)
	}
}

func TestNothingAllocates(t *testing.T) {
	q, far := pipe(t)
	b := make([]byte, 100)
	n := testing.AllocsPerRun(100, func() {
		_, _ = far.Write(b)
		_, _ = q.Read(b)
		_, _ = q.Write(b)
		_, _ = far.Read(b)
	})
	if n > 0 {
		t.Errorf("%v allocations for a read and a write, want 0", n)
	}
}
