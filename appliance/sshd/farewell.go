package sshd

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// Bounds of a farewell: a locked source is a guesser more often than not.
const (
	maxFarewells = 4 // at a time; who is beyond is closed without a word
	farewellTime = 2 * time.Second
	farewellRead = 8 << 10
)

// turnAway tells a locked source why it is not let in, as the disconnect message
// that clients show (RFC 4253 section 11.1), and closes. What the client sends
// meanwhile is read, since else the close would overtake the message.
func (s *Server) turnAway(nc net.Conn) {
	select {
	case s.farewells <- struct{}{}:
	default:
		nc.Close()
		return
	}
	s.work.Go(func() {
		defer func() { <-s.farewells }()
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(farewellTime))
		why := fmt.Sprintf("too many failed logins from this address: try again %d minutes after the last", int(lockTime.Minutes()))
		nc.Write(append([]byte("SSH-2.0-"+version+"\r\n"), disconnect(why)...))
		if t, ok := nc.(interface{ CloseWrite() error }); ok {
			t.CloseWrite()
		}
		io.CopyN(io.Discard, nc, farewellRead)
	})
}

// disconnect is the packet of a disconnect before any key is agreed on.
func disconnect(why string) []byte {
	payload := gossh.Marshal(&struct {
		Reason         uint32 `sshtype:"1"`
		Text, Language string
	}{Reason: 14, Text: why}) // no more authentication methods available
	const block, least = 8, 4
	pad := block - (5+len(payload))%block
	if pad < least {
		pad += block
	}
	p := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+pad))
	p = append(p, byte(pad))
	p = append(p, payload...)
	return append(p, make([]byte, pad)...)
}
