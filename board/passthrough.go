package board

import (
	"errors"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ways of an ATA PASS-THROUGH (16) command, SAT-3 section 12.2.2.
const (
	passThrough    = 0x85
	noData         = 3 << 1
	dataIn         = 4 << 1 // by PIO
	extended       = 1
	wantRegisters  = 0x20
	oneBlockToHost = 0x0E // its length in blocks stands in the sector count
)

func identifyDevice() (c [16]byte) {
	c[0], c[1], c[2], c[6], c[14] = passThrough, dataIn, oneBlockToHost, 1, 0xEC
	return c
}

func smartStatus() (c [16]byte) {
	c[0], c[1], c[2], c[4], c[10], c[12], c[14] = passThrough, noData, wantRegisters, 0xDA, smartMid, smartHigh, 0xB0
	return c
}

func smartData() (c [16]byte) {
	c[0], c[1], c[2], c[4], c[6], c[10], c[12], c[14] = passThrough, dataIn, oneBlockToHost, 0xD0, 1, smartMid, smartHigh, 0xB0
	return c
}

// readStatistics is READ LOG EXT of log 4, page 7.
func readStatistics() (c [16]byte) {
	c[0], c[1], c[2], c[6], c[8], c[10], c[14] = passThrough, dataIn|extended, oneBlockToHost, 1, 4, 7, 0x2F
	return c
}

// scsiRequest is the kernel's struct sg_io_hdr.
type scsiRequest struct {
	id, direction       int32
	cdbSize, senseRoom  uint8
	_                   uint16
	length              uint32
	data, cdb, sense    unsafe.Pointer
	timeout, flags      uint32 // milliseconds
	_                   int32
	_                   unsafe.Pointer
	status, _, _, wrote uint8
	host, driver        uint16
	resid               int32
	_, _                uint32
}

// openATA is the drive behind a block device. It is opened for each command: it
// may be gone by the next.
func openATA(path string) ata {
	return func(cdb [16]byte, data []byte) ([]byte, error) {
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return sendATA(f, cdb, data)
	}
}

func sendATA(f *os.File, cdb [16]byte, data []byte) ([]byte, error) {
	const fromDevice, nothing, checkCondition, senseThere = -3, -1, 2, 8
	const sgIO = 0x2285
	sense := make([]byte, 32)
	r := scsiRequest{id: 'S', direction: nothing, cdbSize: 16, senseRoom: uint8(len(sense)), cdb: unsafe.Pointer(&cdb[0]), sense: unsafe.Pointer(&sense[0]), timeout: 5000}
	if len(data) > 0 {
		r.direction, r.length, r.data = fromDevice, uint32(len(data)), unsafe.Pointer(&data[0])
	}
	_, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), sgIO, uintptr(unsafe.Pointer(&r)))
	runtime.KeepAlive(&cdb)
	switch {
	case e != 0:
		return nil, e
	case r.host != 0 || r.driver&^senseThere != 0:
		return nil, errors.New("the drive does not answer")
	case r.status == 0 && r.resid == 0:
		return sense[:r.wrote], nil
	case r.status == checkCondition && senseKey(sense) <= 1: // no fault: registers that were asked for
		return sense[:r.wrote], nil
	}
	return nil, errors.New("the drive refuses")
}

// senseKey is 0 or 1 for what went well.
func senseKey(sense []byte) byte {
	if form := sense[0] & 0x7F; form == 0x72 || form == 0x73 {
		return sense[1] & 0x0F
	}
	return sense[2] & 0x0F
}
