package core

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/state"
)

// A handle names a text in the book: a mark of whoever caused it to be there,
// then the first bytes of its digest, so that the same route set or contact is
// kept once however many of his dialogs use it.
type handle [markSize + 8]byte

// A mark stands for a user, the zero one for the inside.
type mark [markSize]byte

const markSize = 4

// markOf is the mark of an address of record. Two users that share one share a
// bound, which is of no use to either.
func markOf(user string) (m mark) {
	sum := sha256.Sum256([]byte(user))
	copy(m[:], sum[:])
	m[0] |= 1 // never the zero one
	return m
}

const (
	// bookTTL is how long a text outlives its last use. A dialog that is silent
	// for longer than this has lost its session timer long ago.
	bookTTL = 7 * 24 * time.Hour

	// maxText bounds one text: a user outside has a part in what others say
	// about him, and maxRoutes texts must fit the memory.
	maxText = 2048

	// bookShare is the part of the book that one user may fill: a busy one has
	// two texts a call, of calls that were quiet for a week.
	bookShare = 64
)

// A book keeps the inside addresses that tokens for the outside stand for:
// they are too long for a token and must not be in one. It lives in state, so
// that it outlives the process and a peer can be fed from it.
type book struct{ table *state.Table }

// newBook returns the book of a store, with room for limit texts.
func newBook(store *state.Store, limit int) book {
	b := book{store.Table("routes", limit)}
	b.table.Share(markSize, max(limit/bookShare, 1))
	return b
}

// put keeps a text for a user and returns its handle. When the book is full, or
// his share of it, what was used least lately makes room: proxies that write
// each dialog's tag into their Record-Route fill it by themselves, and so may a
// user who calls all day. Old dialogs suffer then, not every new one, and of
// what one user causes only his own.
func (b book) put(user mark, text string) (handle, error) {
	if len(text) > maxText {
		return handle{}, fmt.Errorf("keep inside route: %d bytes", len(text))
	}
	sum := sha256.Sum256([]byte(text))
	var h handle
	copy(h[copy(h[:], user[:]):], sum[:])
	if err := b.file(h, text); err != nil {
		return handle{}, fmt.Errorf("keep inside route: %w", err)
	}
	return h, nil
}

func (b book) file(h handle, text string) error {
	put := func() error { return b.table.Put(string(h[:]), []byte(text), bookTTL) }
	err := put()
	if !full(err) {
		return err
	}
	whose := ""
	if errors.Is(err, state.ErrShare) {
		whose = string(h[:markSize])
	}
	least := b.leastUsed(whose)
	if err := put(); !full(err) {
		return err // somebody else has made room
	}
	for _, key := range least {
		b.table.Delete(key)
	}
	return put()
}

func full(err error) bool { return errors.Is(err, state.ErrFull) || errors.Is(err, state.ErrShare) }

// leastUsed is the eighth that was used least lately of all texts or of one
// user's: so many, that room is not to be made again soon.
func (b book) leastUsed(whose string) (keys []string) {
	expires := map[string]time.Time{}
	b.table.Range(func(k string, _ []byte, at time.Time) bool {
		if strings.HasPrefix(k, whose) {
			expires[k] = at
			keys = append(keys, k)
		}
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
