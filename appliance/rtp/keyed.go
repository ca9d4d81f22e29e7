package rtp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"slices"
)

const (
	gcmTag     = 16
	rtcpHeader = 8
	rtcpIndex  = 4       // bytes of SRTCP's index, with the flag for encryption
	rtcpSealed = 1 << 31 // that flag
)

// keyed is what one master key makes. What only RTCP needs is made when the
// first report comes, and its key schedule for each report: they are few, and
// a schedule takes half a kilobyte.
type keyed struct {
	from  *Key
	block cipher.Block // of counter mode
	aead  cipher.AEAD  // of GCM
	rtp   session
	rtcp  *session
}

// load derives what RTP needs.
func (k *keyed) load(s suite, from *Key) (err error) {
	k.from = from
	if k.block, k.aead, err = ciphers(s, from.Master, labelKey); err != nil {
		return err
	}
	return k.rtp.load(s, from.Master, 0)
}

// ciphers makes the one that a suite needs.
func ciphers(s suite, master []byte, label byte) (cipher.Block, cipher.AEAD, error) {
	var key [32]byte
	defer clear(key[:])
	if err := derive(key[:s.key], s, master, label); err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key[:s.key])
	if err != nil || !s.gcm {
		return block, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return nil, aead, err
}

// reports is the session for RTCP.
func (k *keyed) reports(s suite) (*session, error) {
	if k.rtcp == nil {
		fresh := new(session)
		if err := fresh.load(s, k.from.Master, labelRTCP); err != nil {
			return nil, err
		}
		k.rtcp = fresh
	}
	return k.rtcp, nil
}

// wipe forgets what can be forgotten: Go's key schedules cannot.
func (k *keyed) wipe() {
	if k.rtcp != nil {
		*k.rtcp = session{}
	}
	*k = keyed{}
}

// context is what a sender and a receiver have in common.
type context struct {
	suite suite
	room  *Room
	key   keyed
	more  []keyed // of other MKIs
}

func (r *Room) context(k Keys) (c context, err error) {
	if c.suite, err = k.check(); err != nil {
		return c, err
	}
	c.room = r
	if err = c.key.load(c.suite, &k.Keys[0]); err != nil {
		return c, err
	}
	if len(k.Keys) > 1 {
		c.more = make([]keyed, len(k.Keys)-1)
	}
	for i := range c.more {
		if err = c.more[i].load(c.suite, &k.Keys[i+1]); err != nil {
			return c, err
		}
	}
	return c, nil
}

// wipe forgets the keys; the context is of no more use.
func (c *context) wipe() {
	c.key.wipe()
	for i := range c.more {
		c.more[i].wipe()
	}
	c.more = nil
}

// mki is the length of the identifier in each packet.
func (c *context) mki() int { return len(c.key.from.MKI) }

// choose finds the key that a packet names; nil if there is none.
func (c *context) choose(mki []byte) *keyed {
	if string(c.key.from.MKI) == string(mki) {
		return &c.key
	}
	for i := range c.more {
		if string(c.more[i].from.MKI) == string(mki) {
			return &c.more[i]
		}
	}
	return nil
}

// seal protects a packet whose header takes head bytes.
func (c *context) seal(p []byte, head int, index uint64) []byte {
	r, k, ssrc := c.room, &c.key, Packet(p).SSRC()
	n := len(p)
	p = slices.Grow(p, int(c.suite.tag)+c.mki())
	if c.suite.gcm {
		k.aead.Seal(p[head:head], r.nonce(&k.rtp, ssrc, index), p[head:], p[:head])
		return append(p[:n+gcmTag], k.from.MKI...)
	}
	r.counter(&k.rtp, ssrc, index)
	r.crypt(k.block, p[head:])
	tag := r.macRTP(&k.rtp, p, index)
	return append(append(p, k.from.MKI...), tag[:c.suite.tag]...)
}

// open unprotects a packet, which fits.
func (c *context) open(p []byte, head int, index uint64) ([]byte, bool) {
	n := len(p) - int(c.suite.tag) - c.mki() // where the payload ends
	k := c.choose(p[c.mkiAt(len(p)):][:c.mki()])
	if k == nil {
		return nil, false
	}
	r, ssrc := c.room, Packet(p).SSRC()
	if c.suite.gcm {
		_, err := k.aead.Open(p[head:head], r.nonce(&k.rtp, ssrc, index), p[head:n+gcmTag], p[:head])
		return p[:n], err == nil
	}
	tag := r.macRTP(&k.rtp, p[:n], index)
	if subtle.ConstantTimeCompare(tag[:c.suite.tag], p[len(p)-int(c.suite.tag):]) != 1 {
		return nil, false
	}
	r.counter(&k.rtp, ssrc, index)
	r.crypt(k.block, p[head:n])
	return p[:n], true
}

// mkiAt is where the identifier begins in an RTP packet of n bytes: counter
// mode has its tag behind it, GCM before.
func (c *context) mkiAt(n int) int {
	if c.suite.gcm {
		return n - c.mki()
	}
	return n - c.mki() - int(c.suite.tag)
}

// fits reports whether an RTP packet has room for tag and identifier.
func (c *context) fits(p []byte, head int) bool {
	return len(p) >= head+int(c.suite.tag)+c.mki()
}

// sealRTCP protects a report.
func (c *context) sealRTCP(p []byte, index uint32) ([]byte, error) {
	k, r, ssrc := &c.key, c.room, binary.BigEndian.Uint32(p[4:])
	n, err := k.reports(c.suite)
	if err != nil {
		return nil, err
	}
	block, aead, err := ciphers(c.suite, k.from.Master, labelRTCP+labelKey)
	if err != nil {
		return nil, err
	}
	size := len(p)
	p = slices.Grow(p, c.suite.rtcpTag()+rtcpIndex+c.mki())
	if c.suite.gcm {
		about := r.aboutRTCP(p, index|rtcpSealed)
		aead.Seal(p[rtcpHeader:rtcpHeader], r.nonce(n, ssrc, uint64(index)), p[rtcpHeader:], about)
		p = binary.BigEndian.AppendUint32(p[:size+gcmTag], index|rtcpSealed)
		return append(p, k.from.MKI...), nil
	}
	r.counter(n, ssrc, uint64(index))
	r.crypt(block, p[rtcpHeader:])
	p = binary.BigEndian.AppendUint32(p, index|rtcpSealed)
	tag := r.mac(n, p, nil)
	return append(append(p, k.from.MKI...), tag[:c.suite.rtcpTag()]...), nil
}

// aboutRTCP is what the tag of an encrypted report covers in clear.
func (r *Room) aboutRTCP(p []byte, word uint32) []byte {
	copy(r.about[:], p[:rtcpHeader])
	binary.BigEndian.PutUint32(r.about[rtcpHeader:], word)
	return r.about[:]
}

// trailer is where a protected report's index word stands; false if the
// report has no room for what belongs around it.
func (c *context) trailer(p []byte) (at int, ok bool) {
	at = len(p) - rtcpIndex - c.mki()
	if c.suite.gcm {
		return at, at >= rtcpHeader+gcmTag
	}
	at -= c.suite.rtcpTag()
	return at, at >= rtcpHeader
}

// openRTCP unprotects a report whose index word stands at the given place.
func (c *context) openRTCP(p []byte, at int) ([]byte, bool) {
	k := c.choose(p[at+rtcpIndex:][:c.mki()])
	if k == nil {
		return nil, false
	}
	n, err := k.reports(c.suite)
	if err != nil {
		return nil, false
	}
	if c.suite.gcm {
		return c.openRTCPGCM(k, n, p, at)
	}
	r, word := c.room, binary.BigEndian.Uint32(p[at:])
	tag := r.mac(n, p[:at+rtcpIndex], nil)
	if subtle.ConstantTimeCompare(tag[:c.suite.rtcpTag()], p[len(p)-c.suite.rtcpTag():]) != 1 {
		return nil, false
	}
	if word&rtcpSealed == 0 {
		return p[:at], true
	}
	block, _, err := ciphers(c.suite, k.from.Master, labelRTCP+labelKey)
	if err != nil {
		return nil, false
	}
	r.counter(n, binary.BigEndian.Uint32(p[4:]), uint64(word&^rtcpSealed))
	r.crypt(block, p[rtcpHeader:at])
	return p[:at], true
}

func (c *context) openRTCPGCM(k *keyed, n *session, p []byte, at int) ([]byte, bool) {
	_, aead, err := ciphers(c.suite, k.from.Master, labelRTCP+labelKey)
	if err != nil {
		return nil, false
	}
	r, word := c.room, binary.BigEndian.Uint32(p[at:])
	nonce := r.nonce(n, binary.BigEndian.Uint32(p[4:]), uint64(word&^rtcpSealed))
	end := at - gcmTag
	if word&rtcpSealed == 0 { // all is in clear, and the tag covers it
		about := binary.BigEndian.AppendUint32(slices.Clone(p[:end]), word)
		_, err = aead.Open(nil, nonce, p[end:at], about)
		return p[:end], err == nil
	}
	_, err = aead.Open(p[rtcpHeader:rtcpHeader], nonce, p[rtcpHeader:at], r.aboutRTCP(p, word))
	return p[:end], err == nil
}
