package disk

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// leastData is the room for data that a disk must have.
const leastData = 256 << 20

// Progress is told how a long copy goes: what is being done, and how much of it
// is.
type Progress func(what string, done, all int64)

// Clone makes a disk what the box's own disk was when it was new: the boot
// partition copied and read back, the data partition empty and as large as the
// room. The table is written last, so that a cut leaves a disk that nothing
// starts from. Nothing must write to the boot partition meanwhile.
func Clone(ctx context.Context, from, to string, p Progress) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	t, err := readTable(src)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	dst, size, err := openTarget(from, to)
	if err != nil {
		return err
	}
	defer dst.Close()
	boot, data, err := t.fit(uint64(size / sector))
	if err != nil {
		return fmt.Errorf("%s has %d MiB: %w", to, size>>20, err)
	}
	if err := blank(dst, size, data); err != nil {
		return err
	}
	if err := copyPart(ctx, src, dst, boot, p); err != nil {
		return err
	}
	if err := t.protect(dst, uint64(size/sector)); err != nil {
		return err
	}
	return t.write(dst)
}

// openTarget opens a disk that nobody uses.
func openTarget(from, to string) (*os.File, int64, error) {
	if from == to {
		return nil, 0, errors.New("this is the disk that the system runs from")
	}
	st, err := os.Stat(to)
	if err != nil {
		return nil, 0, err
	}
	flags := os.O_RDWR
	if st.Mode()&os.ModeDevice != 0 {
		flags |= unix.O_EXCL // the kernel refuses what is mounted
	}
	f, err := os.OpenFile(to, flags, 0)
	if err != nil {
		return nil, 0, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, size, nil
}

// extent is a part of a disk, in bytes.
type extent struct{ at, length int64 }

// fit changes the table in memory to one for a disk of that many sectors, with
// ids of its own, and says where the boot and the data partition are.
func (t *table) fit(sectors uint64) (boot, data extent, err error) {
	one, two := t.entry(1), t.entry(2)
	if one == nil || two == nil || name(one) != BootName || name(two) != DataName {
		return boot, data, errors.New("the system's own disk is not laid out as an image is")
	}
	tail := uint64(len(t.entries)+sector-1)/sector + 1
	first := le64(two[32:])
	if sectors < first+leastData/sector+tail+2048 {
		return boot, data, fmt.Errorf("%d MiB are needed", (first*sector+leastData)>>20+2)
	}
	put64(two[40:], (sectors-tail-1)&^2047-1)
	for _, id := range [][]byte{one[16:32], two[16:32], t.header[56:72]} {
		rand.Read(id)
		id[7], id[8] = id[7]&0x0f|0x40, id[8]&0x3f|0x80 // version 4, in the table's order of bytes
	}
	put64(t.header[32:], sectors-1)
	put64(t.header[48:], sectors-tail-1)
	put32(t.header[88:], crc32.ChecksumIEEE(t.entries))
	put32(t.header[16:], t.headerSum())
	boot = extent{int64(le64(one[32:])) * sector, int64(le64(one[40:])-le64(one[32:])+1) * sector}
	return boot, extent{int64(first) * sector, int64(le64(two[40:])-first+1) * sector}, nil
}

// name reads a partition's name, which is ASCII in UTF-16.
func name(entry []byte) string {
	return strings.TrimRight(strings.ReplaceAll(string(entry[56:128]), "\x00", ""), "\x00")
}

// blank takes both tables off the disk, and what an older data partition began
// with.
func blank(f *os.File, size int64, data extent) error {
	zero := make([]byte, 1<<20)
	for _, at := range []int64{0, data.at, size - int64(len(zero))} {
		if _, err := f.WriteAt(zero, at); err != nil {
			return err
		}
	}
	return f.Sync()
}

// protect writes the table of the old kind that keeps old tools off.
func (t *table) protect(f *os.File, sectors uint64) error {
	b := make([]byte, sector)
	copy(b[446:], []byte{0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0})
	put32(b[446+12:], uint32(min(sectors-1, 0xFFFFFFFF)))
	b[510], b[511] = 0x55, 0xAA
	_, err := f.WriteAt(b, 0)
	return err
}

func copyPart(ctx context.Context, src, dst *os.File, e extent, p Progress) error {
	want, err := transfer(ctx, io.NewSectionReader(src, e.at, e.length), io.NewOffsetWriter(dst, e.at), e.length, "write", p)
	if err != nil {
		return err
	}
	if err := dst.Sync(); err != nil {
		return err
	}
	unix.Fadvise(int(dst.Fd()), e.at, e.length, unix.FADV_DONTNEED) // have it come from the disk
	got, err := transfer(ctx, io.NewSectionReader(dst, e.at, e.length), io.Discard, e.length, "verify", p)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("the disk does not give back what was written: it is broken")
	}
	return nil
}

// transfer copies and returns the hash of what it copied.
func transfer(ctx context.Context, r io.Reader, w io.Writer, all int64, what string, p Progress) ([]byte, error) {
	sum := sha256.New()
	buffer := make([]byte, 4<<20)
	for done := int64(0); done < all; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := io.ReadFull(r, buffer[:min(int64(len(buffer)), all-done)])
		if err != nil {
			return nil, err
		}
		sum.Write(buffer[:n])
		if _, err := w.Write(buffer[:n]); err != nil {
			return nil, err
		}
		done += int64(n)
		p(what, done, all)
	}
	return sum.Sum(nil), nil
}
