package main

import (
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// form turns a raw disk of size bytes into another form.
type form func(out, raw *os.File, size int64) error

// formOf says which form a file's name asks for; nil for a raw disk.
func formOf(name string) form {
	switch {
	case strings.HasSuffix(name, ".zst"):
		return compress
	case strings.HasSuffix(name, ".qcow2"):
		return qcow2
	case strings.HasSuffix(name, ".vmdk"):
		return vmdk
	case strings.HasSuffix(name, ".ova"):
		return ova
	}
	return nil
}

func compress(out, raw *os.File, _ int64) error {
	if _, err := raw.Seek(0, io.SeekStart); err != nil {
		return err
	}
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return err
	}
	if _, err := io.Copy(z, raw); err != nil {
		return err
	}
	return z.Close()
}

// blocks calls f for each block of a raw disk that is not all zero.
func blocks(raw *os.File, size, block int64, f func(n int64, data []byte) error) error {
	data, zero := make([]byte, block), make([]byte, block)
	for n := int64(0); n*block < size; n++ {
		clear(data)
		if _, err := raw.ReadAt(data[:min(block, size-n*block)], n*block); err != nil {
			return err
		}
		if bytes.Equal(data, zero) {
			continue
		}
		if err := f(n, data); err != nil {
			return err
		}
	}
	return nil
}
