package disk

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/ext4"
	"github.com/google/uuid"
)

// formatted is the most that Format makes at once; the kernel grows the rest
// in a moment once it is mounted.
const formatted = 1 << 30

// Format makes an empty file system. Whatever the device holds is lost: the
// caller has made sure that it may be. It takes more memory than a first
// process should keep, so it is run as a child.
func Format(device string) error {
	f, err := os.OpenFile(device, os.O_RDWR|os.O_EXCL, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if err := wipe(f, size); err != nil {
		return err
	}
	id, err := uuid.NewRandomFromReader(rand.Reader)
	if err != nil {
		return err
	}
	_, err = ext4.Create(file.New(f, false), min(size, formatted)&^(1<<20-1), 0, 512, &ext4.Params{
		UUID: &id, SectorsPerBlock: 8, VolumeName: DataName,
		Features: []ext4.FeatureOpt{
			ext4.WithFeatureReservedGDTBlocksForExpansion(false),
			ext4.WithFeatureMetadataChecksums(true),
		},
	})
	if err != nil {
		return fmt.Errorf("format %s: %w", device, err)
	}
	return f.Sync()
}

// wipe clears what probes look at, so that a format cut in half is seen as
// blank or as damaged, never as a good file system of old.
func wipe(f *os.File, size int64) error {
	if _, err := f.WriteAt(make([]byte, min(size, blankSize)), 0); err != nil {
		return err
	}
	return f.Sync()
}
