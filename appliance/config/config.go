// Package config keeps what an administrator has set: one bbolt file with the
// values, a journal of every revision, and the means to go back.
//
// It knows the rows of xapi and nothing of what they mean to a plane. An edit
// works on a candidate, is checked by pure functions, and is committed in one
// bbolt transaction as one revision. What has been committed is read through an
// immutable Snapshot; a Watch tells that there is a newer one. Shell and web
// call Edit, every plane's plan.go calls Snapshot.
package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"sallyport/appliance/xapi"
)

// Who made a change, and from where.
type Who struct {
	User string // account name
	From string // address of the session, "console", "web", "first boot"
}

// Check is a rule over a candidate's values alone: no clock, no machine. It
// returns one error, or several joined.
type Check func(candidate *Snapshot) error

// Options of a store.
type Options struct {
	Role    xapi.Role
	Clock   func() time.Time // nil = time.Now
	Rand    io.Reader        // nil = crypto/rand
	SealKey []byte           // at least 16 bytes; without it no password can be set or read
	OldKey  []byte           // reads what SealKey does not; nil = none
	Checks  []Check          // run before each commit, after the table's own
	Items   []*xapi.Item     // nil = xapi.Items()
}

// openTimeout bounds the wait for another process to let go of the file.
const openTimeout = 2 * time.Second

// Store is an open configuration. All methods may be called from any goroutine.
type Store struct {
	opt    Options
	table  *table
	sealer *sealer
	db     *bolt.DB
	now    atomic.Pointer[Snapshot]

	write   sync.Mutex    // one edit at a time
	pending *Pending      // guarded by write
	holders uint64        // how many Hold has made
	rearm   chan struct{} // tells Run that pending changed

	watches watchSet

	dropped []Entry // see Dropped; set while opening
}

// Open opens or makes the store at path, migrates it to this version's schema,
// and takes back an unconfirmed change whose time has run out.
func Open(path string, opt Options) (*Store, error) {
	s, err := newStore(opt)
	if err != nil {
		return nil, err
	}
	if err := guard(func() error { return s.open(path) }); err != nil {
		return nil, fmt.Errorf("open configuration %s: %w", path, err)
	}
	return s, nil
}

func (s *Store) open(path string) (err error) {
	if err := s.suit(path, len(steps())); err != nil {
		return err
	}
	if s.db, err = openFile(path, &bolt.Options{Timeout: openTimeout}); err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return errors.Join(err, s.db.Close())
	}
	return nil
}

func openFile(path string, o *bolt.Options) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, o)
	if errors.Is(err, berrors.ErrInvalid) || errors.Is(err, berrors.ErrChecksum) {
		return nil, fmt.Errorf("%w (%v)", ErrDamaged, err)
	}
	return db, err
}

// ErrDamaged is a file whose pages do not hold together. It is left as it is:
// what is lost in it only a backup can tell.
var ErrDamaged = errors.New("the file is damaged; restore a backup")

// guard turns what bbolt does when it meets a torn page, a panic or a read beyond
// its mapping, into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w (%v)", ErrDamaged, v)
		}
	}()
	return f()
}

func newStore(opt Options) (*Store, error) {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Rand == nil {
		opt.Rand = rand.Reader
	}
	if opt.Items == nil {
		opt.Items = xapi.Items()
	}
	sealer, err := newSealer(opt.SealKey, opt.Rand)
	if err != nil {
		return nil, err
	}
	if len(opt.OldKey) > 0 {
		if sealer.older, err = newSealer(opt.OldKey, opt.Rand); err != nil {
			return nil, err
		}
	}
	return &Store{
		opt:    opt,
		table:  newTable(opt.Items, opt.Role),
		sealer: sealer,
		rearm:  make(chan struct{}, 1),
	}, nil
}

func (s *Store) load() error {
	if err := s.db.Update(migrate(steps())); err != nil {
		return err
	}
	if err := s.db.View(s.read); err != nil {
		return err
	}
	if err := s.releaseLost(); err != nil {
		return err
	}
	return s.revertIfDue()
}

// Close releases the file. Edits that run are waited for.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	return s.db.Close()
}

// Snapshot returns the newest committed revision. It never blocks.
func (s *Store) Snapshot() *Snapshot { return s.now.Load() }

// Role is the role that the store was opened for.
func (s *Store) Role() xapi.Role { return s.opt.Role }

// Tree is the word tree of the rows that the store's role has. It is shared and
// must not be changed.
func (s *Store) Tree() *xapi.Word { return s.table.mine }
