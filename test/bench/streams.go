package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"

	"sallyport/appliance/rtp"
)

// keySet is what one direction of a call is protected with.
type keySet = rtp.Keys

// voice is the size of an RTP packet of 20 ms of G.711.
const voice = 172

// end is one side of all calls: one socket that sends to every port of the
// relay and hears them all.
type end struct {
	conn  *net.UDPConn
	pc    *ipv4.PacketConn
	to    []*net.UDPAddr
	send  []*rtp.Sender   // nil: plain RTP
	heard []*rtp.Receiver // nil: plain RTP
	seq   []uint16
	msgs  []ipv4.Message
	held  int

	got atomic.Int64
	bad atomic.Int64 // of those looked at
}

func newEnd(addr string) (*end, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(addr)})
	if err != nil {
		return nil, err
	}
	_ = c.SetReadBuffer(8 << 20)
	_ = c.SetWriteBuffer(8 << 20)
	e := &end{conn: c, pc: ipv4.NewPacketConn(c), msgs: make([]ipv4.Message, 32)}
	for i := range e.msgs {
		e.msgs[i].Buffers = [][]byte{make([]byte, voice, 256)}
	}
	return e, nil
}

func (e *end) port() int { return e.conn.LocalAddr().(*net.UDPAddr).Port }

// add is one more call: where its packets go, and its keys in each direction.
func (e *end) add(to netip.AddrPort, sends, hears *keySet) error {
	e.to = append(e.to, net.UDPAddrFromAddrPort(to))
	e.seq = append(e.seq, 1)
	if sends == nil {
		return nil
	}
	s, err := rtp.NewSender(*sends)
	if err != nil {
		return err
	}
	r, err := rtp.NewReceiver(*hears)
	e.send, e.heard = append(e.send, s), append(e.heard, r)
	return err
}

// queue makes the next packet of a call ready; flush sends what is queued.
func (e *end) queue(i int) {
	if e.held == len(e.msgs) {
		e.flush()
	}
	m := &e.msgs[e.held]
	b := m.Buffers[0][:voice]
	clear(b[12:])
	b[0], b[1] = 0x80, 0
	binary.BigEndian.PutUint16(b[2:], e.seq[i])
	binary.BigEndian.PutUint32(b[4:], uint32(e.seq[i])*160)
	binary.BigEndian.PutUint32(b[8:], uint32(i)+1)
	e.seq[i]++
	if e.send != nil {
		if out, err := e.send[i].Protect(b); err == nil {
			b = out
		}
	}
	m.Buffers[0], m.Addr = b, e.to[i]
	e.held++
}

func (e *end) flush() {
	for at := 0; at < e.held; {
		n, err := e.pc.WriteBatch(e.msgs[at:e.held], 0)
		if err != nil {
			n = 1 // the kernel refuses one: a port that is closed, say
		}
		at += max(n, 1)
	}
	e.held = 0
}

// looked is how many packets go by for each that is looked at.
const looked = 500

// hear counts what comes until the socket is closed, and looks into some.
func (e *end) hear() {
	in := make([]ipv4.Message, 32)
	for i := range in {
		in[i].Buffers = [][]byte{make([]byte, 2048)}
	}
	for {
		n, err := e.pc.ReadBatch(in, 0)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		for i := range n {
			if e.got.Add(1)%looked == 0 && !e.sound(in[i].Buffers[0][:in[i].N]) {
				e.bad.Add(1)
			}
		}
	}
}

// sound tells whether a packet is what the far side sent.
func (e *end) sound(b []byte) bool {
	if len(b) < voice {
		return false
	}
	if e.heard != nil {
		call := int(binary.BigEndian.Uint32(b[8:])) - 1
		if call < 0 || call >= len(e.heard) {
			return false
		}
		out, verdict := e.heard[call].Unprotect(b)
		if verdict != rtp.Good {
			return false
		}
		b = out
	}
	return len(b) == voice && b[0] == 0x80 && b[100] == 0
}

// streams is a set of two-way calls through one relay, or two in a row.
type streams struct {
	phone, uc *end
}

func newStreams(phone, uc string) (*streams, error) {
	a, err := newEnd(phone)
	if err != nil {
		return nil, err
	}
	b, err := newEnd(uc)
	if err != nil {
		a.conn.Close()
		return nil, err
	}
	return &streams{a, b}, nil
}

// listen counts what arrives until close.
func (s *streams) listen() (stop func()) {
	done := make(chan struct{}, 2)
	for _, e := range []*end{s.phone, s.uc} {
		go func() {
			e.hear()
			done <- struct{}{}
		}()
	}
	return func() {
		s.phone.conn.Close()
		s.uc.conn.Close()
		<-done
		<-done
	}
}

func (s *streams) got() int64 { return s.phone.got.Load() + s.uc.got.Load() }

// pump sends packets of both sides at a rate until ctx ends and counts them in
// sent. Packets leave each millisecond, call after call.
func (s *streams) pump(ctx context.Context, perSecond int, sent *atomic.Int64) {
	begun := time.Now()
	calls, next, n := len(s.phone.to), 0, 0
	for ctx.Err() == nil {
		due := int(time.Since(begun) * time.Duration(perSecond) / time.Second)
		for ; n < due; n += 2 {
			s.phone.queue(next)
			s.uc.queue(next)
			next = (next + 1) % calls
			if n%64 == 0 {
				sent.Store(int64(n))
			}
		}
		s.phone.flush()
		s.uc.flush()
		sent.Store(int64(n))
		time.Sleep(time.Millisecond)
	}
}

// description is a session description of one end.
func (e *end) description(profile, crypto string) string {
	addr := e.conn.LocalAddr().(*net.UDPAddr).IP.String()
	s := "v=0\r\no=- 1 1 IN IP4 " + addr + "\r\ns=-\r\nc=IN IP4 " + addr + "\r\nt=0 0\r\n" +
		"m=audio " + strconv.Itoa(e.port()) + " " + profile + " 0\r\na=rtpmap:0 PCMU/8000\r\n"
	if crypto != "" {
		s += "a=crypto:1 " + crypto + "\r\n"
	}
	return s + "a=sendrecv\r\n"
}

// keysFor are a fresh call's keys and the crypto attribute that tells them.
func keysFor(suite string, call int) (*keySet, string) {
	size := 30
	if suite == "AEAD_AES_128_GCM" {
		size = 28
	}
	master := make([]byte, size)
	binary.BigEndian.PutUint64(master, uint64(call)+1)
	return &keySet{Suite: suite, Keys: []rtp.Key{{Master: master}}}, suite + " inline:" + base64.StdEncoding.EncodeToString(master)
}

// readDescription finds where media goes by a description, and its keys.
func readDescription(sdp string) (to netip.AddrPort, keys *keySet, err error) {
	var addr netip.Addr
	port := 0
	for line := range strings.Lines(sdp) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "c=IN IP4 "):
			addr, err = netip.ParseAddr(line[len("c=IN IP4 "):])
		case strings.HasPrefix(line, "m=audio "):
			port, err = strconv.Atoi(strings.Fields(line)[1])
		case strings.HasPrefix(line, "a=crypto:") && keys == nil:
			keys, err = readCrypto(strings.Fields(line))
		}
		if err != nil {
			return netip.AddrPort{}, nil, fmt.Errorf("description line %q: %w", line, err)
		}
	}
	if !addr.IsValid() || port == 0 {
		return netip.AddrPort{}, nil, fmt.Errorf("description says no address: %q", sdp)
	}
	return netip.AddrPortFrom(addr, uint16(port)), keys, nil
}

func readCrypto(words []string) (*keySet, error) {
	if len(words) < 3 {
		return nil, errors.New("too short")
	}
	inline, _, _ := strings.Cut(strings.TrimPrefix(words[2], "inline:"), "|")
	master, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(inline, "="))
	return &keySet{Suite: words[1], Keys: []rtp.Key{{Master: master}}}, err
}
