package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"sallyport/rootfs"
)

// flash writes an image to a disk after the person at the keyboard typed the
// disk's name, then reads all of it back. The data partition is made as large
// as the disk allows.
func flash(ctx context.Context, args []string, in io.Reader) error {
	flags := flag.NewFlagSet("flash", flag.ContinueOnError)
	disk := flags.String("disk", "", "disk to overwrite, such as /dev/sdX")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *disk == "" || flags.NArg() != 1 {
		return errors.New("say: mkimage flash -disk /dev/sdX IMAGE")
	}
	size, err := target(*disk)
	if err != nil {
		return err
	}
	if err := whole(flags.Arg(0)); err != nil {
		return err
	}
	if err := confirm(in, os.Stderr, *disk, size); err != nil {
		return err
	}
	return writeImage(ctx, *disk, size, flags.Arg(0), newMeter(os.Stderr, time.Now))
}

// target looks whether a disk may be overwritten, and how large it is.
func target(disk string) (int64, error) {
	f, err := os.Open(disk)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if least := int64(rootfs.DataStart + rootfs.DataSize + backupGPT); size < least {
		return 0, fmt.Errorf("%s has %s; an image needs %s", disk, mib(int(size)), mib(int(least)))
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return 0, err
	}
	if where := mounted(mounts, disk); where != "" {
		return 0, fmt.Errorf("%s is in use: %s", disk, where)
	}
	return size, nil
}

// mounted says where the disk or a part of it is mounted.
func mounted(mounts []byte, disk string) string {
	for line := range bytes.Lines(mounts) {
		f := strings.Fields(string(line))
		if len(f) < 2 || !strings.HasPrefix(f[0], disk) {
			continue
		}
		if strings.Trim(strings.TrimPrefix(f[0], disk), "p0123456789") == "" {
			return f[0] + " on " + f[1]
		}
	}
	return ""
}

func confirm(in io.Reader, out io.Writer, disk string, size int64) error {
	fmt.Fprintf(out, "Everything on %s%s, %.1f GB, will be lost.\nType %s to go on: ",
		disk, model(disk), float64(size)/1e9, disk)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && answer == "" {
		return errors.New("no answer; nothing was written")
	}
	if strings.TrimSpace(answer) != disk {
		return errors.New("that is not the disk's name; nothing was written")
	}
	return nil
}

// model is what the disk calls itself, with a blank before.
func model(disk string) string {
	b, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(disk), "device/model"))
	if err != nil {
		return ""
	}
	return " (" + strings.TrimSpace(string(b)) + ")"
}

// writeImage copies the image, makes room for data, and compares.
func writeImage(ctx context.Context, disk string, size int64, image string, m *meter) error {
	source, length, err := openImage(image)
	if err != nil {
		return err
	}
	defer source.Close()
	if length > size {
		return fmt.Errorf("%s does not fit on %s", image, disk)
	}
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	copied, err := m.copy(ctx, "write", f, io.TeeReader(source, h))
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := readBack(ctx, f, copied, h.Sum(nil), m); err != nil {
		return err
	}
	return stretch(f, size)
}

// openImage opens a raw or compressed image; the length is that of the file.
func openImage(name string) (io.ReadCloser, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil || !strings.HasSuffix(name, ".zst") {
		return f, info.Size(), err
	}
	z, err := zstd.NewReader(f)
	if err != nil {
		return nil, 0, err
	}
	return z.IOReadCloser(), info.Size(), nil
}

func readBack(ctx context.Context, f *os.File, length int64, want []byte, m *meter) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := m.copy(ctx, "verify", h, io.LimitReader(f, length)); err != nil {
		return err
	}
	if !bytes.Equal(h.Sum(nil), want) {
		return errors.New("the disk does not give back what was written: it is broken")
	}
	return nil
}

// stretch writes the partition table anew for the whole disk, and clears the
// place where an older file system would be found again.
func stretch(f *os.File, size int64) error {
	files, err := readBoot(f)
	if err != nil {
		return err
	}
	if b, err := boardOf(files); err == nil && b.Pi != nil {
		return stretchCard(f, b, files)
	}
	if _, err := f.WriteAt(make([]byte, rootfs.MiB), rootfs.DataStart); err != nil {
		return err
	}
	if err := writeTable(f, size, contentID(files)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return checkTable(f, size)
}

// meter shows how a long copy goes on.
type meter struct {
	w     io.Writer
	now   func() time.Time
	shown time.Time
}

func newMeter(w io.Writer, now func() time.Time) *meter { return &meter{w: w, now: now} }

func (m *meter) copy(ctx context.Context, what string, w io.Writer, r io.Reader) (n int64, err error) {
	start := m.now()
	buffer := make([]byte, 4<<20)
	for ctx.Err() == nil {
		k, err := io.ReadFull(r, buffer)
		if _, e := w.Write(buffer[:k]); e != nil {
			return n, e
		}
		n += int64(k)
		done := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		m.show(what, n, start, done)
		if done {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, ctx.Err()
}

func (m *meter) show(what string, n int64, start time.Time, done bool) {
	now := m.now()
	if !done && now.Sub(m.shown) < 500*time.Millisecond {
		return
	}
	m.shown = now
	speed := float64(n) / 1e6 / max(now.Sub(start).Seconds(), 0.001)
	fmt.Fprintf(m.w, "\r%-7s %5d MB  %s MB/s ", what, n/1e6, strconv.FormatFloat(speed, 'f', 0, 64))
	if done {
		fmt.Fprintln(m.w)
	}
}
