package disk

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// State is what a data partition holds.
type State uint8

// A partition is formatted only while it is Blank: what is Damaged may still
// be somebody's data.
const (
	Blank State = iota
	Ext4
	Damaged
)

func (s State) String() string { return [...]string{"blank", "ext4", "damaged"}[s] }

// blankSize is how much must be zero for a partition to be taken for new.
const blankSize = 1 << 20

// Probe looks at what a partition holds.
func Probe(device string) (State, error) {
	f, err := os.Open(device)
	if err != nil {
		return Damaged, err
	}
	defer f.Close()
	b := make([]byte, blankSize)
	n, err := io.ReadFull(f, b)
	if err != nil && err != io.ErrUnexpectedEOF {
		return Damaged, fmt.Errorf("%s: %w", device, err)
	}
	b = b[:n]
	if len(b) >= 2048 && binary.LittleEndian.Uint16(b[1024+56:]) == 0xEF53 {
		return Ext4, nil
	}
	for _, c := range b {
		if c != 0 {
			return Damaged, nil
		}
	}
	return Blank, nil
}
