package lab

import (
	"fmt"
	"net/netip"
	"strings"
)

// offer describes our media, opening it at the first time.
func (c *Call) offer() ([]byte, error) {
	if c.number != "" {
		return pstnSDP(c.number, "passive"), nil
	}
	if err := c.openMedia(c.kinds()); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessionLocked()
	for i, l := range c.legs {
		m := c.lineLocked(l)
		m.direction = c.dir
		if suites := c.phone.cfg.Suites; len(suites) > 0 {
			m.proto, m.cryptos = "RTP/SAVP", l.cryptos(suites)
		}
		m.attrs = append(m.attrs, l.agentLines(false)...)
		s.media[i] = m
	}
	return s.bytes(c.version), nil
}

func (c *Call) kinds() []string {
	if legs := c.media(); len(legs) > 0 {
		return nil
	}
	if c.video {
		return []string{"audio", "video"}
	}
	return []string{"audio"}
}

// openMedia opens a leg for each kind, in order; nil keeps what there is.
func (c *Call) openMedia(kinds []string) error {
	for _, kind := range kinds {
		l, err := newLeg(kind, c.phone.cfg.Local, c.phone.cfg.Tone)
		if err != nil {
			return err
		}
		l.tapes = c.phone.cfg.Tapes
		if c.phone.cfg.ICE {
			l.agent, l.cut = newAgent(), c.phone.cfg.Wall
		}
		if c.phone.cfg.ICE && c.phone.cfg.TURN != nil {
			if err := l.borrow(&c.phone.cfg); err != nil {
				l.close()
				return err
			}
		}
		c.mu.Lock()
		c.legs = append(c.legs, l)
		ended := c.state == CallEnded
		c.mu.Unlock()
		if ended {
			l.close()
		}
	}
	return nil
}

func (c *Call) sessionLocked() *session {
	c.version++
	return &session{addr: c.phone.cfg.Local.String(), media: make([]mediaLine, len(c.legs))}
}

// lineLocked is what we say of a leg but for its keys and direction.
func (c *Call) lineLocked(l *leg) mediaLine {
	m := mediaLine{kind: l.kind, port: l.port(), proto: "RTP/AVP", mux: c.phone.cfg.Mux, rtcpPort: l.port() ^ 1}
	if c.label != "" {
		m.attrs = append(m.attrs, "label:"+c.label)
	}
	if l.kind == "audio" {
		m.formats = []string{"0", "101"}
		m.attrs = append(m.attrs, "rtpmap:0 PCMU/8000", "rtpmap:101 telephone-event/8000", "fmtp:101 0-15", "ptime:20")
	} else {
		m.formats = []string{"96"}
		m.attrs = []string{"rtpmap:96 H264/90000"}
	}
	return m
}

// takeAnswer applies the far end's answer to our offer.
func (c *Call) takeAnswer(body []byte) error {
	if c.number != "" && pstnNumber(body) != "" {
		return nil
	}
	far, err := parseSDP(body)
	if err != nil {
		return err
	}
	legs := c.media()
	if len(far.media) != len(legs) {
		return fmt.Errorf("lab: %d media lines answered, %d offered", len(far.media), len(legs))
	}
	for i, l := range legs {
		if err := c.connectLeg(l, &far.media[i], c.wanted()); err != nil {
			return err
		}
	}
	return nil
}

func (c *Call) wanted() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dir
}

// connectLeg joins a leg to an answered line. want is our side's direction.
func (c *Call) connectLeg(l *leg, far *mediaLine, want string) error {
	if far.port == 0 {
		return nil
	}
	if secure := len(c.phone.cfg.Suites) > 0; secure != far.secure() {
		return fmt.Errorf("lab: %s answered where SRTP is %v", far.proto, secure)
	}
	var mine, theirs crypto
	if far.secure() {
		if len(far.cryptos) != 1 {
			return fmt.Errorf("lab: %d keys in an answer", len(far.cryptos))
		}
		theirs = far.cryptos[0]
		mine = l.crypto(theirs.tag, theirs.suite)
	}
	c.mu.Lock()
	c.farDir = far.direction
	c.mu.Unlock()
	l.agree(far, true)
	return l.connect(far, mine, theirs, sends(want) && receives(far.direction))
}

// answerTo makes our answer to an offer and applies both. A *StatusError says
// how to refuse.
func (c *Call) answerTo(body []byte) ([]byte, error) {
	far, err := parseSDP(body)
	if err != nil {
		return nil, &StatusError{400, "Bad SDP"}
	}
	if err := c.openMedia(c.missing(far)); err != nil {
		return nil, err
	}
	lines := make([]mediaLine, len(far.media))
	for i := range far.media {
		if lines[i], err = c.answerLine(c.media()[i], &far.media[i]); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	return (&session{addr: c.phone.cfg.Local.String(), media: lines}).bytes(c.version), nil
}

// missing are the kinds of offered lines that have no leg yet.
func (c *Call) missing(far *session) []string {
	var kinds []string
	for i := len(c.media()); i < len(far.media); i++ {
		kinds = append(kinds, far.media[i].kind)
	}
	return kinds
}

func (c *Call) answerLine(l *leg, far *mediaLine) (mediaLine, error) {
	c.mu.Lock()
	line := c.lineLocked(l)
	c.farDir = far.direction
	line.direction = answerDirection(far.direction, c.dir)
	c.mu.Unlock()
	line.proto, line.mux = far.proto, far.mux
	mine, theirs, err := c.agree(l, far)
	if err != nil {
		return line, err
	}
	if far.port == 0 || (l.kind != "audio" && l.kind != "video") {
		line.port, line.formats = 0, far.formats
		return line, nil
	}
	if far.secure() {
		line.cryptos = []crypto{mine}
	}
	if far.attr("ice-ufrag") != "" {
		line.attrs = append(line.attrs, l.agentLines(line.mux)...)
	}
	l.agree(far, false)
	return line, l.connect(far, mine, theirs, sends(line.direction))
}

// agree chooses the suite; who wants SRTP takes nothing else, and who speaks
// plain RTP cannot take SRTP.
func (c *Call) agree(l *leg, far *mediaLine) (mine, theirs crypto, err error) {
	if far.port == 0 || !strings.Contains(far.proto, "RTP/") {
		return mine, theirs, nil
	}
	suites := c.phone.cfg.Suites
	if far.secure() != (len(suites) > 0) {
		return mine, theirs, &StatusError{488, "Not Acceptable Here"}
	}
	if !far.secure() {
		return mine, theirs, nil
	}
	theirs, ok := far.pick(suites)
	if !ok {
		return mine, theirs, &StatusError{488, "No common SRTP suite"}
	}
	return l.crypto(theirs.tag, theirs.suite), theirs, nil
}

// FarMedia is where the call's media is sent to.
func (c *Call) FarMedia() []netip.AddrPort {
	var all []netip.AddrPort
	for _, l := range c.media() {
		l.mu.Lock()
		all = append(all, l.to)
		l.mu.Unlock()
	}
	return all
}
