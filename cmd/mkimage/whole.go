package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sallyport/rootfs"
)

// whole looks whether an image may be written to a disk, before anything of the
// disk is lost: raw ones down to their files, compressed ones for their checksum
// and length.
func whole(image string) error {
	switch {
	case strings.HasSuffix(image, ".zst"):
		return unpacks(image)
	case formOf(image) != nil:
		return fmt.Errorf("%s is for virtual machines; a disk takes .img or .img.zst", image)
	}
	f, err := os.Open(image)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	files, err := readBoot(f)
	if err != nil {
		return fmt.Errorf("%s is cut or no image: %w", image, err)
	}
	b, err := boardOf(files)
	if err != nil {
		return fmt.Errorf("%s: %w", image, err)
	}
	return checkDisk(f, size, b, nil)
}

// boardOf is the board that the boot entries name.
func boardOf(files map[string][]byte) (rootfs.Board, error) {
	for _, word := range strings.Fields(string(files["loader/entries/slot-a.conf"])) {
		if name, ok := strings.CutPrefix(word, "sallyport.board="); ok {
			return rootfs.FindBoard(name)
		}
	}
	return rootfs.Board{}, errors.New("no entry says which board it is for")
}

func unpacks(image string) error {
	r, _, err := openImage(image)
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		return fmt.Errorf("%s is cut or damaged: %w", image, err)
	}
	if least := int64(rootfs.DataStart + rootfs.DataSize); n < least {
		return fmt.Errorf("%s is no image: it unpacks to %s", image, mib(int(n)))
	}
	return nil
}
