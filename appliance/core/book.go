package core

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"sallyport/appliance/state"
)

// A handle names a text in the book: the first bytes of its digest, so that
// the same route set or contact is kept once however many dialogs use it.
type handle [12]byte

const (
	// bookTTL is how long a text outlives its last use. A dialog that is silent
	// for longer than this has lost its session timer long ago.
	bookTTL = 7 * 24 * time.Hour

	// maxText bounds one text: a user outside has a part in what others say
	// about him, and maxRoutes texts must fit the memory.
	maxText = 2048
)

// A book keeps the inside addresses that tokens for the outside stand for:
// they are too long for a token and must not be in one. It lives in state, so
// that it outlives the process and a peer can be fed from it.
type book struct{ table *state.Table }

// put keeps a text and returns its handle. When the book is full, what was
// used least lately makes room: proxies that write each dialog's tag into their
// Record-Route fill it by themselves, and so may a user who calls all day. Old
// dialogs suffer then, not every new one.
func (b book) put(text string) (handle, error) {
	if len(text) > maxText {
		return handle{}, fmt.Errorf("keep inside route: %d bytes", len(text))
	}
	sum := sha256.Sum256([]byte(text))
	h := handle(sum[:])
	if err := b.file(h, text); err != nil {
		return handle{}, fmt.Errorf("keep inside route: %w", err)
	}
	return h, nil
}

func (b book) file(h handle, text string) error {
	put := func() error { return b.table.Put(string(h[:]), []byte(text), bookTTL) }
	if err := put(); !errors.Is(err, state.ErrFull) {
		return err
	}
	least := b.leastUsed()
	if err := put(); !errors.Is(err, state.ErrFull) {
		return err // somebody else has made room
	}
	for _, key := range least {
		b.table.Delete(key)
	}
	return put()
}

// leastUsed is the eighth that was used least lately: so many, that room is
// not to be made again soon.
func (b book) leastUsed() (keys []string) {
	expires := map[string]time.Time{}
	b.table.Range(func(k string, _ []byte, at time.Time) bool {
		expires[k] = at
		keys = append(keys, k)
		return true
	})
	slices.SortFunc(keys, func(x, y string) int { return cmp.Or(expires[x].Compare(expires[y]), cmp.Compare(x, y)) })
	return keys[:(len(keys)+7)/8]
}

// get returns the text of a handle and counts as a use.
func (b book) get(h handle) (string, error) {
	text, ok := b.table.Get(string(h[:]))
	if !ok {
		return "", fmt.Errorf("inside route %x is not known any more", h[:4])
	}
	_ = b.table.Put(string(h[:]), text, bookTTL) // it is there, so there is room
	return string(text), nil
}
