package state

import (
	"bytes"
	"testing"
)

// FuzzRecord wants whatever is read as a record to be written as it was.
func FuzzRecord(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, expirySize))
	f.Add(append([]byte{0x18, 0x7e, 0, 0, 0, 0, 0, 1}, "value"...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, text []byte) {
		r, ok := decode("key", text)
		if ok != (len(text) >= expirySize) {
			t.Fatalf("%x is read: %v", text, ok)
		}
		if ok && !bytes.Equal(r.encode(), text) {
			t.Fatalf("%x is written as %x", text, r.encode())
		}
	})
}
