package media

import (
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Attribute is the private attribute by which one end of the link tells the
// other a stream's channel. It never leaves the link.
const Attribute = "x-sallyport"

// Channel is a stream's place on the link and the key that proves it. The
// offerer on the link mints it; an attribute in the answer overrides it.
type Channel struct {
	ID  uint32
	key channelKey
}

type channelKey [16]byte

// String hides the key.
func (c Channel) String() string { return fmt.Sprintf("%08x", c.ID) }

// GoString hides the key from %#v too.
func (c Channel) GoString() string { return c.String() }

// Valid reports whether the channel was minted or read.
func (c Channel) Valid() bool { return c != Channel{} }

// mintChannel draws a channel; nobody can guess its number or its key.
func mintChannel(rand io.Reader) (Channel, error) {
	var b [4 + 16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return Channel{}, fmt.Errorf("mint channel: %w", err)
	}
	c := Channel{ID: uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])}
	copy(c.key[:], b[4:])
	return c, nil
}

// Value is the attribute's value. The key is spelled like a key of SDES, so
// that whatever masks those in logs masks it too.
func (c Channel) Value() string {
	return fmt.Sprintf("1 %08x inline:%s", c.ID, base64.RawStdEncoding.EncodeToString(c.key[:]))
}

// ParseChannel reads the attribute's value.
func ParseChannel(v string) (Channel, error) {
	f := strings.Fields(v)
	if len(f) != 3 || f[0] != "1" || len(f[1]) != 8 {
		return Channel{}, fmt.Errorf("a=%s is not of version 1", Attribute)
	}
	id, err := strconv.ParseUint(f[1], 16, 32)
	if err != nil {
		return Channel{}, fmt.Errorf("a=%s: channel: %w", Attribute, err)
	}
	text, ok := strings.CutPrefix(f[2], "inline:")
	key, err := base64.RawStdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) != len(channelKey{}) {
		return Channel{}, fmt.Errorf("a=%s: key is not of %d bytes", Attribute, len(channelKey{}))
	}
	return Channel{uint32(id), channelKey(key)}, nil
}
