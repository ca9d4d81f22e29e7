package core

import (
	"crypto/sha256"
	"fmt"
	"time"

	"sallyport/appliance/state"
)

// A handle names a text in the book: the first bytes of its digest, so that
// the same route set or contact is kept once however many dialogs use it.
type handle [12]byte

// bookTTL is how long a text outlives its last use. A dialog that is silent
// for longer than this has lost its session timer long ago.
const bookTTL = 7 * 24 * time.Hour

// A book keeps the inside addresses that tokens for the outside stand for:
// they are too long for a token and must not be in one. It lives in state, so
// that it outlives the process and a peer can be fed from it.
type book struct{ table *state.Table }

// put keeps a text and returns its handle. It fails when the book is full.
func (b book) put(text string) (handle, error) {
	sum := sha256.Sum256([]byte(text))
	h := handle(sum[:])
	if err := b.table.Put(string(h[:]), []byte(text), bookTTL); err != nil {
		return handle{}, fmt.Errorf("keep inside route: %w", err)
	}
	return h, nil
}

// get returns the text of a handle and counts as a use.
func (b book) get(h handle) (string, error) {
	text, ok := b.table.Get(string(h[:]))
	if !ok {
		return "", fmt.Errorf("inside route %x is not known any more", h[:4])
	}
	return string(text), nil
}
