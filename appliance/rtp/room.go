package rtp

import (
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"hash"
)

// Room is where contexts work: all those that one goroutine uses may share
// one, so that each of a thousand streams holds little more than its keys, and
// the processor's cache holds the rest. It keeps nothing from packet to packet.
// Contexts may be made in it by any goroutine.
type Room struct {
	sha   hash.Hash
	back  encoding.BinaryUnmarshaler // sha
	out   encoding.BinaryAppender    // sha
	state [stateSize]byte            // of SHA-1 after one block; the words are filled in
	after [stateSize]byte            // where its state is read
	tail  [2 * sha1.BlockSize]byte   // the end of a message with its padding
	outer [sha1.BlockSize]byte       // what HMAC's second pass hashes: a sum and its padding
	roc   [4]byte
	iv    [16]byte
	ahead [keystream]byte
	about [8 + 4]byte // what a GCM tag of RTCP covers in clear
}

// keystream is how much of it is made at a time.
const keystream = 16 * 16

// NewRoom makes one.
func NewRoom() *Room {
	r := &Room{sha: sha1.New()}
	r.back, r.out = r.sha.(encoding.BinaryUnmarshaler), r.sha.(encoding.BinaryAppender)
	r.sha.Write(r.ahead[:sha1.BlockSize])
	if state, err := r.out.AppendBinary(r.state[:0]); err != nil || len(state) != stateSize {
		panic("srtp: SHA-1's state has another form")
	}
	r.outer[sha1.Size] = 0x80
	binary.BigEndian.PutUint64(r.outer[sha1.BlockSize-8:], 8*(sha1.BlockSize+sha1.Size))
	return r
}

// mac is HMAC-SHA1 over b and, if it is there, what follows in more: at most
// four bytes. It is good until the next call. The hash is fed whole blocks, the
// last with its padding, because then it neither gathers nor copies.
func (r *Room) mac(n *session, b, more []byte) []byte {
	whole := len(b) &^ (sha1.BlockSize - 1)
	used := copy(r.tail[:], b[whole:])
	used += copy(r.tail[used:], more)
	end := sha1.BlockSize
	if used+1+8 > end {
		end *= 2
	}
	r.tail[used] = 0x80
	clear(r.tail[used+1 : end-8])
	binary.BigEndian.PutUint64(r.tail[end-8:], 8*uint64(sha1.BlockSize+len(b)+len(more)))
	r.resume(&n.inner)
	r.sha.Write(b[:whole])
	r.sha.Write(r.tail[:end])
	copy(r.outer[:], r.words())
	r.resume(&n.outer)
	r.sha.Write(r.outer[:])
	return r.words()
}

// resume sets SHA-1 to a state after one block.
func (r *Room) resume(words *[sha1.Size]byte) {
	copy(r.state[stateAt:], words[:])
	if r.back.UnmarshalBinary(r.state[:]) != nil {
		panic("srtp: SHA-1's state has another form") // it is looked at when the room is made
	}
}

// words is SHA-1's state, which after the padding is its sum.
func (r *Room) words() []byte {
	state, err := r.out.AppendBinary(r.after[:0])
	if err != nil {
		panic("srtp: SHA-1's state cannot be had") // as above
	}
	return state[stateAt : stateAt+sha1.Size]
}

// macRTP covers the packet and its rollover counter.
func (r *Room) macRTP(n *session, b []byte, index uint64) []byte {
	binary.BigEndian.PutUint32(r.roc[:], uint32(index>>16))
	return r.mac(n, b, r.roc[:])
}

// counter is the first counter block of a packet (RFC 3711 4.1.1).
func (r *Room) counter(n *session, ssrc uint32, index uint64) {
	copy(r.iv[:], n.salt[:])
	xor32(r.iv[4:], ssrc)
	xor32(r.iv[8:], uint32(index>>16))
	r.iv[12] ^= byte(index >> 8)
	r.iv[13] ^= byte(index)
	r.iv[14], r.iv[15] = 0, 0
}

// nonce is GCM's of an RTP packet (RFC 7714 8.1); for RTCP index is shifted
// so that its 31 bits stand where ROC and sequence number do (9.1).
func (r *Room) nonce(n *session, ssrc uint32, index uint64) []byte {
	copy(r.iv[:12], n.salt[:12])
	xor32(r.iv[2:], ssrc)
	xor32(r.iv[6:], uint32(index>>16))
	r.iv[10] ^= byte(index >> 8)
	r.iv[11] ^= byte(index)
	return r.iv[:12]
}

func xor32(b []byte, v uint32) { binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)^v) }

// crypt is AES in counter mode from the counter on, in place. Go's own makes a
// copy of the key schedule for each packet, which costs more than it gains on
// packets of this size.
func (r *Room) crypt(block cipher.Block, b []byte) {
	for n := uint16(0); len(b) > 0; {
		want := min(len(b), keystream)
		for at := 0; at < want; at += 16 {
			counter := r.ahead[at : at+16 : at+16]
			copy(counter, r.iv[:14])
			binary.BigEndian.PutUint16(counter[14:], n)
			block.Encrypt(counter, counter)
			n++
		}
		subtle.XORBytes(b, b[:want], r.ahead[:want])
		b = b[want:]
	}
}
