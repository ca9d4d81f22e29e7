package main

import (
	"encoding/binary"
	"os"
)

// qcow2 writes version 2 of QEMU's format (docs/interop/qcow2.txt in its
// source): clusters of 64 KiB, each used once. Header, one refcount table, its
// blocks, one L1 table and the L2 tables come first, then the data in order.
func qcow2(out, raw *os.File, size int64) error {
	const cluster = 1 << 16
	const perL2 = cluster / 8  // clusters that one L2 table maps
	const perRef = cluster / 2 // clusters that one refcount block counts
	total := (size + cluster - 1) / cluster
	tables := (total + perL2 - 1) / perL2
	counts := (total+tables+64)/perRef + 1
	head := 1 + 1 + counts + 1 + tables

	l2 := make([]byte, tables*cluster)
	next := head
	err := blocks(raw, size, cluster, func(n int64, data []byte) error {
		binary.BigEndian.PutUint64(l2[n*8:], uint64(next*cluster)|1<<63)
		_, err := out.WriteAt(data, next*cluster)
		next++
		return err
	})
	if err != nil {
		return err
	}
	meta := make([]byte, head*cluster)
	be := binary.BigEndian
	copy(meta, "QFI\xfb")
	be.PutUint32(meta[4:], 2)
	be.PutUint32(meta[20:], 16) // bits of a cluster
	be.PutUint64(meta[24:], uint64(size))
	be.PutUint32(meta[36:], uint32(tables))
	be.PutUint64(meta[40:], uint64(2+counts)*cluster) // L1
	be.PutUint64(meta[48:], cluster)                  // refcount table
	be.PutUint32(meta[56:], 1)
	for i := range counts {
		be.PutUint64(meta[cluster+i*8:], uint64(2+i)*cluster)
	}
	for i := range next {
		be.PutUint16(meta[2*cluster+i*2:], 1)
	}
	for i := range tables {
		be.PutUint64(meta[(2+counts)*cluster+i*8:], uint64(3+counts+i)*cluster|1<<63)
	}
	copy(meta[(3+counts)*cluster:], l2)
	_, err = out.WriteAt(meta, 0)
	return err
}
