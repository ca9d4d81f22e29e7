package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// vmdk writes the stream-optimized form of VMware's virtual disk format 1.1,
// the one that can be imported and put into an OVA: compressed grains of 64
// KiB in order, their tables at the end, a footer with the final offsets.
func vmdk(out, raw *os.File, size int64) error {
	const grain, perTable = 64 << 10, 512
	grains := (size + grain - 1) / grain
	tables := (grains + perTable - 1) / perTable
	v := &vmdkWriter{out: out, capacity: size / 512}
	v.header(size, ^uint64(0))
	v.write(descriptor(size))
	v.align(128) // grains begin where the header says that the overhead ends

	table := make([]uint32, tables*perTable)
	err := blocks(raw, size, grain, func(n int64, data []byte) error {
		table[n] = uint32(v.at / 512)
		return v.grain(uint64(n*grain/512), data)
	})
	if err != nil {
		return err
	}
	directory := make([]uint32, tables)
	for i := range directory {
		part := table[i*perTable : (i+1)*perTable]
		v.marker(4, 1)
		directory[i] = uint32(v.at / 512)
		v.numbers(part)
	}
	v.marker(uint64((tables*4+511)/512), 2)
	at := uint64(v.at / 512)
	v.numbers(directory)
	v.marker(1, 3)
	v.header(size, at)
	v.marker(0, 0)
	return v.err
}

type vmdkWriter struct {
	out      io.Writer
	at       int64
	capacity int64
	err      error
}

func (v *vmdkWriter) write(b []byte) {
	if v.err == nil {
		_, v.err = v.out.Write(b)
	}
	v.at += int64(len(b))
}

// align fills up to the next multiple of n sectors.
func (v *vmdkWriter) align(n int64) {
	if rest := v.at % (n * 512); rest != 0 {
		v.write(make([]byte, n*512-rest))
	}
}

func (v *vmdkWriter) numbers(list []uint32) {
	b := make([]byte, 0, 4*len(list))
	for _, n := range list {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	v.write(b)
	v.align(1)
}

// marker announces what follows: 0 end, 1 grain table, 2 directory, 3 footer.
func (v *vmdkWriter) marker(sectors uint64, kind uint32) {
	b := make([]byte, 512)
	binary.LittleEndian.PutUint64(b, sectors)
	binary.LittleEndian.PutUint32(b[12:], kind)
	v.write(b)
}

func (v *vmdkWriter) grain(sector uint64, data []byte) error {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	b := binary.LittleEndian.AppendUint64(nil, sector)
	b = binary.LittleEndian.AppendUint32(b, uint32(packed.Len()))
	v.write(append(b, packed.Bytes()...))
	v.align(1)
	return v.err
}

func (v *vmdkWriter) header(size int64, directory uint64) {
	b := make([]byte, 512)
	le := binary.LittleEndian
	copy(b, "KDMV")
	le.PutUint32(b[4:], 3)                 // version with compression
	le.PutUint32(b[8:], 1|1<<16|1<<17)     // line ends can be tested, compressed, markers
	le.PutUint64(b[12:], uint64(size/512)) // capacity
	le.PutUint64(b[20:], 128)              // sectors of a grain
	le.PutUint64(b[28:], 1)                // descriptor
	le.PutUint64(b[36:], 20)
	le.PutUint32(b[44:], 512) // grains of a table
	le.PutUint64(b[56:], directory)
	le.PutUint64(b[64:], 128) // overhead
	copy(b[73:], "\n \r\n")
	le.PutUint16(b[77:], 1) // deflate
	v.write(b)
}

// descriptor is the text that names the one extent, padded to its room.
func descriptor(size int64) []byte {
	text := fmt.Sprintf(`# Disk DescriptorFile
version=1
CID=5a11f0e7
parentCID=ffffffff
createType="streamOptimized"

RDONLY %d SPARSE "sallyport.vmdk"

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "%d"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.virtualHWVersion = "13"
`, size/512, size/512/255/63)
	b := make([]byte, 20*512)
	copy(b, text)
	return b
}
