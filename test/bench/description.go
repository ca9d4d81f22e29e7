package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"sallyport/appliance/rtp"
)

// keySet is what one direction of a call is protected with.
type keySet = rtp.Keys

// description is a session description of one end.
func (e *end) description(profile, crypto string) string {
	addr := e.at.Addr().String()
	s := "v=0\r\no=- 1 1 IN IP4 " + addr + "\r\ns=-\r\nc=IN IP4 " + addr + "\r\nt=0 0\r\n" +
		"m=audio " + strconv.Itoa(int(e.at.Port())) + " " + profile + " 0\r\na=rtpmap:0 PCMU/8000\r\n"
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
